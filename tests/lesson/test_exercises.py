"""Every lesson's exercises: the solution passes its own check, and each wrong answer does not.

The lessons are found by their modules in `cnnlib/lesson/exercises`, so a new one is tested as soon as it stands there.
"""

import pkgutil

import pytest

from cnnlib.lesson import check, exercises, hint, quiz, solution

LESSONS = sorted(
    module.name.removeprefix("lesson_")
    for module in pkgutil.iter_modules(exercises.__path__)
    if module.name.startswith("lesson_")
)
EXERCISES = [
    pytest.param(item, id=identifier)
    for number in LESSONS
    for identifier, item in sorted(quiz.exercises(number).items())
]
WRONG_ANSWERS = [
    pytest.param(parameter.values[0], wrong, id=f"{parameter.id}-wrong{position}")
    for parameter in EXERCISES
    for position, wrong in enumerate(parameter.values[0].wrong_answers, start=1)
]


def printed_by_check(item, answer, capsys):
    check(item.identifier, answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("number", LESSONS)
def test_lesson_has_four_exercises_numbered_from_one(number):
    identifiers = set(quiz.exercises(number))
    assert len(identifiers) >= 4
    assert identifiers == {f"{number}-{i}" for i in range(1, len(identifiers) + 1)}


@pytest.mark.parametrize("number", LESSONS)
def test_each_exercise_has_an_identifier_of_its_own(number):
    # `quiz.exercises` keeps the last of two with one identifier, so they are counted in the module itself.
    module = pkgutil.resolve_name(f"cnnlib.lesson.exercises.lesson_{number}")
    made = [value for value in vars(module).values() if isinstance(value, quiz.Exercise)]
    assert len(made) == len(quiz.exercises(number))


@pytest.mark.parametrize("item", EXERCISES)
def test_solution_passes_its_own_check(item, capsys):
    assert printed_by_check(item, item.solve(), capsys) == f"{item.identifier}: right\n"


@pytest.mark.parametrize(("item", "wrong"), WRONG_ANSWERS)
def test_wrong_answer_is_told_what_is_wrong(item, wrong, capsys):
    line = printed_by_check(item, wrong, capsys)
    assert line.startswith(f"{item.identifier}: not yet, ")
    assert len(line.strip()) > len(f"{item.identifier}: not yet, ")


@pytest.mark.parametrize("item", EXERCISES)
def test_exercise_has_wrong_answers(item):
    assert len(item.wrong_answers) >= 2
    assert not any(wrong is None or wrong is Ellipsis for wrong in item.wrong_answers)


@pytest.mark.parametrize("item", EXERCISES)
def test_none_is_no_answer_yet(item, capsys):
    assert "no answer yet" in printed_by_check(item, None, capsys)


@pytest.mark.parametrize("item", EXERCISES)
def test_hint_says_more_than_its_identifier(item, capsys):
    hint(item.identifier)
    line = capsys.readouterr().out
    assert line.startswith(f"{item.identifier}: ")
    assert len(line) > len(item.identifier) + 10


@pytest.mark.parametrize("item", EXERCISES)
def test_solution_shows_code_without_decorator(item, capsys):
    solution(item.identifier)
    source = capsys.readouterr().out
    assert source.startswith("def ")
    assert "return" in source
    assert not any(line.lstrip().startswith("@exercise") for line in source.splitlines())
    assert "wrong_answers" not in source
    compile(source, item.identifier, "exec")

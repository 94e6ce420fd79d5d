"""Copies for a class: a learner's without outputs and solutions, a teacher's with both; every solution is found."""

import nbformat
import pytest

from cnnlib import lesson as cnnlib_lesson
from cnnlib.lesson import quiz
from tests.workflow.fixtures.copies import LessonCopy
from workflow.handout import HIDE, solutions, write_handout
from workflow.lessons import UsageError, find_lessons


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_learners_get_neither_outputs_nor_solutions_and_the_teacher_both(tmp_path):
    lessons = [one for one in find_lessons() if one.number in ("04", "23")]
    write_handout(lessons, tmp_path)
    path = tmp_path / "learners" / "notebooks" / "04_lenet.ipynb"
    learners = nbformat.read(path, as_version=4)
    nbformat.validate(learners)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in learners.cells)
    text = "\n".join(sources(path))
    assert text.count(HIDE) == 1
    assert "lesson.solution" not in text
    assert 'lesson.hint("04-1")` helps.' in text
    assert "5 * 5 + 1" not in text
    teacher = nbformat.read(tmp_path / "teacher" / "notebooks" / "04_lenet.ipynb", as_version=4)
    nbformat.validate(teacher)
    assert any(cell.get("outputs") for cell in teacher.cells)
    shown = "\n".join(cell.source for cell in teacher.cells if cell.cell_type == "markdown")
    assert "return 28 * 28 * 6 * (5 * 5 + 1)" in shown
    assert shown.count("*Solution of 04-") == len(quiz.exercises("04"))
    # Lesson 23 reads the results of the others, which the copy brings along.
    assert list((tmp_path / "learners" / "reference" / "cpu").glob("*.json"))


def test_the_teachers_solutions_are_those_that_the_library_prints(capsys):
    for lesson in find_lessons():
        found = solutions(lesson.number)
        assert set(found) == set(quiz.exercises(lesson.number)), lesson.name
        for identifier, source in found.items():
            cnnlib_lesson.solution(identifier)
            assert capsys.readouterr().out.rstrip() == source, identifier


def test_a_learners_copy_shows_no_solution(monkeypatch, capsys):
    monkeypatch.setattr(quiz, "_hidden", False)
    cnnlib_lesson.hide_solutions()
    cnnlib_lesson.solution("04-1")
    assert capsys.readouterr().out == (
        '04-1: this copy of the lesson has no solutions; lesson.hint("04-1") helps\n'
    )


def test_what_cannot_be_handed_out_is_said(tmp_path):
    copy = LessonCopy(tmp_path / "course", "99_none")
    with pytest.raises(UsageError, match="calls no lesson"):
        write_handout([copy.lesson], tmp_path / "out")
    copy.find("class lesson").source = "from cnnlib import lesson\nlesson.begin('a')"
    copy.save()
    with pytest.raises(UsageError, match="exercise 04-1 has no solution"):
        write_handout([copy.lesson], tmp_path / "out")

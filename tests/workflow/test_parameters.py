import pytest

from tests.workflow.tiny_course import write_course
from workflow.jobs import make_jobs
from workflow.lessons import UsageError, find_lessons, parse_parameters, parse_seeds, select_lessons


@pytest.fixture
def course(tmp_path):
    return write_course(tmp_path)


def test_jobs_carry_defaults_budget_and_overrides_in_this_order(course):
    jobs = make_jobs("cpu", params="width=0.5", seeds="0-1", notebooks=course)
    assert list(jobs) == ["01_first-seed0", "01_first-seed1", "02_second-seed0", "02_second-seed1"]
    assert jobs["01_first-seed1"]["parameters"] == {"epochs": 2, "width": 0.5, "budget": "cpu", "seed": 1}
    assert jobs["02_second-seed0"]["parameters"] == {"width": 0.5, "budget": "cpu", "seed": 0}
    assert (
        make_jobs("cpu", params="epochs=7", notebooks=course)["01_first-seed0"]["parameters"]["epochs"] == 7
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("train_examples=none", None),
        ("train_examples=50", 50),
        ("width=2", 2.0),
        ("name=12", "12"),
        ("name=true", "true"),
        ("sizes=[3,4]", [3, 4]),
    ],
)
def test_typed_values_become_what_the_annotation_says(course, text, value):
    parameters = make_jobs("quick", lessons="01", params=text, notebooks=course)["01_first-seed0"][
        "parameters"
    ]
    result = parameters[text.split("=")[0]]
    assert (result, type(result)) == (value, type(value))


WRONG = {
    "an unknown parameter": ({"params": "epochz=3"}, "'epochz'.*did you mean 'epochs'"),
    "an ill-typed parameter": ({"params": "epochs=many"}, "epochs='many' must be of type int"),
    "a float for an int": ({"params": "epochs=1.5"}, "must be of type int"),
    "a bool for an int": ({"params": "epochs=true"}, "must be of type int"),
    "no equals sign": ({"params": "epochs"}, "must be like epochs=3"),
    "blanks around it": ({"params": "epochs = 3"}, "must be like epochs=3"),
    "twice the same": ({"params": "epochs=1 epochs=2"}, "gives epochs twice"),
    "the run's own": ({"params": "seed=3"}, "seed is set by the run itself"),
    "an unknown budget": ({"budget": "cpuu"}, "BUDGET='cpuu'.*did you mean 'cpu'"),
    "an unknown lesson": ({"lessons": "frist"}, "did you mean first"),
    "a range of nothing": ({"lessons": "07-09"}, "selects no lesson"),
    "seeds that are none": ({"seeds": "a"}, "SEEDS='a' must be like"),
    "seeds backwards": ({"seeds": "3-1"}, "SEEDS='3-1' must be like"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said_in_one_sentence(course, case):
    arguments, message = WRONG[case]
    with pytest.raises(UsageError, match=message) as caught:
        make_jobs(**{"budget": "cpu", "notebooks": course, **arguments})
    assert "\n" not in str(caught.value)


WRONG_BUDGETS = {
    "an unknown lesson": ("01_frist: {}", "no lesson '01_frist'; did you mean '01_first'"),
    "an unknown key": ("01_first: {params: {epochs: 1}}", "must hold the mappings"),
    "an unknown parameter": (
        "01_first: {parameters: {epoch: 1}}",
        "no parameter 'epoch'; did you mean 'epochs'",
    ),
    "YAML's text for 1e-3": ("01_first: {parameters: {width: 1e-3}}", "write 1.0e-3"),
    "YAML's yes": ("01_first: {parameters: {epochs: yes}}", "must be of type int"),
    "a date": ("01_first: {parameters: {name: 2020-01-01}}", "must be of type str"),
    "no YAML at all": ("01_first: [", "is not valid YAML"),
    "an unknown job key": ("01_first: {job: {thread: 1}}", "no key 'thread'; did you mean 'threads'"),
    "no threads": ("01_first: {job: {threads: 0}}", "must be a number above 0"),
}


@pytest.mark.parametrize("case", WRONG_BUDGETS)
def test_faults_of_a_budget_file_are_named(tmp_path, case):
    budget, message = WRONG_BUDGETS[case]
    with pytest.raises(UsageError, match=message):
        make_jobs("cpu", notebooks=write_course(tmp_path, budget=budget))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("epochs = 3", "line 1 of the parameters cell"),
        ("import os", "line 1 of the parameters cell"),
        ("epochs: int = 2 * 3", "epochs must have a literal value"),
    ],
)
def test_a_parameters_cell_holds_annotated_literals_only(source, message):
    with pytest.raises(UsageError, match=message):
        parse_parameters(source, "01_first")


def test_lessons_are_chosen_by_number_range_list_and_name(course):
    lessons = find_lessons(course)
    for selection, expected in {
        "1": "01",
        "01-02": "01 02",
        "02,first": "01 02",
        "all": "01 02",
        "second": "02",
    }.items():
        assert " ".join(lesson.number for lesson in select_lessons(selection, lessons)) == expected


def test_seeds_are_lists_and_ranges():
    assert parse_seeds("0") == [0]
    assert parse_seeds("0-2,5, 1") == [0, 1, 2, 5]

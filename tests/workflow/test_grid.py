"""Runs over a grid of parameters: the points, their jobs, and their results side by side."""

import csv
import json

import pytest

from tests.workflow.test_course import run
from tests.workflow.tiny_course import write_course
from workflow.jobs import make_jobs
from workflow.lessons import UsageError


@pytest.fixture
def course(tmp_path):
    return write_course(tmp_path / "course")


def test_without_a_grid_names_and_jobs_stay_as_they_are(course):
    jobs = make_jobs("cpu", notebooks=course)
    assert list(jobs) == ["01_first-seed0", "02_second-seed0"]
    assert all("grid" not in job for job in jobs.values())


def test_a_grid_is_the_product_of_its_values(course):
    jobs = make_jobs("cpu", lessons="01", seeds="0-1", notebooks=course, grid="width=.25,1 epochs=1,2")
    assert len(jobs) == 8
    assert list(jobs)[:2] == [f"grid/width=0.25+epochs=1/01_first-seed{seed}" for seed in (0, 1)]
    job = jobs["grid/width=1+epochs=2/01_first-seed1"]
    assert job["grid"] == {"width": 1.0, "epochs": 2}
    assert job["parameters"] == {"width": 1.0, "epochs": 2, "budget": "cpu", "seed": 1}


def test_commas_within_brackets_belong_to_a_value(course):
    jobs = make_jobs("cpu", lessons="01", notebooks=course, grid="sizes=[1,2],[3]")
    assert [job["grid"]["sizes"] for job in jobs.values()] == [[1, 2], [3]]
    assert next(iter(jobs)) == "grid/sizes=1_2/01_first-seed0"


WRONG = {
    "an unknown name": ({"grid": "widht=.25,.5"}, "GRID: none of .* 'widht'; did you mean 'width'"),
    "an ill-typed value": ({"grid": "epochs=1,many"}, "GRID: 01_first: epochs='many' must be of type int"),
    "a value out of range": ({"grid": "epochs=1,0"}, "epochs=0 must be at least 1"),
    "no values": ({"grid": "epochs="}, "GRID: 'epochs=' must be like width=.25,.5"),
    "an empty value": ({"grid": "epochs=1,,2"}, "epochs=1,,2 has an empty value"),
    "an empty value at the end": ({"grid": "epochs=1,"}, "epochs=1, has an empty value"),
    "a repeated value": ({"grid": "width=.5,0.50"}, "GRID gives width=0.50 twice"),
    "a repeated value of another type": ({"grid": "width=1,1.0"}, "GRID gives width=1.0 twice"),
    "a repeated name": ({"grid": "epochs=1 epochs=2"}, "GRID gives epochs twice"),
    "a name of PARAMS": ({"grid": "epochs=1,2", "params": "epochs=3"}, "PARAMS and GRID both give epochs"),
    "the run's own": ({"grid": "seed=1,2"}, "GRID: seed is set by the run itself"),
    "a lesson without it": (
        {"grid": "extra=1,2", "lessons": "all"},
        "GRID: 02_second does not have all of extra; choose others with LESSONS=01",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_grid_that_cannot_be_is_said_in_one_sentence(tmp_path, case):
    arguments, message = WRONG[case]
    course = write_course(tmp_path / "course", first_parameters="extra: int = 1  # of the first lesson")
    with pytest.raises(UsageError, match=message) as caught:
        make_jobs("cpu", notebooks=course, **arguments)
    assert "\n" not in str(caught.value)


def test_a_wrong_grid_starts_nothing(course, tmp_path):
    code, text = run(course, tmp_path / "run", "--grid", "epochz=1,2")
    assert code == 1
    assert text.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_points_of_a_grid_stand_side_by_side(tmp_path):
    fail_once = "if epochs == 3:\n    raise RuntimeError('planted')"
    course, folder = write_course(tmp_path / "course", first=fail_once), tmp_path / "a run"
    arguments = ("--lessons", "01", "--grid", "epochs=2,3")
    code, text = run(course, folder, *arguments)
    assert code == 1
    assert "FAILED: grid/epochs=3: 01_first seed 0, cell 3: RuntimeError: planted" in text
    write_course(tmp_path / "course")
    code, text = run(course, folder, *arguments)
    assert code == 0, text
    code, text = run(course, folder, *arguments)
    assert "nothing was run" in text
    rows = list(csv.DictReader((folder / "grid.csv").open()))
    assert [(row["epochs"], row["test_accuracy"]) for row in rows] == [("2", "0.52"), ("3", "0.53")]
    record = json.loads((folder / "grid" / "epochs=3" / "01_first-seed0.json").read_text())
    assert record["provenance"]["parameters"]["epochs"] == 3
    assert (folder / "grid" / "epochs=2" / "report.html").exists()
    assert not list(folder.glob("[0-9][0-9]_*.json"))  # a run without a grid may live in the same folder
    assert "grid/epochs=2/01_first-seed0" in run(course, folder, *arguments, command="plan")[1]


FAR = """
# As `lesson.expect_between` has it: an interval is asserted at a budget's own parameters only.
accuracy = min(0.99, 0.1 * epochs * width)
own = epochs == 1 and width == 1.0
if own and not 0.05 <= accuracy <= 0.2:
    raise AssertionError("accuracy is outside")
print("accuracy", "lies in [0.05, 0.2]" if own else "has its interval for other parameters")
"""


@pytest.mark.slow
def test_six_points_far_from_the_budget_give_six_records(tmp_path):
    course, folder = write_course(tmp_path / "course", first=FAR), tmp_path / "run"
    code, text = run(
        course, folder, "--lessons", "01", "--grid", "epochs=1,20,40 width=.01,9", "--budget", "quick"
    )
    assert code == 0, text
    assert "FAILED" not in text
    records = sorted(folder.glob("grid/*/01_first-seed0.json"))
    assert len(records) == 6
    assert len((folder / "grid.csv").read_text().splitlines()) == 7
    executed = [path.read_text() for path in folder.glob("grid/*/notebooks/*.ipynb")]
    assert sum("accuracy has its interval for other parameters" in text for text in executed) == 6

"""The batch runner end to end, on a course of two lessons that take no time."""

import json
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT


def run(course, folder, *arguments, command="run"):
    """(exit status, all that was printed) of the command behind `make course`."""
    full = [
        sys.executable,
        "-m",
        "workflow.course",
        command,
        "--notebooks",
        str(course),
        "--run",
        str(folder),
        *arguments,
    ]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_run_reports_and_a_second_one_does_nothing(tmp_path):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    code, text = run(course, folder)
    assert code == 0, text
    assert "[2/2]" in text
    assert "report.html" in text
    record = json.loads((folder / "01_first-seed0.json").read_text())
    assert record["test_accuracy"] == 0.52  # the budget's epochs reached the notebook
    assert record["provenance"]["lock_sha256"]
    assert record["provenance"]["parameters"]["epochs"] == 2
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("*-seed*.json")}
    code, text = run(course, folder)
    assert code == 0
    assert "nothing was run" in text
    assert stamps == {path: path.stat().st_mtime_ns for path in folder.glob("*-seed*.json")}
    code, text = run(course, folder, "--params", "epochs=5", "--lessons", "01")
    assert code == 0
    assert json.loads((folder / "01_first-seed0.json").read_text())["test_accuracy"] == 0.55


@pytest.mark.slow
def test_a_failing_lesson_is_named_and_stops_no_other(tmp_path):
    course = write_course(tmp_path / "course", second="raise RuntimeError('planted')")
    folder = tmp_path / "run"
    code, text = run(course, folder)
    assert code == 1
    assert "FAILED: 02_second seed 0, cell 3: RuntimeError: planted" in text
    assert (folder / "01_first-seed0.json").exists()
    assert (folder / "notebooks" / "02_second-seed0.ipynb").exists()
    assert "planted" in (folder / "notebooks" / "02_second-seed0.html").read_text()
    page = (folder / "report.html").read_text()
    assert "planted" in page
    # Mended, only the failed lesson runs again.
    write_course(tmp_path / "course")
    code, text = run(course, folder)
    assert code == 0, text
    assert "01_first-seed0 started" not in text
    assert "02_second-seed0 done" in text
    assert "planted" not in (folder / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os._exit(9)", "the kernel died"),
        ("import time; time.sleep(100)", "longer than the 0.05 minutes"),
        ("display = print", "one lesson.record"),
    ],
    ids=["a dead kernel", "too long", "no record"],
)
def test_other_ends_of_a_lesson_are_told_apart(tmp_path, code, message):
    budget = "01_first: {}\n02_second: {job: {threads: 1, minutes: 0.05}}\n"
    course = write_course(tmp_path / "course", second=code, budget=budget)
    if code.startswith("display"):
        import nbformat

        notebook = nbformat.read(course / "02_second.ipynb", as_version=4)
        notebook.cells.pop()
        nbformat.write(notebook, course / "02_second.ipynb")
    status, text = run(course, tmp_path / "run", "--lessons", "02")
    assert status == 1
    assert "FAILED: 02_second seed 0" in text
    assert message in text


@pytest.mark.slow
def test_a_kernel_that_was_lost_once_is_started_again(tmp_path):
    lose_once = (
        "import os, pathlib\n"
        f"flag = pathlib.Path({str(tmp_path / 'lost')!r})\n"
        "if not flag.exists():\n    flag.touch()\n    os._exit(9)"
    )
    course = write_course(tmp_path / "course", second=lose_once)
    status, text = run(course, tmp_path / "run", "--lessons", "02")
    assert status == 0, text
    assert (tmp_path / "lost").exists()
    assert "trying once more" in (tmp_path / "run" / "logs" / "02_second-seed0.log").read_text()
    states = json.loads((tmp_path / "run" / "status.json").read_text())["jobs"]
    assert states == {"02_second-seed0": "done"}


def test_wrong_parameters_start_nothing(tmp_path):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    code, text = run(course, folder, "--params", "epochz=3")
    assert code == 1
    assert (
        text == "error: PARAMS: none of the chosen lessons has a parameter 'epochz'; did you mean 'epochs'?\n"
    )
    assert not folder.exists()


def test_the_plan_runs_nothing(tmp_path):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    code, text = run(course, folder, "--seeds", "0-1", command="plan")
    assert code == 0
    assert "4 jobs" in text
    assert "GB of memory" in text
    assert not folder.exists()


def test_the_plan_counts_what_would_run(tmp_path):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    run(course, folder)
    assert "2 jobs, and all results are there: nothing would run" in run(course, folder, command="plan")[1]
    text = run(course, folder, "--seeds", "0-1", "--cores", "1", command="plan")[1]
    assert "2 of 4 jobs would run" in text
    assert "on 1 cores" in text
    assert "2 of 2 jobs would run" in run(course, folder, "--params", "epochs=3", command="plan")[1]
    assert "CORES='0' must be all or a number" in run(course, folder, "--cores", "0", command="plan")[1]


def test_an_unknown_backend_and_a_missing_run_are_said(tmp_path):
    course = write_course(tmp_path / "course")
    assert "BACKEND='numpy' must be one of" in run(course, tmp_path / "run", "--backend", "numpy")[1]
    assert "there is no run in" in run(course, tmp_path / "nowhere", command="report")[1]


def test_copies_for_the_lab_carry_the_budgets_parameters(tmp_path):
    import nbformat

    from workflow.course import _prepare_copies
    from workflow.jobs import make_jobs

    course, folder = write_course(tmp_path / "course"), tmp_path / "lab"
    jobs = make_jobs("cpu", params="width=0.5", notebooks=course)
    _prepare_copies(jobs, folder)
    cells = nbformat.read(folder / "01_first.ipynb", as_version=4).cells
    injected = next(cell.source for cell in cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert "epochs = 2" in injected
    assert "width = 0.5" in injected
    assert all(not cell.get("outputs") for cell in cells)
    # A learner's own changes in a copy are never overwritten.
    (folder / "01_first.ipynb").write_text("mine")
    _prepare_copies(jobs, folder)
    assert (folder / "01_first.ipynb").read_text() == "mine"

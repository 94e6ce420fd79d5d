"""When a job file is written anew, so that its lesson runs again, and when it stays as it is."""

import json
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import CPU_BUDGET, write_course
from workflow import costs
from workflow.jobs import make_jobs, write_jobs
from workflow.lessons import ROOT

LOCK = ROOT / "requirements.lock"
RECORDED = [
    {"lesson": "01_first", "provenance": {"lesson_seconds": 25, "wall_seconds": 40, "peak_memory_mb": 900}},
    {"lesson": "01_first", "provenance": {"lesson_seconds": 30, "peak_memory_mb": 800}},
]


@pytest.fixture
def course(tmp_path):
    """A course of two lessons and the folder of a run in which the first has ended well."""
    notebooks, run = write_course(tmp_path / "course"), tmp_path / "run"
    write_jobs(make_jobs("cpu", notebooks=notebooks), run, LOCK)
    (run / "01_first-seed0.json").write_text("{}")
    return notebooks, run


def rewritten(course, budget):
    """The names of the jobs whose files changed once the budget was `budget`."""
    notebooks, run = course
    before = {path.stem: path.read_bytes() for path in (run / "jobs").glob("*.json")}
    write_course(notebooks, budget=budget)
    write_jobs(make_jobs("cpu", notebooks=notebooks), run, LOCK)
    return {path.stem for path in (run / "jobs").glob("*.json") if path.read_bytes() != before[path.stem]}


def test_the_same_again_writes_nothing(course):
    assert rewritten(course, CPU_BUDGET) == set()


def test_other_limits_repeat_only_what_has_no_record(course):
    longer = CPU_BUDGET.replace("minutes: 1", "minutes: 9").replace("memory_mb: 500", "memory_mb: 900")
    assert rewritten(course, longer) == {"02_second-seed0"}
    job = json.loads((course[1] / "jobs" / "02_second-seed0.json").read_text())
    assert (job["minutes"], job["memory_mb"]) == (9, 900)


def test_what_decides_a_result_repeats_it(course):
    assert rewritten(course, CPU_BUDGET.replace("epochs: 2", "epochs: 3")) == {"01_first-seed0"}
    assert "01_first-seed0" in rewritten(course, CPU_BUDGET.replace("threads: 1", "threads: 2"))


def test_costs_are_the_recorded_ones_and_else_what_the_budget_declares(tmp_path, monkeypatch):
    jobs = make_jobs("cpu", notebooks=write_course(tmp_path / "course"))
    first, second = jobs
    monkeypatch.setattr(costs, "load_records", lambda folder: (RECORDED, {}))
    found = costs.costs_of(jobs, "cpu")
    assert found[first] == {"seconds": 30, "memory_mb": 900, "recorded": True}
    assert found[second] == {"seconds": 60, "memory_mb": 500, "recorded": False}


@pytest.mark.parametrize(
    ("first", "parsed"), [("import papermill", True), ("import workflow, papermill", False)]
)
def test_a_job_starts_its_kernel_without_parsing_the_grammar_of_addresses(first, parsed):
    """`lark` is the parser; that it is loaded without ours shows that the test would see it."""
    code = f"{first}; import sys; print('lark' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == str(parsed)

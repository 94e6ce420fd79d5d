"""Lessons without Snakemake and Jupyter: the same records, the same failures."""

import json
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT
from workflow.records import load_records
from workflow.standalone import run_cell


def run(course, folder, *arguments):
    """Exit status and what was printed."""
    command = [sys.executable, "-m", "workflow.standalone", "--notebooks", str(course), "--run", str(folder)]
    command += ["--budget", "cpu", "--backend", "tensorflow", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_value_of_the_last_line_is_what_a_cell_shows():
    namespace = {}
    assert run_cell("x = 3\nx + 1", namespace) == 4
    assert run_cell("y = x", namespace) is None
    assert run_cell("", namespace) is None
    assert (namespace["x"], namespace["y"]) == (3, 3)


def test_records_are_those_of_the_batch_runner_and_a_second_run_does_nothing(tmp_path):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    code, text = run(course, folder, "--seeds", "0-1", "--params", "epochs=5")
    assert code == 0, text
    records, faults = load_records(folder)
    assert not faults
    assert [(r["lesson"], r["seed"]) for r in records] == [
        ("01_first", 0), ("01_first", 1), ("02_second", 0), ("02_second", 1)]  # fmt: skip
    assert records[0]["test_accuracy"] == pytest.approx(0.55)  # the parameters arrived
    assert records[0]["provenance"]["wall_seconds"] > 0
    code, text = run(course, folder, "--seeds", "0-1", "--params", "epochs=5")
    assert text.count("has a record") == 4


def test_a_lesson_that_fails_is_named_with_its_cell_and_stops_no_other(tmp_path):
    folder = tmp_path / "run"
    code, text = run(write_course(tmp_path / "course", second="1 / 0"), folder)
    assert code == 1
    assert "02_second-seed0 FAILED" in text
    failure = json.loads((folder / "failed" / "02_second-seed0.json").read_text())
    assert (failure["cell"], failure["error"]) == (3, "ZeroDivisionError: division by zero")
    assert (folder / "01_first-seed0.json").exists()
    code, text = run(write_course(tmp_path / "course"), folder)
    assert code == 0
    assert not (folder / "failed" / "02_second-seed0.json").exists()
    code, text = run(write_course(tmp_path / "course", second="1 / 0"), folder)
    assert code == 1
    # The earlier lesson's result stands for this one no more.
    assert not (folder / "02_second-seed0.json").exists()


def test_a_lesson_that_takes_too_long_is_stopped(tmp_path):
    budget = "02_second: {job: {threads: 1, memory_mb: 500, minutes: 0.05}}"
    course = write_course(tmp_path / "course", second="import time; time.sleep(60)", budget=budget)
    code, _ = run(course, tmp_path / "run", "--lessons", "02")
    assert code == 1
    failure = json.loads((tmp_path / "run" / "failed" / "02_second-seed0.json").read_text())
    assert "longer than 1.5 times the 0.05 minutes declared" in failure["error"]


def test_what_cannot_be_is_said_before_anything_runs(tmp_path):
    code, text = run(write_course(tmp_path / "course"), tmp_path / "run", "--params", "epochz=3")
    assert code == 1
    assert "did you mean 'epochs'" in text
    assert not (tmp_path / "run").exists()


def test_a_process_that_was_killed_is_reported(tmp_path):
    course = write_course(
        tmp_path / "course", second="import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    code, text = run(course, tmp_path / "run", "--lessons", "02")
    assert code == 1
    assert "FAILED: 02_second seed 0: the process ended by signal 9, most often for want of memory" in text


def test_a_lesson_that_reads_records_runs_last_on_those_of_its_run_and_again_when_they_change(tmp_path):
    code = "import pathlib\nprint(sorted(p.stem for p in pathlib.Path(records).glob('*-seed*.json')))"
    course = write_course(
        tmp_path / "course", first=code, first_parameters='records: str = "nowhere"  # folder'
    )
    folder = tmp_path / "run"
    status, text = run(course, folder)
    assert status == 0, text
    assert text.index("02_second-seed0 done") < text.index("01_first-seed0 done")
    assert "['02_second-seed0']" in (folder / "logs" / "01_first-seed0.log").read_text()
    assert "01_first-seed0 has a record" in run(course, folder)[1]
    text = run(course, folder, "--params", "width=0.5")[1]
    assert text.count(" done ") == 2


def test_cells_run_in_the_module_main_where_the_library_looks_for_the_parameters(tmp_path):
    code = 'import sys; assert sys.modules["__main__"].epochs == 5, "no parameters there"'
    status, text = run(
        write_course(tmp_path / "course", second=code), tmp_path / "run", "--params", "epochs=5"
    )
    assert status == 0, text

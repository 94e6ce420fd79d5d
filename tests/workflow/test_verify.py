"""What two runs of a lesson must have in common, and how a difference is named."""

import json
import subprocess
import sys

import nbformat
import pytest

from tests.workflow.test_ledger_and_report import record
from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT
from workflow.verify import SIDES, compare


def runs(tmp_path, changes=None, output="3"):
    """Two recorded runs; the second with other fields in its record, and another output in a checked cell."""
    for side, changed, text in zip(SIDES, ({}, changes or {}), ("3", output), strict=True):
        folder = tmp_path / side
        (folder / "notebooks").mkdir(parents=True)
        (folder / "04_lenet-seed0.json").write_text(json.dumps({**record(), **changed}))
        stream = [nbformat.v4.new_output("stream", text=text)]
        free = nbformat.v4.new_code_cell("timing()", metadata={"tags": ["nbval-ignore-output"]})
        free.outputs = [nbformat.v4.new_output("stream", text=side)]
        cells = [nbformat.v4.new_code_cell("print(3)", outputs=stream), free]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebooks" / "04_lenet-seed0.ipynb")
    return tmp_path


def test_equal_runs_are_equal_whatever_their_timings_say(tmp_path):
    history = {**record()["history"], "epoch_seconds": [99.0], "images_per_second": [9.0]}
    row = compare(runs(tmp_path, {"seconds": 99.0, "history": history}), "04_lenet-seed0")
    assert row == {"job": "04_lenet-seed0", "networks": 1, "outputs": 1, "verdict": "equal"}


@pytest.mark.parametrize(
    ("changes", "output", "verdict"),
    [
        ({"digest": "1" * 64}, "3", "weights of lenet5 differs"),
        ({"test_accuracy": 0.90001}, "3", "test_accuracy differs"),
        ({"history": {**record()["history"], "train_loss": [0.1]}}, "3", "learning curve train_loss differs"),
        ({}, "4", "output of cell 1 differs"),
        ({"schema_version": 0}, "3", "the second run failed"),
    ],
)
def test_the_first_difference_is_named(tmp_path, changes, output, verdict):
    assert compare(runs(tmp_path, changes, output), "04_lenet-seed0")["verdict"] == verdict


@pytest.mark.slow
def test_the_command_runs_lessons_twice_and_fails_on_chance(tmp_path):
    command = [sys.executable, "-m", "workflow.verify", "--run", str(tmp_path / "run"), "--notebooks"]
    steady = write_course(tmp_path / "steady")
    done = subprocess.run([*command, str(steady)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("equal") == 2
    chance = write_course(tmp_path / "chance", second="import random; print(random.random())")
    done = subprocess.run([*command, str(chance)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "02_second-seed0: output of cell 3 differs" in done.stderr

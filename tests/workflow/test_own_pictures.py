"""`folder:<path>`, relative and with a blank, Chinese class names, odd formats, from `make course` and `make lab`."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from tests.workflow.fixtures.pictures import CLASSES, NAME, TRAINING_PICTURES, write_pictures
from tests.workflow.tiny_course import write_course
from workflow.jobs import make_jobs
from workflow.lessons import ROOT, UsageError

PARAMS = f"dataset='folder:{NAME}' train_examples=5"
DATASET = 'dataset: str = "fashion_mnist"  # or folder:<path>\nvalidation_examples: int = 3  # to choose with'
LOOK = f"""
from pathlib import Path
there = Path(dataset.removeprefix("folder:"))
assert there.is_absolute()
assert {{path.name for path in (there / "train").iterdir()}} == set({CLASSES!r})
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course in a folder of its own; the pictures lie where the commands are called."""
    course = write_course(tmp_path / "course", first=LOOK, first_parameters=DATASET)
    write_pictures(tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    return course


def test_a_run_finds_the_pictures_where_the_command_was_called(course, tmp_path):
    command = [sys.executable, "-m", "workflow.course", "run", "--lessons", "01", "--params", PARAMS]
    done = subprocess.run(
        [*command, "--notebooks", str(course), "--run", str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "run" / "01_first-seed0.json").read_text())
    assert record["provenance"]["parameters"]["dataset"] == f"folder:{tmp_path / 'desk' / NAME}"


def test_the_lab_opens_copies_that_find_them_too(course, tmp_path, monkeypatch):
    from workflow import course as commands

    monkeypatch.setattr(commands.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["course", "lab", "--budget", "quick", "--params", PARAMS, "--notebooks", str(course)]
    )
    with pytest.raises(SystemExit) as end:
        commands.main()
    assert end.value.code == 0
    copy = nbformat.read(tmp_path / "runs" / "lab" / "quick" / "01_first.ipynb", as_version=4)
    assert f"folder:{tmp_path / 'desk' / NAME}" in "".join(cell.source for cell in copy.cells)


WRONG = {
    "no such folder": (lambda root: None, "folder:elsewhere", "names no folder that is there"),
    "one class": (lambda root: [shutil.rmtree(root / p / c) for p in ("train", "test") for c in CLASSES[1:]],
                  f"folder:{NAME}", "has 1 classes, and 2 are needed"),
    "no test part": (lambda root: shutil.rmtree(root / "test"), f"folder:{NAME}", "no folder 'test' in it"),
    "another class": (lambda root: shutil.rmtree(root / "test" / "猫"), f"folder:{NAME}", "'猫' is in one of"),
    "a file": (lambda root: (root / "train" / "a.jpg").touch(), f"folder:{NAME}", "is no class folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_such_folder_is_refused_before_anything_starts(course, tmp_path, case):
    change, dataset, message = WRONG[case]
    change(tmp_path / "desk" / NAME)
    with pytest.raises(UsageError, match=message) as caught:
        make_jobs("quick", "01", params=f"dataset='{dataset}' train_examples=5", notebooks=course)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_read_and_too_few_pictures(course, monkeypatch):
    with pytest.raises(UsageError, match=f"more than the {TRAINING_PICTURES} images there are to train on"):
        make_jobs("quick", "01", params=f"dataset='folder:{NAME}' train_examples=7", notebooks=course)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\); check its permissions"):
        make_jobs("quick", "01", params=PARAMS, notebooks=course)


def test_a_value_with_a_blank_needs_quotes(course):
    with pytest.raises(UsageError, match="quotes around a value with blanks"):
        make_jobs("quick", "01", params=f"dataset=folder:{NAME}", notebooks=course)
    with pytest.raises(UsageError, match="has a quote that is not closed"):
        make_jobs("quick", "01", params=f"dataset='folder:{NAME}", notebooks=course)


def test_the_library_reads_the_odd_formats(tmp_path):
    from cnnlib import data

    images = data.load(f"folder:{write_pictures(tmp_path)}", image_size=28, validation_examples=3)
    assert images.class_names == tuple(sorted(CLASSES))
    assert images.train.images.shape == (TRAINING_PICTURES - 3, 28, 28, 3)
    assert len(images.test) == 6

"""What a user or a disk can get wrong, each answered by one sentence before any kernel starts."""

import argparse
import errno
import json
import os

import nbformat
import pytest

from tests.workflow.fixtures.pictures import write_pictures
from tests.workflow.test_ledger_and_report import record
from tests.workflow.tiny_course import write_course
from workflow.jobs import make_jobs
from workflow.lessons import UsageError
from workflow.options import sentence_of
from workflow.parameters import check_ranges
from workflow.records import load_records, read_run

PARAMETERS = """budget: str = "quick"  # label
seed: int = 0  # of everything
epochs: int = 1  # passes
batch_size: int = 32  # images a step
train_examples: int | None = 100  # None for all
validation_examples: int = 10  # to choose with
learning_rate: float = 0.1  # peak
width: float = 1.0  # share of channels
depths: list[int] = [8]  # layers
learning_rates: list[float] = [0.1]  # peaks
precision: str = "float32"  # of the arithmetic
dataset: str = "fashion_mnist"  # which images"""


def course(tmp_path, parameters=PARAMETERS, tags=("parameters",), copies=1, budget="{}"):
    folder = tmp_path / "course"
    (folder / "budgets").mkdir(parents=True)
    for name in ("quick", "cpu", "gpu"):
        (folder / "budgets" / f"{name}.yaml").write_text(budget)
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": list(tags)}) for _ in range(copies)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_first.ipynb")
    return folder


RANGES = {
    "epochs=0": "epochs=0 must be at least 1",
    "epochs=-3": "epochs=-3 must be at least 1",
    "batch_size=0": "batch_size=0 must be at least 1",
    "train_examples=0": "train_examples=0 must be at least 1",
    "validation_examples=-1": "validation_examples=-1 must be at least 1",
    "learning_rate=0": "learning_rate=0.0 must be a finite number above 0",
    "learning_rate=-0.1": "learning_rate=-0.1 must be a finite number above 0",
    "learning_rate=1e999": "learning_rate=inf must be a finite number above 0",
    "width=0": "width=0.0 must be a finite number above 0",
    "depths=[8,0]": r"depths=\[8, 0\] must be at least 1",
    "learning_rates=[0.1,-1.0]": "learning_rates=.* must be a finite number above 0",
    "precision=float16": "precision='float16' must be one of float32, mixed_bfloat16, auto",
    "precision=float23": "did you mean 'float32'",
    "dataset=mnist": "dataset='mnist' must be one of fashion_mnist",
    "dataset=folder:/nowhere/at/all": "names no folder that is there",
    "train_examples=59999": None,  # with 10 for validation, more than there are
    "train_examples=50000 validation_examples=20000": None,
}


@pytest.mark.parametrize("text", RANGES)
def test_a_value_out_of_range_or_in_conflict_starts_nothing(tmp_path, text):
    expected = RANGES[text] or "are more than the 60,000 images there are"
    with pytest.raises(UsageError, match=expected) as caught:
        make_jobs("cpu", params=text, notebooks=course(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_budget_files_values_are_held_to_the_same_ranges(tmp_path):
    folder = course(tmp_path, budget="01_first: {parameters: {epochs: 0}}")
    with pytest.raises(UsageError, match="epochs=0 must be at least 1"):
        make_jobs("cpu", notebooks=folder)


def test_what_is_in_range_passes(tmp_path):
    params = f"dataset='folder:{write_pictures(tmp_path)}' train_examples=none validation_examples=3"
    jobs = make_jobs("cpu", params=params, notebooks=course(tmp_path))
    assert jobs["01_first-seed0"]["parameters"]["train_examples"] is None
    check_ranges("01_first", {}, {"noise": 0.0, "bias": -4.0, "mirror": False})  # names that promise nothing


NOTEBOOKS = {
    "no parameters cell": ({"tags": ()}, "must have one cell tagged `parameters`, not 0"),
    "two parameters cells": ({"copies": 2}, "must have one cell tagged `parameters`, not 2"),
    "a parameter without annotation": ({"parameters": "epochs = 3"}, "line 1 of the parameters cell"),
    "an import": ({"parameters": "import os"}, "line 1 of the parameters cell"),
    "a computed value": ({"parameters": "epochs: int = 2 * 3"}, "epochs must have a literal value"),
    "code that is no Python": ({"parameters": "epochs: int = = 3"}, "line 1 of the parameters cell"),
    "a type of its own": ({"parameters": "epochs: Epochs = 3"}, "a parameter's type must be made of"),
}


@pytest.mark.parametrize("case", NOTEBOOKS)
def test_a_notebook_that_is_no_lesson_is_named(tmp_path, case):
    options, message = NOTEBOOKS[case]
    with pytest.raises(UsageError, match=message):
        make_jobs("cpu", params="epochs=2", notebooks=course(tmp_path, **options))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [{}]}', "\x00\x01"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, content):
    folder = course(tmp_path)
    (folder / "01_first.ipynb").write_text(content)
    with pytest.raises(UsageError, match=r"01_first.ipynb is no readable notebook .*git checkout"):
        make_jobs("cpu", notebooks=folder)


def test_a_budget_that_is_a_list_is_refused(tmp_path):
    with pytest.raises(UsageError, match="must map lessons"):
        make_jobs("cpu", notebooks=course(tmp_path, budget="- 01_first"))


RECORDS = {
    "of another version": ({"schema_version": 0}, "schema_version"),
    "without its digest": ({"digest": None}, "digest"),
    "with an accuracy in percent": ({"test_accuracy": 88.2}, "test_accuracy"),
    "of an unknown budget": ({"budget": "tiny"}, "budget"),
    "of an unknown backend": ({"backend": "numpy"}, "backend"),
    "with a lesson that is a path": ({"lesson": "../04_lenet"}, "lesson"),
    "with a negative count": ({"params": -1}, "params"),
    "with a text for a number": ({"seconds": "3"}, "seconds"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_that_is_none_is_told_and_not_used(tmp_path, case):
    changes, field = RECORDS[case]
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps({**record(), **changes}))
    records, faults = load_records(tmp_path)
    assert not records
    assert field in faults["04_lenet-seed0.json"]
    with pytest.raises(UsageError, match="run that lesson again"):
        read_run(tmp_path)


def test_a_later_version_only_adds_fields(tmp_path):
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps({**record(), "schema_version": 2, "new": 1}))
    assert len(read_run(tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", "\x00"])
def test_a_file_that_holds_no_record_is_told(tmp_path, text):
    (tmp_path / "04_lenet-seed0.json").write_text(text)
    assert list(load_records(tmp_path)[1]) == ["04_lenet-seed0.json"]


def test_the_course_of_the_other_tests_is_in_range(tmp_path):
    assert make_jobs("cpu", notebooks=write_course(tmp_path))


@pytest.mark.parametrize(
    ("number", "to_do"),
    [
        (errno.ENOSPC, "free some space or choose another folder with RUN="),
        (errno.EROFS, "choose another folder with RUN=<folder>, one that you may write"),
        (errno.ENOENT, "see whether it is there and whole"),
    ],
)
def test_space_is_asked_for_only_where_it_lacks(number, to_do):
    arguments = argparse.Namespace(run="runs/cpu")
    told = sentence_of(OSError(number, os.strerror(number), "a/file"), arguments)
    assert told.startswith(f"error: {os.strerror(number)}: a/file; {to_do}")

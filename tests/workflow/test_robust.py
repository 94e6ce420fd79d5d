"""`make robust`: lessons under other arithmetics, the spread of what they measure, and its room."""

import json
import os
import subprocess
import sys

import pytest

from tests.workflow.fixtures.copies import LessonCopy
from workflow.lessons import ROOT, UsageError
from workflow.parameters import with_defaults
from workflow.robust import ARITHMETICS, distinct_arithmetics, processor_flags, quantity_rows, text_of

# Stands in for a training that rounding moves; the file is read by itself, so that no backend is loaded.
MEASURE = f"""
import importlib.util, os
spec = importlib.util.spec_from_file_location("quantities", {str(ROOT / "cnnlib/lesson/quantities.py")!r})
quantities = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quantities)
value = {{"SSE41": 0.4}}.get(os.environ.get("ONEDNN_MAX_CPU_ISA"), 0.6) + 0.1 * (threads == 1)
quantities.leave_quantity("accuracy", value, 0.45, 0.75)
assert value >= 0.45, "accuracy is outside"
print("fine")
"""


def run(folder, out):
    command = [sys.executable, "-m", "workflow.robust", "--notebooks", str(folder), "--run", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "ONEDNN_MAX_CPU_ISA": "SSE41"}
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    "SSE41" in distinct_arithmetics(processor_flags())[1], reason="no processor to be limited so"
)
def test_an_arithmetic_that_leaves_the_interval_is_found(tmp_path):
    copy = LessonCopy(tmp_path / "course")
    parameters = copy.find("budget: str")
    parameters.source += "\nthreads: int = 2  # CPU threads"
    copy.add_code(MEASURE)
    copy.save()
    status, text = run(tmp_path / "course", tmp_path / "out")
    assert status == 1, text
    told = json.loads((tmp_path / "out" / "robust.json").read_text())
    (row,) = told["quantities"]
    assert row["least"] == 0.4
    assert row["greatest"] == pytest.approx(0.7)
    assert (row["low"], row["high"], row["inside"]) == (0.45, 0.75, False)
    # One thread reaches the kernel through the notebook's parameters, the rest through its environment; a user's own
    # limit reaches none.
    assert row["values"]["1 thread"] == pytest.approx(0.7)
    assert row["values"]["2 threads"] == 0.6
    assert row["values"]["oneDNN off"] == 0.6
    assert "OUTSIDE" in text
    assert "FAILED: 04_numbers, SSE41, In [11]: AssertionError: accuracy is outside" in text
    # A second time only what failed runs again.
    status, text = run(tmp_path / "course", tmp_path / "out")
    assert status == 1
    assert "[1/1] 04_numbers, SSE41: FAILED" in text


def test_limits_that_limit_nothing_are_not_run(tmp_path):
    six = [arithmetic.name for arithmetic in ARITHMETICS]
    assert len(six) == 6
    assert [one.name for one in distinct_arithmetics(frozenset({"avx", "avx2", "avx512f"}))[0]] == six
    assert [one.name for one in distinct_arithmetics(None)[0]] == six
    distinct, equal = distinct_arithmetics(frozenset({"avx", "avx2"}))
    assert equal == {"AVX2": "2 threads", "AVX2, 1 thread": "1 thread"}
    assert [one.name for one in distinct] == ["2 threads", "1 thread", "SSE41", "oneDNN off"]
    assert len(distinct_arithmetics(frozenset())[0]) == 3
    assert processor_flags(tmp_path / "no file") in (None, frozenset())


def test_room_is_the_distance_to_the_nearer_end():
    def quantity(name, value, low, high):
        return {"name": name, "value": value, "low": low, "high": high}

    def result(*quantities):
        return {"seconds": 1.0, "failures": {}, "quantities": list(quantities)}

    results = {
        "04_lenet": {
            "a": result(quantity("x", 0.5, 0.4, 0.9), quantity("error", 2e-6, None, 1e-5)),
            "b": result(
                quantity("x", 0.8, 0.4, 0.9), quantity("error", 4e-6, None, 1e-5), quantity("y", 1, 1, 1)
            ),
        }
    }
    x, error, y = quantity_rows(results)
    assert (x["least"], x["greatest"]) == (0.5, 0.8)
    assert x["room"] == pytest.approx(0.2)
    assert error["room"] == pytest.approx(0.6)
    assert all(row["inside"] for row in (x, error, y))
    text = text_of([x, error, y], results)
    assert "at most 1e-05" in text
    assert "y (not in all)" in text


def test_other_defaults_in_a_parameters_cell():
    source = 'é: str = "ü"  # a text\nthreads: int = 2  # CPU threads\nrecords: str = "../reference"'
    assert with_defaults(source, {"threads": 1, "records": "there"}) == (
        "é: str = \"ü\"  # a text\nthreads: int = 1  # CPU threads\nrecords: str = 'there'"
    )
    with pytest.raises(UsageError, match="must stand in one line"):
        with_defaults("sizes: list = [\n1]", {"sizes": []})

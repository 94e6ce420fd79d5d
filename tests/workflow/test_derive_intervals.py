"""From records of ten seeds to the intervals that lessons assert."""

import json
import os
import subprocess
import sys

import pytest

from workflow.derive_intervals import entry_of, records_by_lesson, table
from workflow.lessons import ROOT


def record(seed, **values):
    quantities = [
        {"name": name, "value": value, "declared": [0.0, 1.0], "derived": None}
        for name, value in values.items()
    ]
    return {"lesson": "04_lenet", "seed": seed, "quantities": quantities}


@pytest.fixture
def records():
    """Ten seeds: one quantity that varies, a rounding error, one that is the same, one that only some have."""
    return [
        record(
            seed, accuracy=0.8 + seed / 1000, error=1e-7 * seed, share=0.5, **({"some": 0.1} if seed else {})
        )
        for seed in range(10)
    ]


def test_what_the_seed_decides_gets_an_interval(records):
    entry = entry_of(records, {"epochs": 3})
    assert entry["parameters"] == {"epochs": 3}
    assert entry["seeds"] == list(range(10))
    assert list(entry["quantities"]) == ["accuracy"]
    accuracy = entry["quantities"]["accuracy"]
    # By hand: mean .8045, deviation .003028, Student's t of 99.99% with 9 degrees of freedom 6.594, times sqrt(1.1).
    assert accuracy["mean"] == 0.8045
    assert accuracy["low"] == pytest.approx(0.8045 - 0.02094, abs=1e-4)
    assert accuracy["high"] == pytest.approx(0.8045 + 0.02094, abs=1e-4)


def test_an_interval_stays_within_the_declared_one():
    wild = [record(seed, accuracy=float(seed % 2)) for seed in range(10)]
    accuracy = entry_of(wild, {})["quantities"]["accuracy"]
    assert (accuracy["low"], accuracy["high"]) == (0.0, 1.0)


def test_the_table_names_lesson_and_quantity(records):
    rows = table({"04_lenet": entry_of(records, {})})
    assert list(rows.loc[0, ["lesson", "quantity", "seeds"]]) == ["04_lenet", "accuracy", 10]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--seeds", "0-8"], "at least 10 seeds"), (["--params", "epochs=1"], "leave PARAMS out")],
)
def test_what_gives_no_interval_is_refused_at_once(arguments, message):
    command = [sys.executable, "-m", "workflow.derive_intervals", "--lessons", "04", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert message in done.stderr


def test_records_of_other_selections_and_of_earlier_code_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "workflow.derive_intervals.load_records", lambda folder: ([record(s) for s in range(4)], [])
    )
    (tmp_path / "jobs").mkdir()
    for seed in range(4):
        job, result = (tmp_path / kind / f"04_lenet-seed{seed}.json" for kind in ("jobs", ""))
        job.write_text("{}")
        result.write_text(json.dumps(record(seed)))
        os.utime(job, (100, 100))
        written = 99 if seed == 2 else 101  # seed 2 is older than what it was asked to do
        os.utime(result, (written, written))
    chosen = {f"04_lenet-seed{seed}" for seed in (0, 1, 2)}
    found = records_by_lesson(tmp_path, chosen)
    assert [r["seed"] for r in found["04_lenet"]] == [0, 1]

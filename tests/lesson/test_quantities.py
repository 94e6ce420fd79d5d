"""What was measured is left for who compares runs, also where it lies outside."""

import json

import pytest

from cnnlib import lesson


def test_a_quantity_outside_its_interval_is_left_too(tmp_path, monkeypatch, capsys):
    lesson.expect_between("nobody asked", 1, 0, 2)
    monkeypatch.setenv("CNNLIB_QUANTITIES", str(tmp_path))
    lesson.expect_between("inside", 1, 0, 2)
    with pytest.raises(AssertionError):
        lesson.expect_between("outside", 3, 0, 2)
    rows = [json.loads(line) for line in (tmp_path / "quantities.jsonl").read_text().splitlines()]
    assert rows == [
        {"name": "inside", "value": 1.0, "low": 0, "high": 2},
        {"name": "outside", "value": 3.0, "low": 0, "high": 2},
    ]

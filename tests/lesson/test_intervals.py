"""An interval that seeds gave holds for the parameters of their runs, and the declared one for all others."""

import pytest

from cnnlib import lesson
from cnnlib.lesson import intervals, state

DERIVED = {
    "quick": {
        "04_lenet": {
            "parameters": {"epochs": 6},
            "seeds": list(range(10)),
            "quantities": {"test accuracy": {"low": 0.84, "high": 0.88}},
        }
    }
}


@pytest.fixture
def running(monkeypatch):
    """A lesson that has begun, with an interval derived for its parameters."""
    begun = state.LessonState("04_lenet", "quick", 0, 1, "float32", {})
    monkeypatch.setattr(state, "_current", begun)
    monkeypatch.setattr(intervals, "_derived", lambda: DERIVED)
    return begun


def run_cell(value, epochs):
    """An asserting cell in a notebook that has the parameter `epochs`."""
    code = f"lesson.expect_between('test accuracy', {value}, 0.5, 0.95)"
    exec(code, {"lesson": lesson, "epochs": epochs})


def test_the_interval_over_seeds_is_asserted(running, capsys):
    run_cell(0.86, epochs=6)
    assert capsys.readouterr().out == "test accuracy lies in [0.84, 0.88]\n"
    with pytest.raises(AssertionError, match=r"0.8, outside its interval over the seeds \[0.84, 0.88\]"):
        run_cell(0.80, epochs=6)


def test_with_other_parameters_the_lesson_decides(running, capsys):
    run_cell(0.80, epochs=3)
    assert capsys.readouterr().out == "test accuracy lies in [0.5, 0.95]\n"
    with pytest.raises(AssertionError, match=r"outside its declared interval \[0.5, 0.95\]"):
        run_cell(0.4, epochs=3)


def test_measured_quantities_reach_the_record(running):
    run_cell(0.86, epochs=6)
    run_cell(0.86, epochs=3)
    assert running.quantities == [
        {"name": "test accuracy", "value": 0.86, "declared": [0.5, 0.95], "derived": derived}
        for derived in ([0.84, 0.88], None)
    ]


def assert_form(content):
    for budget in content.values():
        for entry in budget.values():
            assert len(entry["seeds"]) >= 10
            assert "seed" not in entry["parameters"]
            for quantity in entry["quantities"].values():
                assert quantity["low"] <= quantity["high"]


def test_the_file_that_is_there_has_its_form():
    assert_form(intervals._derived())
    assert_form(DERIVED)
    few = {"quick": {"04_lenet": {**DERIVED["quick"]["04_lenet"], "seeds": [0, 1, 2]}}}
    with pytest.raises(AssertionError):
        assert_form(few)

"""An interval that seeds gave holds for the parameters of their runs, the declared one for those of all budgets."""

import json
import sys
import types

import pytest

from cnnlib import lesson
from cnnlib.lesson import intervals, state
from workflow.notebook_tools import budgets

DERIVED = {
    "quick": {
        "04_lenet": {
            "parameters": {"epochs": 6},
            "seeds": list(range(10)),
            "quantities": {"test accuracy": {"low": 0.84, "high": 0.88}},
        }
    }
}


BUDGETS = {"quick": {"04_lenet": {"epochs": 6, "shares": [1, 2]}}, "cpu": {"04_lenet": {"epochs": 9}}}


@pytest.fixture
def running(monkeypatch):
    """A lesson that has begun, with an interval derived for its parameters at quick."""
    begun = state.LessonState("04_lenet", "quick", 0, 1, "float32", {})
    monkeypatch.setattr(state, "_current", begun)
    monkeypatch.setattr(intervals, "_derived", lambda: DERIVED)
    monkeypatch.setattr(intervals, "_budgets", lambda: BUDGETS)
    return begun


@pytest.fixture
def run_cell(monkeypatch):
    """Function that runs an asserting cell in a notebook that has the parameter `epochs`."""

    def run_cell(value, epochs, shares=(1, 2)):
        notebook = types.ModuleType("__main__")
        vars(notebook).update(lesson=lesson, epochs=epochs, shares=shares)
        monkeypatch.setitem(sys.modules, "__main__", notebook)
        exec(f"lesson.expect_between('test accuracy', {value}, 0.5, 0.95)", vars(notebook))

    return run_cell


def test_the_interval_over_seeds_is_asserted(running, run_cell, capsys):
    run_cell(0.86, epochs=6)
    assert capsys.readouterr().out == "test accuracy lies in [0.84, 0.88]\n"
    with pytest.raises(AssertionError, match=r"0.8, outside its interval over the seeds \[0.84, 0.88\]"):
        run_cell(0.80, epochs=6)


def test_with_the_parameters_of_another_budget_the_lesson_decides(running, run_cell, capsys):
    run_cell(0.80, epochs=9)
    assert capsys.readouterr().out == "test accuracy lies in [0.5, 0.95]\n"
    with pytest.raises(AssertionError, match=r"outside its declared interval \[0.5, 0.95\]"):
        run_cell(0.4, epochs=9)


@pytest.mark.parametrize("changed", [{"epochs": 3}, {"epochs": 6, "shares": [1]}])
def test_with_parameters_of_no_budget_nothing_is_asserted_and_the_line_says_so(
    running, run_cell, capsys, changed
):
    run_cell(0.4, **changed)
    assert capsys.readouterr().out == (
        "test accuracy is 0.4 (interval [0.5, 0.95] holds for other parameters)\n"
    )
    assert [(q["value"], q["asserted"]) for q in running.quantities] == [(0.4, False)]


def test_measured_quantities_reach_the_record_with_their_last_value(running, run_cell):
    run_cell(0.87, epochs=6)
    assert running.quantities[0]["derived"] == [0.84, 0.88]
    run_cell(0.86, epochs=9)
    assert running.quantities == [
        {"name": "test accuracy", "value": 0.86, "declared": [0.5, 0.95], "derived": None, "asserted": True}
    ]


def test_the_library_knows_the_parameters_of_all_budgets():
    stored = json.loads(budgets.FILE.read_text(encoding="utf-8"))
    assert stored == budgets.parameters_of_budgets(), "run `python -m workflow.notebook_tools budgets`"
    for lesson_name, values in stored["quick"].items():
        assert intervals.follows_a_budget(lesson_name, values)
        assert not intervals.follows_a_budget(lesson_name, values | {"batch_size": 3})
    changed = stored["quick"]["04_lenet"] | stored["cpu"]["04_lenet"]
    assert intervals.follows_a_budget("04_lenet", changed)


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

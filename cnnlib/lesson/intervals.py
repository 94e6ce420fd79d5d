"""Asserting cells: a fixed line where a measured value lies in its interval, an error where it does not.

An interval is declared in the lesson. Where `intervals.json` beside this file has one that was derived from the runs of
at least ten seeds, that one holds: it is narrower, and valid for the parameters of those runs only.

Both say something about the parameters of a budget, which `budgets.json` holds. Whoever changes a parameter wants to
see what becomes of the value: then it is recorded, and nothing is asserted.
"""

import functools
import json
import sys
from importlib import resources

from cnnlib.lesson import state
from cnnlib.lesson.quantities import leave_quantity


def expect_between(name, value, low, high):
    """Print that `name` lies in its interval, without the value, or fail.

    The printed line is the same in every good run, so that an output check can compare it. The value goes into the
    lesson's record, in the place of an earlier one of the same name. Where the lesson runs with parameters that are no
    budget's, the line gives the value and says so, and nothing fails.

    Args:
        name: what was measured; unique in the lesson.
        value: a number.
        low, high: the declared interval, both ends included.

    Raises:
        AssertionError: the value lies outside, or is not a number, at the parameters of a budget.
    """
    lesson = state.current_or_none()
    parameters = _variables_of_the_notebook()
    asserted = not lesson or follows_a_budget(lesson.lesson, parameters)
    derived = (
        derived_interval(lesson.lesson, lesson.budget, name, parameters) if lesson and asserted else None
    )
    if lesson:
        quantity = {"name": name, "value": float(value), "declared": [float(low), float(high)]}
        state.keep(lesson.quantities, "name", {**quantity, "derived": derived, "asserted": asserted})
    low, high = derived or (low, high)
    leave_quantity(name, value, low, high)
    if not asserted:
        print(f"{name} is {value:.6g} (interval [{low:g}, {high:g}] holds for other parameters)")
        return
    if not low <= value <= high:
        kind = "interval over the seeds" if derived else "declared interval"
        raise AssertionError(f"{name} is {value:.6g}, outside its {kind} [{low:g}, {high:g}]")
    print(f"{name} lies in [{low:g}, {high:g}]")


def derived_interval(lesson, budget, name, parameters):
    """[low, high] that seeds of this lesson gave, or None where there is none for these parameters.

    Args:
        parameters: mapping that holds the lesson's parameters, among other names.
    """
    entry = _derived().get(budget, {}).get(lesson)
    if entry is None or _differ(parameters, entry["parameters"]):
        return None
    quantity = entry["quantities"].get(name)
    return quantity and [quantity["low"], quantity["high"]]


def follows_a_budget(lesson, parameters):
    """Whether a lesson's parameters are those of a budget; true as well for a lesson that `budgets.json` lacks.

    Args:
        parameters: mapping that holds the lesson's parameters, among other names; what it lacks counts as unchanged.
    """
    budgets = [budget[lesson] for budget in _budgets().values() if lesson in budget]
    if not budgets:
        return True
    defaults = _budgets()["quick"][lesson]
    there = {name: value for name, value in parameters.items() if name in defaults}
    return any(not _differ(defaults | budget | there, defaults | budget) for budget in budgets)


def _differ(parameters, expected):
    """Whether a parameter has another value than expected; a tuple is equal to a list, as in a budget's file."""
    return any(_plain(parameters.get(name)) != _plain(value) for name, value in expected.items())


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _variables_of_the_notebook():
    """A notebook's cells run in the module `__main__`, so that its variables hold the lesson's parameters."""
    return vars(sys.modules["__main__"])


@functools.cache
def _derived():
    return _read("intervals.json")


@functools.cache
def _budgets():
    """`{budget: {lesson: {name: value}}}`: all parameters at quick, and what other budgets change of them."""
    return _read("budgets.json")


def _read(name):
    return json.loads(resources.files("cnnlib.lesson").joinpath(name).read_text(encoding="utf-8"))

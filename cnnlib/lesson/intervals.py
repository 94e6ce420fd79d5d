"""Asserting cells: a fixed line where a measured value lies in its interval, an error where it does not.

An interval is declared in the lesson. Where `intervals.json` beside this file has one that was derived from the runs of
at least ten seeds, that one holds: it is narrower. It is valid for the parameters of those runs, so a lesson that
runs with others falls back to what it declares.
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
    lesson's record.

    Args:
        name: what was measured; unique in the lesson.
        value: a number.
        low, high: the declared interval, both ends included.

    Raises:
        AssertionError: the value lies outside, or is not a number.
    """
    lesson = state.current_or_none()
    derived = lesson and derived_interval(lesson.lesson, lesson.budget, name, sys._getframe(1).f_globals)
    if lesson:
        quantity = {"name": name, "value": float(value), "declared": [float(low), float(high)]}
        lesson.quantities.append({**quantity, "derived": derived})
    low, high = derived or (low, high)
    leave_quantity(name, value, low, high)
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
    if entry is None or any(parameters.get(key) != value for key, value in entry["parameters"].items()):
        return None
    quantity = entry["quantities"].get(name)
    return quantity and [quantity["low"], quantity["high"]]


@functools.cache
def _derived():
    path = resources.files("cnnlib.lesson").joinpath("intervals.json")
    return json.loads(path.read_text(encoding="utf-8"))

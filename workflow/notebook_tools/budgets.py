"""The library's copy of all budgets' parameters, `cnnlib/lesson/budgets.json`, by which it knows when they are changed.

Notebooks and budget files are not there where a lesson is copied elsewhere, and the library is.
"""

from workflow.files import write_json_if_changed
from workflow.lessons import NOTEBOOKS, ROOT, find_lessons, read_parameters
from workflow.parameters import BUDGETS, SET_BY_THE_RUN, load_budget

FILE = ROOT / "cnnlib" / "lesson" / "budgets.json"
# Given by the run, so that another value is no other experiment; `records` is the folder that a comparison reads.
NOT_COMPARED = (*SET_BY_THE_RUN, "records")


def parameters_of_budgets(notebooks=NOTEBOOKS):
    """`{budget: {lesson: {name: value}}}`: all parameters at quick, and what other budgets change of them."""
    lessons = find_lessons(notebooks)
    found = {}
    for budget in BUDGETS:
        overlays = load_budget(budget, lessons, notebooks / "budgets")
        found[budget] = {lesson.name: overlays[lesson.name]["parameters"] for lesson in lessons}
    for lesson in lessons:
        defaults = {name: parameter.default for name, parameter in read_parameters(lesson).items()}
        found["quick"][lesson.name] = defaults | found["quick"][lesson.name]
    return {
        budget: {
            name: {key: value for key, value in values.items() if key not in NOT_COMPARED}
            for name, values in entries.items()
            if values
        }
        for budget, entries in found.items()
    }


def write_budgets():
    """Bring the library's copy in line with the notebooks and the budget files of the course."""
    write_json_if_changed(FILE, parameters_of_budgets())

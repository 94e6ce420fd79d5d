"""Exercises that check themselves: `check`, `hint`, `solution`.

The exercises of lesson NN stand in `exercises/lesson_NN.py`; each is a function, whose body is the solution,
under the decorator `@exercise`.
"""

import difflib
import functools
import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_hidden = False


@dataclass(frozen=True)
class Exercise:
    """One exercise. `judge(answer, right)` returns None for a right answer, else what is wrong with it."""

    identifier: str
    hint: str
    solve: Callable[[], Any]
    judge: Callable[[Any, Any], str | None]
    wrong_answers: tuple


def same_value(answer, right):
    """The usual judge: numbers, arrays, strings and tuples equal to the solution's (1e-6 relative)."""
    try:
        if isinstance(right, str):
            equal = str(answer).strip().lower() == right.lower()
        elif isinstance(right, dict):
            equal = answer == right
        else:
            equal = np.shape(answer) == np.shape(right) and bool(
                np.allclose(answer, right, rtol=1e-6, atol=1e-9)
            )
    except (TypeError, ValueError):
        return f"a {type(right).__name__} is expected, not {answer!r}"
    return None if equal else "that is not the value"


def exercise(identifier, *, hint, wrong_answers, judge=same_value):
    """Decorator: the function under it solves exercise `identifier`, by returning the right answer."""

    def decorate(solve):
        return Exercise(identifier, hint, solve, judge, tuple(wrong_answers))

    return decorate


def check(identifier, answer):
    """Print whether `answer` is right; None means that there is no answer yet."""
    item = _find(identifier)
    if answer is None or answer is Ellipsis:
        print(f'{identifier}: no answer yet; lesson.hint("{identifier}") helps')
        return
    fault = judge(item, answer)
    print(f"{identifier}: right" if fault is None else f"{identifier}: not yet, {fault}")


def hint(identifier):
    """Print the hint of an exercise."""
    print(f"{identifier}: {_find(identifier).hint}")


def solution(identifier):
    """Print a solution of an exercise, as code; in a learner's copy of a lesson, that there is none."""
    if _hidden:
        print(f'{identifier}: this copy of the lesson has no solutions; lesson.hint("{identifier}") helps')
        return
    source = textwrap.dedent(inspect.getsource(_find(identifier).solve))
    print(source[source.index("def ") :].rstrip())


def hide_solutions():
    """From now on `solution` shows none: for copies of a lesson that a teacher hands out (`make handout`)."""
    global _hidden
    _hidden = True


def judge(item, answer):
    """None where `answer` is right, else one sentence; an answer whose code fails is not right."""
    try:
        return item.judge(answer, item.solve())
    except Exception as error:  # the learner's code may raise anything
        return f"it raises {type(error).__name__}: {error}"


@functools.cache
def exercises(lesson_number):
    """All exercises of a lesson: `{identifier: Exercise}`; `lesson_number` is two digits, as in "04"."""
    module = importlib.import_module(f"cnnlib.lesson.exercises.lesson_{lesson_number}")
    items = [value for value in vars(module).values() if isinstance(value, Exercise)]
    return {item.identifier: item for item in items}


def _find(identifier):
    number = str(identifier).split("-")[0]
    try:
        known = exercises(number)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"exercise {identifier!r}: there are none for lesson {number!r}; write it like '04-1'"
        ) from error
    if identifier not in known:
        near = difflib.get_close_matches(identifier, known, n=1)
        raise ValueError(
            f"exercise {identifier!r} is not known; lesson {number} has {', '.join(near or known)}"
        )
    return known[identifier]

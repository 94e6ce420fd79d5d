"""What an argument may be, said once: by its type hint, and refused in one sentence of at most 300 characters."""

import difflib
import functools
import inspect
import math
import numbers
import reprlib
from collections.abc import Callable, Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np

Count = Annotated[int, 1]  # an integer of at least 1
Counts = Annotated[tuple[Count, ...], 1]  # at least one of them
Rate = Annotated[float, 0, 1]  # a number of at least 0 and below 1

_short = reprlib.Repr()
_short.maxtuple = _short.maxlist = 12
_short.maxstring = _short.maxother = 60
_KINDS = {int: "an integer", bool: "True or False", str: "a text"}


def shown(value: Any) -> str:
    """`value` as an error's sentence shows it: on one line of at most some 80 characters."""
    return " ".join(_short.repr(value).split())[:80]


def near(word: Any, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence about an unknown name: the nearest known ones, or `otherwise`."""
    found = difflib.get_close_matches(str(word)[:60], list(known), n=2)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else otherwise


def check_choice(name: str, value: Any, allowed: Iterable[Any]) -> None:
    """Raise a ValueError unless the option `name` has one of the allowed values."""
    if not any(type(value) is type(one) and value == one for one in allowed):
        raise ValueError(f"{name}={shown(value)} must be one of {', '.join(map(repr, allowed))}.")


def as_count(name: str, value: Any, *, least: int) -> int:
    """`value` as an int of at least `least`; a ValueError that names the argument otherwise."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ValueError(f"{name}={shown(value)} must be an integer of at least {least}.")


def as_number(name: str, value: Any, *, least: float = -math.inf, below: float = math.inf) -> float:
    """`value` as it is if it is a number in [least, below); a ValueError that names the argument otherwise."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and least <= value < below:
        return value if isinstance(value, int | float) else float(value)
    bounds = f" of at least {least:g}" * (least > -math.inf) + f" and below {below:g}" * (below < math.inf)
    raise ValueError(f"{name}={shown(value)} must be a number{bounds}.")


def as_hinted(name: str, value: Any, hint: Any) -> Any:
    """`value` as its type hint wants it, NumPy's numbers as Python's; a ValueError that says what was expected."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if (value is None and NoneType in parts) or (callable(value) and Callable in parts):
            return value
        return as_hinted(name, value, next(part for part in parts if part is not NoneType))
    if origin is Literal:
        value = int(value) if isinstance(value, np.integer) else value
        check_choice(name, value, parts)
    elif origin is Annotated and get_origin(parts[0]) is tuple:
        value = as_hinted(name, value, parts[0])
        if len(value) < parts[1]:
            raise ValueError(f"{name}={shown(value)} must be a sequence of at least {parts[1]}.")
    elif origin is Annotated:
        bounds = dict(zip(("least", "below"), parts[1:], strict=False))
        value = (as_count if parts[0] is int else as_number)(name, value, **bounds)
    elif origin is tuple:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError(f"{name}={shown(value)} must be a sequence, for instance a tuple.")
        value = tuple(as_hinted(f"{name}[{i}]", each, parts[0]) for i, each in enumerate(value))
    elif hint is float:
        value = as_number(name, value)
    elif hint in _KINDS:
        if isinstance(value, numbers.Integral if hint is int else np.bool_) and not isinstance(value, bool):
            value = hint(value)
        if type(value) is not hint:
            raise ValueError(f"{name}={shown(value)} must be {_KINDS[hint]}.")
    return value


def checked(function: Callable) -> Callable:
    """Hold the keyword-only arguments of `function` to their type hints."""
    options = {
        name: parameter.annotation
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }

    @functools.wraps(function)
    def call(*args, **kwargs):
        kwargs = {k: as_hinted(k, v, options[k]) if k in options else v for k, v in kwargs.items()}
        return function(*args, **kwargs)

    return call

"""Compile once: networks of one architecture share the compiled steps of their training and their evaluation.

A program is a pure function of weights, data and settings, so it serves every network of the architecture that it was
made for. Kept programs hold no network and no data. Two networks are of one architecture when their configurations
are equal but for names, initializers and seeds.
"""

import collections
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import keras

from cnnlib.backends import keras_internals

KEPT_PROGRAMS = 16  # the least recently used one is dropped for a new one

_programs: collections.OrderedDict[Hashable, Callable] = collections.OrderedDict()


def forget_compiled() -> None:
    """Drop all compiled programs of this process, and the memory that they take."""
    _programs.clear()


def kept(key: Hashable | None, make: Callable[[], Callable]) -> Callable:
    """The program kept under `key`, or the one that `make` makes; a key of None keeps nothing."""
    if key is None:
        return make()
    program = _programs.pop(key, None) or make()
    _programs[key] = program
    while len(_programs) > KEPT_PROGRAMS:
        _programs.popitem(last=False)
    return program


def key_of(kind: str, parts: tuple, arrays: tuple) -> Hashable | None:
    """What tells programs apart: the parts that are compiled in, and shapes and types of the arrays.

    Args:
        kind: "train" or "evaluate".
        parts: networks or their descriptions, layers, functions and plain values.
        arrays: tensors, the shapes of which belong to the program.

    Returns:
        A hashable key, or None where a part does not say all that it does: a layer or a function that is neither of
        Keras nor of this library, for instance, which could be another in the next call.
    """
    try:
        described = tuple(_described(part) for part in parts)
    except _Unknown:
        return None
    shapes = tuple((tuple(array.shape), str(array.dtype)) for array in arrays)
    return kind, keras.config.backend(), keras.config.floatx(), described, shapes


@dataclass(frozen=True)
class Description:
    """What a network computes, as text for several keys; None where its configuration does not say."""

    text: str | None


def describe(model: keras.Model) -> Description:
    """The description of a network as it is now, for `key_of` in its place."""
    try:
        return Description(_architecture(model))
    except _Unknown:
        return Description(None)


class _Unknown(Exception):
    """A part's behavior cannot be told from its description."""


def _described(part: Any) -> Hashable:
    if isinstance(part, Description):
        if part.text is None:
            raise _Unknown
        return part.text
    if isinstance(part, keras.Operation):
        return _architecture(part)
    if callable(part):
        return _function(part)
    return repr(part)


def _function(function: Callable) -> str:
    """The name of a function of this library or of Keras; a closure or another's function could change."""
    if getattr(function, "__closure__", True) is not None or not _is_known(function.__module__):
        raise _Unknown
    return f"{function.__module__}.{function.__qualname__}"


def _is_known(module: str | None) -> bool:
    return (module or "").split(".")[0] in ("keras", "cnnlib")


def _architecture(operation: keras.Operation) -> str:
    """The configuration of a network or layer as text, names replaced by their order of appearance."""
    for part in keras_internals.flattened(operation):
        known = _is_known(type(part).__module__) and not {"call", "__call__"} & set(vars(part))
        if not known or isinstance(part, keras.layers.Lambda):
            raise _Unknown
    try:
        config = keras.saving.serialize_keras_object(operation)
        names: dict[str, str] = {}
        text = json.dumps(_anonymous(config, names), sort_keys=True)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise _Unknown from error
    # Constraints and regularizers may be set on a weight itself, without the layer's configuration saying so.
    variables = [
        (tuple(v.shape), str(v.dtype), bool(v.trainable), *map(_rule, (v.constraint, v.regularizer)))
        for v in operation.variables
    ]
    return f"{text} {variables}"


def _rule(rule: Any) -> str | None:
    """A constraint or a regularizer of Keras as text; any other could hold tensors of its own, a mask for instance."""
    if rule is None:
        return None
    if type(rule).__module__.split(".")[0] != "keras":
        raise _Unknown
    return f"{type(rule).__name__} {rule.get_config()}"


def _anonymous(config: Any, names: dict[str, str]) -> Any:
    """A serialized configuration without what does not change the computation."""

    def number(name: str) -> str:
        return names.setdefault(name, f"#{len(names)}")

    if isinstance(config, dict):
        of_a_function = config.get("class_name") in ("function", "__lambda__")
        if ("module" in config or of_a_function) and not _is_known(config.get("module")):
            raise _Unknown  # an object or a function of somebody else's
        return {
            key: number(value) if key == "name" and isinstance(value, str) else _anonymous(value, names)
            for key, value in config.items()
            if not key.endswith("_initializer") and key not in ("seed", "build_config", "shared_object_id")
        }
    if isinstance(config, list | tuple):
        if len(config) == 3 and isinstance(config[0], str) and all(isinstance(c, int) for c in config[1:]):
            return [number(config[0]), *config[1:]]  # a tensor: the layer, the call, the output
        return [_anonymous(value, names) for value in config]
    return config

"""The catalogue of the course's networks, and the one way to build them."""

import inspect as _python_inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

from cnnlib._checks import as_count, as_number, near, shown
from cnnlib.networks import (
    alexnet,
    capsnet,
    convnext,
    densenet,
    googlenet,
    highway,
    inception,
    lenet,
    mobilenet,
    nin,
    resnet,
    resnet_cifar,
    vgg,
)
from cnnlib.networks.common import Variant, channels_last
from cnnlib.networks.hints import Shape
from cnnlib.networks.weights import load_keras_weights, load_torch_weights

__all__ = ["Variant", "build", "catalogue", "load_keras_weights", "load_torch_weights", "outline", "styles"]

# One module each, in the order of their papers; its VARIANTS table is the family's part of the catalogue.
FAMILIES = (
    lenet,
    alexnet,
    vgg,
    nin,
    googlenet,
    highway,
    inception,
    resnet,
    resnet_cifar,
    densenet,
    capsnet,
    mobilenet,
    convnext,
)

_CATALOGUE = {name: variant for family in FAMILIES for name, variant in family.VARIANTS.items()}


def catalogue() -> dict[str, Variant]:
    """All networks of the course: `{name: Variant}`, families in the order of their papers."""
    return dict(_CATALOGUE)


def styles() -> dict[str, tuple]:
    """The color ("#rrggbb") and the marker of each family in figures: `{family: (color, marker)}`."""
    return {name: style for family in FAMILIES for name, style in getattr(family, "STYLES", {}).items()}


def build(
    name: str,
    input_shape: Shape | None = None,
    classes: int | None = None,
    width: float = 1.0,
    **options: Any,
) -> keras.Model:
    """Build a network as a functional `keras.Model` whose output layer `scores` gives logits.

    Args:
        name: a key of `catalogue()`, for instance "resnet18".
        input_shape: (H, W, C) in pixels and channels; default the paper's.
        classes: number of classes, at least 2; default the paper's.
        width: multiplier of every layer's channels, above 0; 1.0 is the paper's network.
        options: what the family's function takes, for instance `stem="small"`.

    Raises:
        ValueError: an unknown name or option, an input too small for the network, or a value out of range;
            the message names the argument, the value and the bound.
    """
    variant = _lookup(name)
    merged = {**variant.options, **options}
    _check_options(name, variant, merged)
    shape = _shape(name, variant, input_shape, merged.get("stem", "paper"))
    classes = as_count("classes", variant.classes if classes is None else classes, least=2)
    width = as_number("width", width)
    if not 0 < width < float("inf"):
        raise ValueError(f"width={width!r} must be above 0.")
    with channels_last():
        model = variant.build(input_shape=shape, classes=classes, width=width, **merged)
    model.name = name
    return model


def outline(name: str, **arguments: Any) -> keras.Model:
    """Build a network without weights: shapes and counts only, no memory for its variables.

    It can be counted and tabled (`inspect.layer_table`), not run. VGG-19's 575 MB are never allocated.
    """
    policy = keras.config.dtype_policy()

    def build_shapes():
        keras.config.set_dtype_policy(policy)
        with keras.StatelessScope(initialize_variables=False):
            return build(name, **arguments)

    # Keras lists, for each thread, the variables to initialize later; the list of these, who never shall be, ends here.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(build_shapes).result()


def _lookup(name):
    if not isinstance(name, str) or name not in _CATALOGUE:
        hint = near(name, _CATALOGUE, "networks.catalogue() lists them.")
        raise ValueError(f"name={shown(name)} is not a network of the course; {hint}")
    return _CATALOGUE[name]


# What other libraries, and earlier editions of this one, call an option.
_MEANT = {"batch_norm": "normalization", "blocks": "depths", "configuration": "form", "residual": "shortcut",
          "preactivation": "block", "units": "dense_units", "alpha": "width"}  # fmt: skip


def _check_options(name, variant, options):
    known = list(_python_inspect.signature(variant.build).parameters)
    for option in options:
        if option not in known[3:]:
            meant = _MEANT.get(option)
            hint = near(option, known, f"it takes {', '.join(known)}.")
            hint = f"did you mean {meant!r}?" if meant in known else hint
            raise ValueError(f"{option[:60]!r} is not an option of {name}; {hint}")


def _shape(name, variant, shape, stem):
    """(H, W, C) as Python's integers, large enough for the network."""
    shape = variant.input_shape if shape is None else shape
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise ValueError(f"input_shape={shown(shape)} must be (height, width, channels).")
    *sides, channels = shape
    small = isinstance(stem, str) and stem == "small"
    bound = (variant.minimum_size_small if small else variant.minimum_size) or 1
    for i, side in enumerate(sides):
        if side is not None and as_count(f"input_shape[{i}]", side, least=0) < bound:
            raise ValueError(
                f"input_shape={shown(shape)}: the {('height', 'width')[i]} of {name} must be at least {bound} pixels, "
                f"not {side}."
            )
    sides = [side if side is None else int(side) for side in sides]
    return *sides, as_count("input_shape[2], the number of channels,", channels, least=1)

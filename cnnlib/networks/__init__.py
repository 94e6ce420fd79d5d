"""The catalogue of the course's networks, and the one way to build them."""

import difflib
import inspect as _python_inspect

import keras

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
from cnnlib.networks.common import Variant
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


def catalogue():
    """All networks of the course: `{name: Variant}`, families in the order of their papers."""
    return dict(_CATALOGUE)


def styles():
    """The color ("#rrggbb") and the marker of each family in figures: `{family: (color, marker)}`."""
    return {name: style for family in FAMILIES for name, style in getattr(family, "STYLES", {}).items()}


def build(name, input_shape=None, classes=None, width=1.0, **options):
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
    input_shape = variant.input_shape if input_shape is None else tuple(input_shape)
    classes = variant.classes if classes is None else classes
    merged = {**variant.options, **options}
    _check_options(name, variant, merged)
    _check_sizes(name, variant, input_shape, classes, width, merged.get("stem", "paper"))
    model = variant.build(input_shape=input_shape, classes=classes, width=width, **merged)
    model.name = name
    return model


def outline(name, **arguments):
    """Build a network without weights: shapes and counts only, no memory for its variables.

    It can be counted and tabled (`inspect.layer_table`), not run. VGG-19's 575 MB are never allocated.
    """
    from keras.src.backend.common import global_state

    with keras.StatelessScope(initialize_variables=False):
        model = build(name, **arguments)
    # Keras keeps a list of variables to initialise later; these never shall be.
    global_state.set_global_attribute("uninitialized_variables", [])
    return model


def _lookup(name):
    if name not in _CATALOGUE:
        near = difflib.get_close_matches(str(name), _CATALOGUE, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "networks.catalogue() lists them."
        raise ValueError(f"name={name!r} is not a network of the course; {hint}")
    return _CATALOGUE[name]


def _check_options(name, variant, options):
    known = list(_python_inspect.signature(variant.build).parameters)[3:]
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known) or 'none'}."
            raise ValueError(f"{option}={options[option]!r} is not an option of {name}; {hint}")


def _check_sizes(name, variant, input_shape, classes, width, stem):
    if len(input_shape) != 3:
        raise ValueError(f"input_shape={input_shape!r} must be (height, width, channels)")
    bound = variant.minimum_size_small if stem == "small" else variant.minimum_size
    for side, value in zip(("height", "width"), input_shape, strict=False):
        if bound is not None and value is not None and value < bound:
            raise ValueError(
                f"input_shape={input_shape!r}: the {side} of {name} must be at least {bound} pixels, not {value}"
            )
    if input_shape[2] is None or input_shape[2] < 1:
        raise ValueError(f"input_shape={input_shape!r}: the number of channels must be at least 1")
    if not isinstance(classes, int) or classes < 2:
        raise ValueError(f"classes={classes!r} must be an integer of at least 2")
    if not width > 0:
        raise ValueError(f"width={width!r} must be above 0")

"""Every network of the catalogue learns: a step along the gradient lowers its loss, and moves every weight."""

import keras
import numpy as np
import pytest
from keras import ops

from cnnlib import networks
from tests.gradients import gradients

CATALOGUE = networks.catalogue()
DEEP = {
    name
    for name in CATALOGUE
    if any(depth in name for depth in ("1202", "110", "250", "190", "152", "201", "100"))
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in DEEP else ()) for n in CATALOGUE]
)
def test_a_step_lowers_the_loss_and_reaches_every_weight(name):
    keras.utils.set_random_seed(0)
    variant = CATALOGUE[name]
    size = max(variant.minimum_size, 16)
    model = networks.build(name, (size, size, variant.input_shape[2]), classes=4, width=_width(name))
    generator = np.random.default_rng(0)
    images = generator.normal(size=(8, *model.input.shape[1:])).astype("float32")
    labels = np.arange(8) % 4
    states = [(v, ops.convert_to_numpy(v).copy()) for v in model.variables if not _learns(v, model)]

    def loss(x):
        """With the same dropout and the same moving averages each time."""
        keras.utils.set_random_seed(1)  # torch's dropout draws from the global generator
        for variable, value in states:
            variable.assign(value)
        outputs = model(x, training=True)
        named = outputs if isinstance(outputs, dict) else {"scores": outputs}
        scores = ops.cast(named["scores"], "float32")
        total = ops.mean(ops.sparse_categorical_crossentropy(labels, scores, from_logits=True))
        others = (ops.mean(ops.square(y)) for key, y in named.items() if key != "scores")
        return sum(others, total)

    before = float(ops.convert_to_numpy(loss(images)))
    _, found = gradients(loss, images, model.trainable_weights)
    missing = [
        weight.path
        for weight, gradient in zip(model.trainable_weights, found, strict=True)
        if not np.isfinite(gradient).all() or not (gradient.any() or _dead_bias(weight, model))
    ]
    assert not missing
    energy = sum(float((g.astype("float64") ** 2).sum()) for g in found)
    for weight, gradient in zip(model.trainable_weights, found, strict=True):
        weight.assign(ops.convert_to_numpy(weight) - 0.01 * before / energy * gradient)
    assert float(ops.convert_to_numpy(loss(images))) < before


def _learns(variable, model):
    return any(variable is weight for weight in model.trainable_weights)


def _width(name):
    return 0.5 if name in ("lenet5", "lenet5_1998", "lenet5_bn") else 0.125


def _dead_bias(weight, model):
    """A bias in front of BatchNorm: the mean takes it out again."""
    names = {layer.name for layer in model.layers}
    layer = weight.path.split("/")[-2]
    return weight.name == "bias" and f"{layer}_bn" in names

"""Every network of the catalogue learns: a step along the gradient lowers its loss, and moves every weight."""

import keras
import numpy as np
import pytest
from keras import ops

from cnnlib import networks
from tests.gradients import gradients
from tests.precision import precision

CATALOGUE = networks.catalogue()
# Without shortcuts gradients explode through 110 layers; so they do through 152 whose maps here have one pixel. The
# steps that are small enough vanish in float32.
IN_FLOAT64 = ("plain110_cifar", "resnet152")
COUNTED_ONLY = ("resnet1202_cifar",)  # a thousand layers: its parameters are counted in test_catalogue
STEPS = (
    0.01,
    0.001,
    0.0001,
)  # first-order decrease of the loss, as a share of it; the deepest nets are the most curved


# The networks are the same operations on every backend: beyond TensorFlow one small member of each family will do,
# and on JAX, which compiles for minutes, those with operations of their own.
SOME = {
    "jax": ("lenet5_bn", "alexnet", "capsnet", "highway19", "resnet20_cifar"),
    "torch": (
        *("lenet5_bn", "alexnet", "vgg11_bn", "nin", "capsnet", "googlenet", "highway19", "resnet18"),
        *("resnet20_cifar", "densenet_cifar", "mobilenet_v1", "convnext_tiny"),
    ),
}
ALL = [name for name in CATALOGUE if name not in COUNTED_ONLY]


@pytest.mark.parametrize("name", SOME.get(keras.config.backend(), ALL))
def test_a_step_lowers_the_loss_and_reaches_every_weight(name):
    with precision("float64" if name in IN_FLOAT64 else "float32"):
        _take_a_step(name)


def _take_a_step(name):
    keras.utils.set_random_seed(0)
    variant = CATALOGUE[name]
    size = max(variant.minimum_size, 16)
    model = networks.build(name, (size, size, variant.input_shape[2]), classes=4, width=_width(name))
    generator = np.random.default_rng(0)
    images = generator.normal(size=(8, *model.input.shape[1:])).astype(keras.config.floatx())
    labels = np.arange(8) % 4
    weights = model.trainable_weights
    learned = {id(weight) for weight in weights}
    states = [(v, ops.convert_to_numpy(v).copy()) for v in model.variables if id(v) not in learned]
    names = {layer.name for layer in model.layers}

    def loss(x):
        """With the same dropout and the same moving averages each time."""
        keras.utils.set_random_seed(1)  # torch's dropout draws from the global generator
        for variable, value in states:
            variable.assign(value)
        outputs = model(x, training=True)
        named = outputs if isinstance(outputs, dict) else {"scores": outputs}
        scores = ops.cast(named["scores"], keras.config.floatx())
        total = ops.mean(ops.sparse_categorical_crossentropy(labels, scores, from_logits=True))
        others = (ops.mean(ops.square(y)) for key, y in named.items() if key != "scores")
        return sum(others, total)

    before = float(ops.convert_to_numpy(loss(images)))
    _, found = gradients(loss, images, weights)
    missing = [
        weight.path
        for weight, gradient in zip(weights, found, strict=True)
        if not np.isfinite(gradient).all() or not (gradient.any() or _dead_bias(weight, names))
    ]
    assert not missing
    energy = sum(float((g.astype("float64") ** 2).sum()) for g in found)
    start = [ops.convert_to_numpy(weight).copy() for weight in weights]

    def loss_after(step):
        for weight, value, gradient in zip(weights, start, found, strict=True):
            weight.assign(value - step * before / energy * gradient)
        return float(ops.convert_to_numpy(loss(images)))

    assert any(loss_after(step) < before for step in STEPS)


def _width(name):
    return 0.5 if name in ("lenet5", "lenet5_1998", "lenet5_bn") else 0.125


def _dead_bias(weight, names):
    """A bias in front of BatchNorm: the mean takes it out again."""
    return weight.name == "bias" and f"{weight.path.split('/')[-2]}_bn" in names

"""Networks of one architecture share compiled steps; nothing else does, and sharing changes no result."""

import dataclasses

import keras
import numpy as np
import pytest

from cnnlib import networks, training
from cnnlib.training import Recipe, compiled
from tests.training.pictures import CLASSES, corners
from tests.training.test_train import RECIPE, network

IMAGES = corners()
COMPILES = keras.config.backend() != "torch"


@pytest.fixture(autouse=True)
def nothing_kept():
    training.forget_compiled()
    yield
    training.forget_compiled()


def trained(model, recipe=RECIPE, **arguments):
    training.train(model, IMAGES, recipe, progress="none", **arguments)
    return b"".join(weight.tobytes() for weight in model.get_weights())


def residual(seed):
    keras.utils.set_random_seed(seed)
    return networks.build("resnet20_cifar", input_shape=(12, 12, 1), classes=CLASSES, width=0.25)


CASES = {
    "batch normalization": (lambda seed: network(seed), {}),
    "dropout": (lambda seed: network(seed, dropout=0.3), {}),
    "residual": (residual, {}),
    "augmented": (lambda seed: network(seed), {"augmentation": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_shared_step_gives_the_weights_of_a_fresh_one_to_the_bit(case):
    make, options = CASES[case]
    noise = (lambda: {"augmentation": keras.layers.GaussianNoise(0.1, seed=7)}) if options else dict
    trained(make(5), **noise())
    kept = len(compiled._programs)
    shared = trained(make(1), **noise())
    assert len(compiled._programs) == kept == 2  # the step and the evaluation
    training.forget_compiled()
    assert trained(make(1), **noise()) == shared


def test_a_sweep_of_settings_compiles_once():
    base = Recipe(epochs=1, optimizer="sgd", learning_rate=0.1, weight_decay=1e-3, label_smoothing=0.1)
    first = trained(network(), base)
    changes = {"learning_rate": 0.01, "weight_decay": 0.1, "momentum": 0.5, "label_smoothing": 0.3}
    changes |= {"schedule": "cosine", "warmup_fraction": 0.1}
    for name, value in changes.items():
        if name != "warmup_fraction":
            other = dataclasses.replace(base, **{name: value})
            assert trained(network(), other) != first, name
    assert len(compiled._programs) == 2


@pytest.mark.skipif(not COMPILES, reason="PyTorch compiles nothing")
def test_a_second_training_traces_nothing():
    """The call of a layer of this library is counted; tracing would run it."""
    calls = []
    original = keras.layers.ReLU.call

    def counted(self, *arguments, **named):
        calls.append(self.name)
        return original(self, *arguments, **named)

    first, second = network(0), network(1)
    keras.layers.ReLU.call = counted
    try:
        trained(first)
        traced = len(calls)
        trained(second)
    finally:
        keras.layers.ReLU.call = original
    assert traced > 0
    assert len(calls) == traced


def other_activation(model):
    model.get_layer("relu").negative_slope = 0.9
    return model


DIFFERENT = {
    "a recipe of another kind": lambda: (network(), dataclasses.replace(RECIPE, clip_norm=1.0)),
    "another batch size": lambda: (network(), dataclasses.replace(RECIPE, batch_size=32)),
    "another layer": lambda: (network(batch_norm=False), RECIPE),
    "another slope": lambda: (other_activation(network()), RECIPE),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_in_the_graph_is_compiled_anew(case):
    trained(network())
    kept = len(compiled._programs)
    trained(*DIFFERENT[case]())
    assert len(compiled._programs) > kept


def test_a_frozen_layer_stays_as_it_is():
    trained(network())
    model = network()
    model.get_layer("convolution").trainable = False
    before = keras.ops.convert_to_numpy(model.get_layer("convolution").kernel).copy()
    trained(model)
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(model.get_layer("convolution").kernel))


def with_layer(layer):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 1))
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Flatten()(layer(inputs))))


class Mine(keras.layers.Layer):
    factor = 1.0

    def call(self, x):
        return x * self.factor


FACTOR = [1.0]


def scaled_by_factor(x):
    return x * FACTOR[0]


UNKNOWN = {
    "a layer of one's own": Mine,
    "a Lambda": lambda: keras.layers.Lambda(scaled_by_factor),
    "an activation of one's own": lambda: keras.layers.Activation(scaled_by_factor),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_could_be_another_next_time_is_never_shared(case):
    digests = []
    for factor in (1.0, 0.0):
        FACTOR[0] = Mine.factor = factor
        model = with_layer(UNKNOWN[case]())
        digests.append((trained(model), training.evaluate(model, IMAGES.test)))
    FACTOR[0] = Mine.factor = 1.0
    assert not compiled._programs
    assert digests[0] != digests[1]


class Masked(keras.constraints.Constraint):
    """As pruning sets it on a weight, long after the layer was made."""

    def __init__(self, mask):
        self.mask = mask

    def __call__(self, value):
        return value * self.mask


def test_constraints_that_were_set_on_weights_are_not_shared():
    trained(network())
    for kept_weights in (0.0, 1.0):
        model = network()
        kernel = model.get_layer("convolution").kernel
        kernel.constraint = Masked(np.full(kernel.shape, kept_weights, "float32"))
        trained(model)
        assert np.any(keras.ops.convert_to_numpy(kernel)) == bool(kept_weights)


def test_a_regularizer_that_was_set_on_a_weight_counts():
    plain, shrunk = network(), network()
    trained(plain)
    shrunk.get_layer("scores").kernel.regularizer = keras.regularizers.L2(10.0)
    trained(shrunk)
    sizes = [float(np.abs(m.get_layer("scores").get_weights()[0]).mean()) for m in (plain, shrunk)]
    assert sizes[1] < 0.8 * sizes[0]


def test_a_loss_of_ones_own_is_never_shared():
    scale = [1.0]

    def loss(labels, outputs, images):
        return scale[0] * keras.ops.sum(outputs**2, axis=-1)

    one = trained(network(), loss=loss)
    scale[0] = -1.0
    assert trained(network(), dataclasses.replace(RECIPE, epochs=1), loss=loss) != one


def test_kept_programs_are_bounded_and_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(compiled, "KEPT_PROGRAMS", 2)
    for key in ("a", "b", "a", "c"):
        compiled.kept(key, lambda: len)
    assert list(compiled._programs) == ["a", "c"]


CHANGES = {
    "an activation swapped": lambda model: setattr(
        model.get_layer("act"), "activation", keras.activations.tanh
    ),
    "weights set": lambda model: model.set_weights([0.9 * weight for weight in model.get_weights()]),
    "a slope": lambda model: setattr(model.get_layer("relu"), "negative_slope", 0.7),
    "a layer's own call": lambda model: setattr(model.get_layer("relu"), "call", lambda x: x * 0.5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_evaluation_measures_the_network_as_it_is_now(change):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = keras.layers.ReLU(name="relu")(keras.layers.Activation("linear", name="act")(x))
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Flatten()(x)))
    before = training.evaluate(model, IMAGES.test)["loss"]
    CHANGES[change](model)
    now = training.evaluate(model, IMAGES.test)["loss"]
    pixels = IMAGES.test.images.astype("float32") / 255
    logits = keras.ops.convert_to_numpy(model(pixels, training=False)).astype("float64")
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), IMAGES.test.labels]
    assert now == pytest.approx(losses.mean(), rel=1e-4)
    assert abs(now - before) > 1e-4

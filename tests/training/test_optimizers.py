"""The updates of the fused loop are those of Keras's optimizers."""

import dataclasses

import keras
import numpy as np
import pytest

from cnnlib import training
from cnnlib.training.optimizers import (
    TabulatedRate,
    learning_rates,
    make_moments,
    make_optimizer,
    make_update,
    settings_of,
)

BASE = training.Recipe(epochs=1, learning_rate=0.03, optimizer="sgd", schedule="one_cycle", weight_decay=0.01)
RECIPES = {
    "plain": {"momentum": 0.0, "schedule": "constant", "weight_decay": 0.0},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "clipped": {"momentum": 0.9, "clip_norm": 0.1},
    "adam": {"optimizer": "adam", "schedule": "cosine"},
    "adamw": {"optimizer": "adamw", "schedule": "step"},
    "adamw, clipped": {"optimizer": "adamw", "clip_norm": 0.1},
}
STEPS = 6


class Halved(keras.constraints.Constraint):
    def __call__(self, value):
        return value * 0.5


def network(constraint=None):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((7,)), keras.layers.Dense(5, kernel_constraint=constraint), keras.layers.Dense(3)]
    )


def gradients_of(model):
    random = np.random.default_rng(1)
    return [[random.normal(size=v.shape).astype("float32") for v in model.weights] for _ in range(STEPS)]


def after_our_steps(recipe, model, given):
    variables = model.trainable_variables
    rates, moments = learning_rates(recipe, STEPS), [m.value for m in make_moments(recipe, variables)]
    update, values = make_update(recipe, variables), [v.value for v in variables]
    for step, gradients in enumerate(given):
        tensors = [keras.ops.convert_to_tensor(g) for g in gradients]
        values, moments = update(values, tensors, moments, step + 1, rates[step], settings_of(recipe))
    return [keras.ops.convert_to_numpy(value) for value in values]


def after_keras_steps(recipe, model, given):
    optimizer = make_optimizer(recipe, model, TabulatedRate(learning_rates(recipe, STEPS)))
    for gradients in given:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)
    return model.get_weights()


@pytest.mark.parametrize("constraint", [None, Halved()], ids=["free", "constrained"])
@pytest.mark.parametrize("name", RECIPES)
def test_an_update_is_that_of_keras(name, constraint):
    recipe = dataclasses.replace(BASE, **RECIPES[name])
    ours, theirs = network(constraint), network(constraint)
    for a, b in zip(
        after_our_steps(recipe, ours, gradients_of(ours)),
        after_keras_steps(recipe, theirs, gradients_of(theirs)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("change", ["momentum", "weight_decay", "learning_rate", "clip_norm"])
def test_the_comparison_would_notice_another_setting(change):
    recipe = dataclasses.replace(BASE, momentum=0.9, clip_norm=0.1)
    other = dataclasses.replace(recipe, **{change: 0.9 * getattr(recipe, change)})
    model = network()
    one, two = (after_our_steps(r, model, gradients_of(model)) for r in (recipe, other))
    assert max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) > 1e-5


def test_a_weight_without_a_gradient_stays():
    model = network()
    variables = model.trainable_variables
    values, given = [v.value for v in variables], [None, *[keras.ops.ones(v.shape) for v in variables[1:]]]
    moments = [m.value for m in make_moments(BASE, variables)]
    new, _ = make_update(BASE, variables)(values, given, moments, 1, 0.1, settings_of(BASE))
    assert new[0] is values[0]
    assert all(np.any(keras.ops.convert_to_numpy(a - b)) for a, b in zip(new[1:], values[1:], strict=True))


def test_a_loss_that_depends_on_no_weight_is_refused():
    variables = network().trainable_variables
    values = [v.value for v in variables]
    with pytest.raises(ValueError, match="depends on none of the trainable variables"):
        make_update(BASE, variables)(values, [None] * len(values), [], 1, 0.1, settings_of(BASE))


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_weight_decay_spares_biases_and_norms(name):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    variables = model.trainable_variables
    recipe = training.Recipe(epochs=1, optimizer=name, learning_rate=0.1, weight_decay=0.5)
    ones, zeros = ([make(v.shape) for v in variables] for make in (keras.ops.ones, keras.ops.zeros))
    moments = [m.value for m in make_moments(recipe, variables)]
    new, _ = make_update(recipe, variables)(ones, zeros, moments, 1, 0.1, settings_of(recipe))
    kernel, *vectors = map(keras.ops.convert_to_numpy, new)
    assert np.allclose(kernel, 1 - 0.1 * 0.5)
    assert len(vectors) == 3
    assert all(np.allclose(vector, 1) for vector in vectors)


def test_clipping_bounds_the_global_norm():
    variables = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).trainable_variables
    recipe = training.Recipe(epochs=1, optimizer="sgd", momentum=0.0, learning_rate=1.0, clip_norm=0.5)
    values, given = [v.value for v in variables], [100 * keras.ops.ones(v.shape) for v in variables]
    new, _ = make_update(recipe, variables)(values, given, [], 1, 1.0, settings_of(recipe))
    steps = [keras.ops.convert_to_numpy(a - b) for a, b in zip(new, values, strict=True)]
    assert np.sqrt(sum((step**2).sum() for step in steps)) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_schedules_are_those_of_keras(schedule):
    recipe = training.Recipe(epochs=1, learning_rate=0.2, schedule=schedule)
    theirs = {
        "cosine": keras.optimizers.schedules.CosineDecay(0.2, 40),
        "step": keras.optimizers.schedules.PiecewiseConstantDecay([20, 30], [0.2, 0.02, 0.002]),
        "constant": lambda step: 0.2,
    }[schedule]
    expected = [float(keras.ops.convert_to_numpy(theirs(step))) for step in range(41)]
    np.testing.assert_allclose(learning_rates(recipe, 40), expected, rtol=1e-5, atol=1e-8)

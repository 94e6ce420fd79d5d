"""What the fused loop does in fewer operations than Keras on TensorFlow is what Keras does."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest

from cnnlib import training
from cnnlib.training.optimizers import make_optimizer

pytestmark = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="about TensorFlow alone")
if keras.config.backend() == "tensorflow":
    import tensorflow as tf

    from cnnlib.training.batch_norm_tensorflow import fused_batch_norm
    from cnnlib.training.loop_tensorflow import Loop
    from cnnlib.training.update_tensorflow import apply

BASE = training.Recipe(epochs=1, learning_rate=0.03, optimizer="sgd", schedule="one_cycle", weight_decay=0.01)
RECIPES = {
    "plain": {"momentum": 0.0, "schedule": "constant", "weight_decay": 0.0},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "clipped": {"momentum": 0.9, "clip_norm": 0.1},
    "adam": {"optimizer": "adam", "schedule": "plateau"},
    "adamw": {"optimizer": "adamw", "schedule": "cosine"},
    "adamw, clipped": {"optimizer": "adamw", "clip_norm": 0.1},
}


class Halved(keras.constraints.Constraint):
    def __call__(self, value):
        return value * 0.5


def weights_after_steps(recipe, update, constraint):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((7,)), keras.layers.Dense(5, kernel_constraint=constraint), keras.layers.Dense(3)]
    )
    optimizer = make_optimizer(recipe, model, total_steps=10)
    random = np.random.default_rng(1)
    gradients = [[random.normal(size=v.shape).astype("float32") for v in model.weights] for _ in range(4)]

    @tf.function(autograph=False)
    def step(*given):
        update(optimizer, list(given), model.trainable_variables)

    for given in gradients:
        step(*map(tf.constant, given))
    assert int(optimizer.iterations) == len(gradients)
    return model.get_weights() + [keras.ops.convert_to_numpy(v) for v in optimizer.variables]


@pytest.mark.parametrize("constraint", [None, Halved()], ids=["free", "constrained"])
@pytest.mark.parametrize("name", RECIPES)
def test_an_update_is_that_of_keras_to_the_bit(name, constraint):
    recipe = dataclasses.replace(BASE, **RECIPES[name])
    ours = weights_after_steps(recipe, apply, constraint)
    theirs = weights_after_steps(
        recipe, lambda optimizer, *arguments: optimizer.apply(*arguments), constraint
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_variable_without_a_gradient_stays():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False), keras.layers.Dense(1)]
    )
    optimizer = make_optimizer(BASE, model, total_steps=10)
    first, *others = model.trainable_variables
    before = keras.ops.convert_to_numpy(first)
    apply(optimizer, [None] + [tf.ones(v.shape) for v in others], [first, *others])
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(first))
    assert all(np.any(keras.ops.convert_to_numpy(v) != 0) for v in others)


def test_a_loss_without_any_gradient_is_refused_and_no_variables_are_none():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = make_optimizer(BASE, model, total_steps=10)
    apply(optimizer, [], [])
    assert int(optimizer.iterations) == 0
    with pytest.raises(ValueError, match="depends on none of the trainable variables"):
        apply(optimizer, [None, None], model.trainable_variables)


def normalised(shape, *, fused, training=True, trainable=True, dtype="float32", **options):
    """Outputs, gradients and moving averages of a layer after one call on maps of `shape`."""
    random = np.random.default_rng(0)
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype, **options)
    layer.build(shape)
    layer.trainable = trainable
    for variable in layer.variables:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))
    x = tf.constant(random.normal(2.0, 3.0, shape).astype("float32"))
    weights = [v.value for v in layer.variables[:2]] if options.get("scale", True) else []
    with tf.GradientTape() as tape:
        tape.watch(x)
        if fused:
            with fused_batch_norm():
                outputs = layer(x, training=training)
        else:
            outputs = layer(x, training=training)
        loss = tf.reduce_sum(
            tf.cast(outputs, "float32") * tf.constant(random.normal(size=shape).astype("float32"))
        )
    gradients = tape.gradient(loss, [x, *weights])
    return [
        np.array(keras.ops.convert_to_numpy(v), "float32") for v in (outputs, *gradients, *layer.variables)
    ]


CASES = {
    "maps": {"shape": (6, 5, 4, 3)},
    "vectors": {"shape": (8, 3)},
    "one value a channel": {"shape": (1, 1, 1, 3)},
    "inference": {"shape": (6, 5, 4, 3), "training": False},
    "vectors, inference": {"shape": (8, 3), "training": False},
    "frozen": {"shape": (6, 5, 4, 3), "trainable": False},
    "without scale": {"shape": (6, 5, 4, 3), "scale": False},
    "channels first": {"shape": (6, 3, 4, 5), "axis": 1},
    "bfloat16": {"shape": (6, 5, 4, 3), "dtype": "mixed_bfloat16"},
}


@pytest.mark.parametrize("name", CASES)
def test_fused_normalisation_is_that_of_keras(name):
    ours, theirs = (normalised(**CASES[name], fused=fused) for fused in (True, False))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def test_layers_outside_are_those_of_keras():
    stock = keras.layers.BatchNormalization.call
    with contextlib.suppress(RuntimeError), fused_batch_norm():
        assert keras.layers.BatchNormalization.call is not stock
        raise RuntimeError
    assert keras.layers.BatchNormalization.call is stock


def operations(function):
    return sum(len(f.node_def) for f in function.graph.as_graph_def().library.function)


def test_a_step_has_at_most_half_of_the_operations_of_keras(monkeypatch):
    """The reason for both: what is not in the graph need not be traced."""

    def count():
        inputs = x = keras.Input((8, 8, 1))
        for _ in range(4):
            x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x)) if x.shape[1] > 2 else x
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
        recipe = dataclasses.replace(BASE, optimizer="adamw")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
        loop = Loop(
            model, make_optimizer(recipe, model, 10), lambda labels, outputs, images: loss(labels, outputs)
        )
        specs = [
            tf.TensorSpec(s, d) for s, d in (((9, 8, 8, 1), "uint8"), ((9,), "int64"), ((2, 4), "int32"))
        ]
        return operations(loop._train.get_concrete_function(*specs, tf.constant(0), tf.constant(2)))

    ours = count()
    module = "cnnlib.training.loop_tensorflow"
    monkeypatch.setattr(f"{module}.apply", lambda optimizer, *arguments: optimizer.apply(*arguments))
    monkeypatch.setattr(f"{module}.fused_batch_norm", lambda: tf.name_scope("stock"))
    assert ours <= count() / 2

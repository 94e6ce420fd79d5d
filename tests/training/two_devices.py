"""Train on one and on two virtual devices of the CPU; prints what `test_devices` reads, as JSON.

A process of its own: the number of devices is set before the backend starts.
"""

import dataclasses
import json
import os
import re
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras
import numpy as np

from cnnlib import training
from cnnlib.training import Recipe
from cnnlib.training.losses import cross_entropy
from cnnlib.training.runners import FusedRunner
from tests.training.pictures import CLASSES, corners

STEPS, BATCH = 20, 64
# All images in one batch, so that an epoch is a step and its loss is that step's loss; a learning rate at which the
# losses move, so that gradients of another size would show.
RECIPE = Recipe(epochs=STEPS, batch_size=BATCH, optimizer="sgd", learning_rate=0.1, momentum=0.9)
CLIPPED = Recipe(
    epochs=STEPS, batch_size=BATCH, learning_rate=5e-3, clip_norm=0.1, weight_decay=0.05, schedule="one_cycle"
)


def make_virtual_cpus():
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def network(devices, dropout=0.0, batch_norm=False):
    keras.utils.set_random_seed(0)
    with training.on_devices(devices):
        inputs = keras.Input((12, 12, 1))
        x = keras.layers.Conv2D(4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3))(
            inputs
        )
        if batch_norm:
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Dropout(dropout)(keras.layers.Flatten()(x))
        return keras.Model(inputs, keras.layers.Dense(CLASSES, name="scores")(x), name="little")


def train(devices, images, recipe=RECIPE, model=None, **arguments):
    """The network and the loss of each epoch."""
    model = model or network(devices)
    history = training.train(model, images, recipe, devices=devices, progress="none", **arguments)
    return model, history


def difference(one, other):
    return float(np.max(np.abs(np.subtract(one, other))))


def compare(images, recipe, **arguments):
    """The training on two devices, and its largest differences from that on one."""
    (one, alone), (two, shared) = (train(devices, images, recipe, **arguments) for devices in (1, 2))
    return (
        two,
        shared,
        {
            "loss": difference(alone.train_loss, shared.train_loss),
            "accuracy": difference(alone.train_accuracy, shared.train_accuracy),
            "validation": difference(alone.validation_loss, shared.validation_loss),
            "weights": max(map(difference, one.get_weights(), two.get_weights())),
            "moved": alone.train_loss[0] - alone.train_loss[-1],
        },
    )


def with_gradients_of(factor, images):
    """Losses on two devices when every gradient is `factor` times what it should be."""
    recipe = dataclasses.replace(RECIPE, learning_rate=factor * RECIPE.learning_rate)
    return train(2, images, recipe)[1].train_loss


def afterwards(images, model, history):
    """What a network is still good for after a training on two devices."""
    measured = training.evaluate(model, images.validation)
    _, again = train(2, images, RECIPE, model)
    return {
        "evaluated": difference(measured["loss"], history.validation_loss[-1]),
        "goes_on": again.train_loss[0] < history.train_loss[0],
    }


def random_layers(images):
    """Dropout, batch normalization and a random augmentation train, too, if not to equal numbers everywhere."""
    model = network(2, dropout=0.2, batch_norm=True)
    recipe = Recipe(epochs=2, batch_size=BATCH, learning_rate=5e-3)
    _, history = train(2, images, recipe, model, augmentation=keras.layers.GaussianNoise(0.05))
    return history.train_loss


def share_of_a_batch(images):
    """How many images of a batch one of two devices works on, read off the compiled or traced program."""
    rows = []

    def loss(labels, outputs, images):
        rows.append(images.shape[0])
        return cross_entropy(labels, outputs)

    if keras.config.backend() == "tensorflow":
        train(2, images, Recipe(epochs=1, batch_size=BATCH), loss=loss)
        return rows[0]
    model = network(2)
    runner = FusedRunner(model, RECIPE, loss, None, images, True, devices=2)
    arrays = runner._arrays(runner.images, runner.labels, np.arange(BATCH)[None], np.ones(2, "float32"))
    program = runner._program.lowered(runner.state, arrays).compile().as_text()
    assert "all-reduce" in program
    return {int(n) for n in re.findall(r"f32\[(\d+),12,12,1\]", program)}.pop()


def refusals(images):
    """The sentence with which each impossible wish is refused."""
    wishes = {
        "none": {"devices": 0},
        "a fraction": {"devices": 1.5},
        "too many": {"devices": 3},
        "a remainder": {"devices": 2, "recipe": Recipe(epochs=1, batch_size=63)},
        "fit": {"devices": 2, "loop": "fit"},
    }
    if keras.config.backend() == "tensorflow":
        wishes["built for one"] = {"devices": 2, "model": network(1)}
        wishes["built for two"] = {"devices": None}
    model, sentences = network(2), {}
    for name, wish in wishes.items():
        arguments = {"model": model, "recipe": RECIPE, "images": images, "progress": "none", **wish}
        try:
            training.train(**arguments)
        except ValueError as error:
            sentences[name] = str(error)
    return sentences


def main():
    make_virtual_cpus()
    images = corners(train=BATCH)
    result = {}
    model, history, result["sgd"] = compare(images, RECIPE)
    _, _, result["clipped"] = compare(images, CLIPPED, resident=False)
    result["planted"] = difference(with_gradients_of(2, images), history.train_loss)
    result["afterwards"] = afterwards(images, model, history)
    result["random_layers"] = random_layers(corners())
    result["share_of_a_batch"] = share_of_a_batch(images)
    result["refusals"] = refusals(images)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

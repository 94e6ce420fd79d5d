"""What flips and crops cost: a ResNet-20 epoch on shuffled, augmented images beside one on a single constant batch.

Both sides train the same network for the same number of steps in one process and take turns. The constant side still
gathers its batch from the resident images, but it draws and moves nothing.
"""

import argparse
import json
import time

import numpy as np

from benchmarks.machine import spread
from benchmarks.sides import run_side

ROUNDS = 7
BATCH_SIZE, STEPS = 128, 20


def main(arguments=()):
    """Print the ratio of the epochs' seconds."""
    argparse.ArgumentParser(prog="python -m benchmarks input_overhead").parse_args(arguments)
    ratios = run_side("-m", "benchmarks.input_overhead")
    print(
        f"ResNet-20, {STEPS} steps of {BATCH_SIZE}: epoch with flips and crops / epoch on one constant batch"
    )
    print(f"  {spread(ratios)}, median and range of {len(ratios)} pairs")


def _measure():
    from cnnlib import augment, data

    images = data.load("fashion_mnist", train_examples=STEPS * BATCH_SIZE, seed=0)
    rows = np.arange(STEPS * BATCH_SIZE, dtype=np.int32)
    shuffled = np.random.default_rng(0).permutation(rows).reshape(STEPS, BATCH_SIZE)
    constant = np.tile(rows[:BATCH_SIZE], (STEPS, 1))
    chain = augment.Chain([augment.RandomFlip(seed=0), augment.RandomCrop(2, seed=1)])
    rates = np.full(STEPS + 1, 1e-3, np.float32)
    sides = ((_runner(images, chain), shuffled), (_runner(images, None), constant))
    for runner, order in sides:
        runner.epoch(order, rates, 0, None)  # compiles
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for runner, order in sides:
            started = time.perf_counter()
            runner.epoch(order, rates, 0, None)
            seconds.append(time.perf_counter() - started)
        ratios.append(seconds[0] / seconds[1])
    print(json.dumps(ratios))


def _runner(images, augmentation):
    import keras

    from cnnlib import networks, training
    from cnnlib.training.runners import FusedRunner

    keras.utils.set_random_seed(0)
    model = networks.build("resnet20_cifar", input_shape=(28, 28, 1), classes=10)
    recipe = training.Recipe(epochs=1, batch_size=BATCH_SIZE)
    return FusedRunner(model, recipe, None, augmentation, images, True)


if __name__ == "__main__":
    _measure()

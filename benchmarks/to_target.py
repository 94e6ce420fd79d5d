"""Seconds from a cold start to d2l's median test accuracy: d2l's recipe under stock Keras `fit`, and ours.

The same networks (LeNet with sigmoids; LeNet with BatchNorm) in the same framework, each training in a process of its
own: imports, loading, tracing and the one look at the test set are in the seconds. Epochs are fixed in advance; a run
counts with its full time whether it reaches the median or not, and the table says how many did.
Our epochs and rates were chosen on validation images, by `python -m benchmarks tune --networks lenet5,lenet5_bn`.
"""

import argparse
import json
import sys
import time

import pandas as pd

from benchmarks.machine import spread
from benchmarks.sides import run_side
from workflow.lessons import parse_seeds
from workflow.records import REFERENCE

# d2l.ai's chapters: ten epochs of plain SGD, 256 images a step, all 60,000 training images.
D2L = {"lenet5": {"learning_rate": 0.9}, "lenet5_bn": {"learning_rate": 1.0}}
D2L_EPOCHS, D2L_BATCH_SIZE = 10, 256
OURS = {
    "lenet5": {"epochs": 2, "batch_size": 128, "learning_rate": 0.01},
    "lenet5_bn": {"epochs": 1, "batch_size": 128, "learning_rate": 0.01},
}
SIDES = {"d2l's recipe, fit": "d2l", "ours": "ours"}


def main(arguments=()):
    """Train each side once a seed, in turn, and print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks to_target")
    parser.add_argument("--seeds", default="0-2")
    seeds = parse_seeds(parser.parse_args(arguments).seeds)
    print(
        table({network: [_pair(network, seed) for seed in seeds] for network in OURS}).to_string(index=False)
    )


def table(pairs):
    """Of `{network: [{side: {"seconds", "accuracy"}}]}`: seconds, how often each side reached the median, the ratio."""
    medians = pd.read_csv(REFERENCE / "peers.csv").set_index("network")["median"]
    rows = []
    for network, runs in pairs.items():
        row = {"network": network, "median": f"{medians[network]:.3f}"}
        for name, side in SIDES.items():
            reached = sum(run[side]["accuracy"] >= medians[network] for run in runs)
            row[f"{name}: seconds"] = spread([run[side]["seconds"] for run in runs])
            row[f"{name}: reached"] = f"{reached} of {len(runs)}"
        row["ratio"] = spread([run["d2l"]["seconds"] / run["ours"]["seconds"] for run in runs])
        rows.append(row)
    return pd.DataFrame(rows)


def _pair(network, seed):
    return {side: _run(network, side, seed) for side in SIDES.values()}


def _run(network, side, seed):
    started = time.perf_counter()
    accuracy = run_side("-m", "benchmarks.to_target", network, side, seed)
    result = {"seconds": time.perf_counter() - started, "accuracy": accuracy}
    print(f"{network}, {side}, seed {seed}: {result}", file=sys.stderr, flush=True)
    return result


def _train(network, side, seed):
    import keras

    from cnnlib import data, lesson, networks, training

    lesson.reproducible(seed)
    images = data.load("fashion_mnist", validation_examples=0 if side == "d2l" else 1000, seed=0)
    model = networks.build(network, input_shape=(28, 28, 1), classes=10)
    if side == "d2l":
        x, y = data.to_float(images.train.images), images.train.labels
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(D2L[network]["learning_rate"]), loss, metrics=["accuracy"])
        model.fit(x, y, batch_size=D2L_BATCH_SIZE, epochs=D2L_EPOCHS, verbose=0)
        return model.evaluate(
            data.to_float(images.test.images), images.test.labels, batch_size=500, verbose=0
        )[1]
    recipe = training.Recipe(**OURS[network], optimizer="adamw", schedule="one_cycle", weight_decay=0.01)
    training.train(model, images, recipe, seed=seed, progress="none")
    return training.evaluate(model, images.test)["top1"]


if __name__ == "__main__":
    print(json.dumps(_train(sys.argv[1], sys.argv[2], int(sys.argv[3]))))

"""What a second training of an equal architecture still pays beside its steps, as a share of the first one's.

The overhead of a training is its wall time less its steady epochs; that of an evaluation is its wall time less that of
the same evaluation repeated. Each round is a process of its own; the table shows median and range of the rounds.
"""

import argparse
import json
import sys
import time

import pandas as pd

from benchmarks.machine import spread
from benchmarks.sides import chosen, run_side

ROUNDS, EPOCHS = 5, 4
NETWORKS = {
    "lenet5_bn": {},
    "resnet20_cifar": {"width": 0.5, "stem_stride": 2},
    "googlenet": {"width": 0.25, "stem": "small", "stem_stride": 2, "normalization": "batch"},
}


def main(arguments=()):
    """Print the ratios of every network."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compile_once")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    rows = []
    for network in chosen(parser, parser.parse_args(arguments).networks, NETWORKS):
        rounds = []
        for number in range(ROUNDS):
            rounds.append(run_side("-m", "benchmarks.compile_once", network))
            print(f"{network}, round {number + 1} of {ROUNDS}: {rounds[-1]}", file=sys.stderr, flush=True)
        later = [r["training"][i] / r["training"][0] for r in rounds for i in (1, 2)]
        measured = [r["evaluation"][1] / r["evaluation"][0] for r in rounds]
        first = [r["training"][0] for r in rounds]
        rows.append(
            {
                "network": network,
                "first training's overhead, s": spread(first),
                "second and third / first": spread(later),
                "second evaluation / first": spread(measured),
            }
        )
    print(pd.DataFrame(rows).to_string(index=False))


def _measure(name):
    import keras

    from cnnlib import data, networks, training

    images = data.load("fashion_mnist", train_examples=640, validation_examples=500, seed=0)

    def network(seed):
        keras.utils.set_random_seed(seed)
        return networks.build(name, input_shape=(28, 28, 1), classes=10, **NETWORKS[name])

    def seconds(call):
        started = time.perf_counter()
        result = call()
        return time.perf_counter() - started, result

    overheads, evaluations = [], []
    for seed in range(2):
        model = network(seed)
        first, again = (seconds(lambda: training.evaluate(model, images.test))[0] for _ in range(2))  # noqa: B023
        evaluations.append(max(first - again, 0.0))
    for seed in range(3):
        model = network(seed)
        recipe = training.Recipe(epochs=EPOCHS, batch_size=64, learning_rate=1e-3 * (seed + 1))
        wall, history = seconds(lambda: training.train(model, images, recipe, seed=seed, progress="none"))  # noqa: B023
        overheads.append(max(wall - EPOCHS * min(history.epoch_seconds[1:]), 0.0))
    print(json.dumps({"training": overheads, "evaluation": evaluations}))


if __name__ == "__main__":
    _measure(sys.argv[1])

"""Images a second of our fused epoch beside stock Keras `fit` and a plain PyTorch loop.

Each side runs in a process of its own; the sides take turns, five rounds, and the table shows the ratio of each
pair: median, least and largest. Every side has the whole training set in memory and the same batches, optimizer
(AdamW) and precision (float32). The first epoch, which also traces and compiles, is told apart from the second.
"""

import argparse
import importlib.util
import json
import statistics
import sys
import time

import pandas as pd

from benchmarks.machine import spread
from benchmarks.sides import chosen, run_side

ROUNDS = 5
CASES = {  # network: (batch size, training images, peers)
    "lenet5": (256, 20_480, ("fit", "torch")),
    "resnet20_cifar": (128, 2_560, ("fit", "torch")),
    # Here the first epoch's overhead counts, so a few steps will do.
    "googlenet": (64, 640, ("fit",)),
    "densenet_cifar": (64, 640, ("fit",)),
}
OPTIONS = {
    "lenet5": {"activation": "relu", "pooling": "max"},
    "googlenet": {"width": 0.25, "stem": "small", "stem_stride": 2, "normalization": "batch"},
    "densenet_cifar": {"depth": 16, "growth": 16},
}
SIDES = ("fused", "fit", "torch")


def main(arguments=()):
    """Measure the cases and print ratios; each round to stderr as it ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks loops")
    parser.add_argument("--networks", default=",".join(CASES))
    rows = []
    for network in chosen(parser, parser.parse_args(arguments).networks, CASES):
        peers = CASES[network][2]
        sides = ["fused", *(peer for peer in peers if peer != "torch" or importlib.util.find_spec("torch"))]
        rounds = []
        for number in range(ROUNDS):
            rounds.append({side: run_side("-m", "benchmarks.loops", network, side) for side in sides})
            print(f"{network}, round {number + 1} of {ROUNDS}: {rounds[-1]}", file=sys.stderr, flush=True)
        for peer in sides[1:]:
            speed = [r["fused"]["images_per_second"] / r[peer]["images_per_second"] for r in rounds]
            first = [
                r["fused"]["first_epoch_overhead"] / max(r[peer]["first_epoch_overhead"], 1e-9)
                for r in rounds
            ]
            rows.append(
                {
                    "network": network,
                    "fused beside": peer,
                    "images/s, ratio": spread(speed),
                    "first-epoch overhead, ratio": spread(first) if peer == "fit" else "",
                    "fused, images/s": f"{statistics.median(r['fused']['images_per_second'] for r in rounds):,.0f}",
                }
            )
    print(pd.DataFrame(rows).to_string(index=False))


def _run_side(network, side):
    from cnnlib import data

    batch_size, examples, _ = CASES[network]
    images = data.load("fashion_mnist", train_examples=examples, seed=0)
    epoch = {"fused": _fused, "fit": _fit, "torch": _torch}[side](network, images, batch_size)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - started)
    steady = min(seconds[1:])
    trained = examples // batch_size * batch_size
    print(json.dumps({"images_per_second": trained / steady, "first_epoch_overhead": seconds[0] - steady}))


def _network(name):
    from cnnlib import networks

    return networks.build(name, input_shape=(28, 28, 1), classes=10, **OPTIONS.get(name, {}))


def _fused(name, images, batch_size):
    from cnnlib import training
    from cnnlib.training.optimizers import learning_rates
    from cnnlib.training.runners import FusedRunner

    model = _network(name)
    recipe = training.Recipe(epochs=1, batch_size=batch_size)
    steps = len(images.train) // batch_size
    runner, rates = FusedRunner(model, recipe, None, None, images, True), learning_rates(recipe, 3 * steps)
    order = training.epoch_order(len(images.train), steps, batch_size, 0, 1)
    return lambda: runner.epoch(order, rates, 0, None)


def _fit(name, images, batch_size):
    import keras

    from cnnlib.data import to_float

    model = _network(name)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.0), loss, metrics=["accuracy"])
    steps = len(images.train) // batch_size
    x, y = to_float(images.train.images)[: steps * batch_size], images.train.labels[: steps * batch_size]
    return lambda: model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)


def _torch(name, images, batch_size):
    import torch

    from benchmarks.torch_networks import NETWORKS

    model = NETWORKS[name]()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    x = torch.tensor(images.train.images).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor(images.train.labels).long()
    model.train()

    def epoch():
        total, correct = torch.zeros(()), torch.zeros(())
        for index in torch.randperm(len(y))[: len(y) // batch_size * batch_size].view(-1, batch_size):
            logits = model(x[index].float() / 255)
            loss = torch.nn.functional.cross_entropy(logits, y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
            correct += (logits.argmax(1) == y[index]).sum()
        return float(total), float(correct)

    return epoch


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One side of one comparison, in this process.")
    parser.add_argument("network", choices=CASES)
    parser.add_argument("side", choices=SIDES)
    arguments = parser.parse_args()
    _run_side(arguments.network, arguments.side)

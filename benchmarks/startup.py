"""What a user waits for before anything trains: importing Keras, then the library, then loading the embedded data.

The stages are timed one after another in one process, since Keras' own seconds vary by more than the library takes.
"""

import argparse

import pandas as pd

from benchmarks.machine import spread
from benchmarks.sides import run_side

ROUNDS = 5
STAGES = {
    "import keras": "import keras",
    "then import cnnlib as a lesson does": (
        "from cnnlib import data, inspect, layers, lesson, networks, plots, training"
    ),
    "then load Fashion-MNIST": "data.load('fashion_mnist')",
}


def main(arguments=()):
    """Print the seconds of each stage: median, least, largest of the rounds."""
    argparse.ArgumentParser(prog="python -m benchmarks startup").parse_args(arguments)
    rounds = [_seconds() for _ in range(ROUNDS)]
    by_stage = zip(STAGES, zip(*rounds, strict=True), strict=True)
    rows = [{"stage": name, "seconds": spread(values)} for name, values in by_stage]
    print(pd.DataFrame(rows).to_string(index=False))


def _seconds():
    """The seconds of each stage, in a process of their own."""
    timed = "\n".join(f"{code}\nmarks.append(time.perf_counter())" for code in STAGES.values())
    code = (
        f"import json, time\nmarks = [time.perf_counter()]\n{timed}\n"
        "print(json.dumps([b - a for a, b in zip(marks, marks[1:])]))"
    )
    return run_side("-c", code)

"""What a user waits for before anything trains: importing Keras, then the library, then loading the embedded data.

The stages are timed one after another in one process, since Keras' own seconds vary by more than the library takes.
"""

import json
import os
import subprocess
import sys

import pandas as pd

from benchmarks.machine import spread

ROUNDS = 5
STAGES = {
    "import keras": "import keras",
    "then import cnnlib as a lesson does": (
        "from cnnlib import data, inspect, layers, lesson, networks, plots, training"
    ),
    "then load Fashion-MNIST": "data.load('fashion_mnist')",
}


def main():
    """Print the seconds of each stage: median, least, largest of the rounds."""
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
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])

"""What a user waits for before anything trains: importing the library, and loading the embedded data."""

import os
import subprocess
import sys

import pandas as pd

from benchmarks.machine import spread

ROUNDS = 5
PREPARATIONS = {
    "import keras": "import keras",
    # As a lesson begins, cnnlib before keras.
    "import cnnlib as a lesson does": (
        "from cnnlib import data, inspect, layers, lesson, networks, plots, training; import keras"
    ),
    "the same, and load Fashion-MNIST": (
        "from cnnlib import data, inspect, layers, lesson, networks, plots, training; import keras; "
        "data.load('fashion_mnist')"
    ),
}


def main():
    """Print the seconds of each, and what each adds to the one above it: median, least, largest of the pairs."""
    rounds = [{name: _seconds(code) for name, code in PREPARATIONS.items()} for _ in range(ROUNDS)]
    rows, above = [], None
    for name in PREPARATIONS:
        added = [r[name] - r[above] for r in rounds] if above else None
        rows.append(
            {
                "preparation": name,
                "seconds": spread([r[name] for r in rounds]),
                "added": spread(added) if added else "",
            }
        )
        above = name
    print(pd.DataFrame(rows).to_string(index=False))


def _seconds(code):
    timed = f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", timed], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])

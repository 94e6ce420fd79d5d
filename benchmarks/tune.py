"""How the recipes of the lessons' budgets are chosen: on validation images only, the test set stays shut.

For each network, a grid of epochs and learning rates around what budget `cpu` says; the table shows validation accuracy
and seconds, and marks the quickest setting whose validation accuracy is above d2l's median by `MARGIN`, since the test
images come out a little lower. `python -m benchmarks tune --networks nin --epochs 1,2 --learning_rates .003,.006`;
with `--params "width=.25 batch_size=64"` more of the lesson's parameters differ from the budget's. Threads are those of
the lesson's job.
"""

import argparse
import subprocess
import sys

import pandas as pd

from benchmarks.sides import chosen
from benchmarks.small_forms import SMALL_FORMS
from workflow.records import REFERENCE
from workflow.surroundings import environment

MARGIN = 0.01
FACTORS = (0.5, 1.0, 2.0)  # of the budget's learning rate


def main(arguments=()):
    """Train the grid, one process a network, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tune")
    parser.add_argument("--networks", default=",".join(SMALL_FORMS))
    parser.add_argument("--epochs", help="such as 1,2; default one less than budget cpu has, and as many")
    parser.add_argument(
        "--learning_rates", help="such as .003,.006; default half, once and twice the budget's"
    )
    parser.add_argument("--params", help="over budget cpu's, such as 'width=.25 batch_size=64'")
    options = parser.parse_args(arguments)
    variables = {**environment(), "KERAS_BACKEND": "tensorflow"}
    given = [f"{name}={value}" for name, value in vars(options).items() if value and name != "networks"]
    for network in chosen(parser, options.networks, SMALL_FORMS):
        subprocess.run([sys.executable, "-m", "benchmarks.tune", network, *given], env=variables, check=True)


def table(network, rows):
    """The rows with the quickest sufficient one marked."""
    median = pd.read_csv(REFERENCE / "peers.csv").set_index("network")["median"][network]
    frame = pd.DataFrame(rows)
    enough = frame[frame["validation accuracy"] >= median + MARGIN]
    frame["chosen"] = ""
    if len(enough):
        frame.loc[enough["seconds"].idxmin(), "chosen"] = f"quickest at {median:.3f} + {MARGIN:g}"
    return frame


def _tune(network, given):
    from benchmarks.small_forms import images_of, parameters_of, train
    from cnnlib import lesson

    params = given.get("params", "")
    parameters = parameters_of(network, "cpu", params)
    lesson.reproducible(0, threads=parameters["threads"])
    most = parameters["epochs"]
    epochs = _numbers(given.get("epochs"), int) or sorted({max(1, most - 1), most})
    rates = _numbers(given.get("learning_rates"), float) or [f * parameters["learning_rate"] for f in FACTORS]
    images = images_of(parameters)
    rows = []
    for number in epochs:
        for rate in rates:
            _, history = train(network, {**parameters, "epochs": number, "learning_rate": rate}, 0, images)
            rows.append(
                {
                    "network": network,
                    "params": params,
                    "images": len(images.train),
                    "epochs": number,
                    "learning rate": rate,
                    "validation accuracy": round(history.validation_accuracy[-1], 4),
                    "seconds": round(sum(history.epoch_seconds), 1),
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
    print(table(network, rows).to_string(index=False))


def _numbers(text, kind):
    return [kind(part) for part in text.split(",")] if text else None


if __name__ == "__main__":
    _tune(sys.argv[1], dict(part.split("=", 1) for part in sys.argv[2:]))

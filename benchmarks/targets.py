"""What the lessons' main networks reach at budget `cpu`, beside what they should: accuracy, and seconds of training."""

import argparse
import subprocess
import sys

import pandas as pd

from workflow.lessons import ROOT
from workflow.records import REFERENCE, load_records

LESSONS = "04-11"
# Asked of lessons 04 and 05 beside the peers' figures: least test accuracy, most seconds of training on two cores.
ASKED = {"04_lenet": (0.86, 60), "05_alexnet": (0.89, 100)}


def main(arguments=()):
    """Run the lessons at budget cpu, as far as their records are not up to date, and print the table."""
    argparse.ArgumentParser(prog="python -m benchmarks targets").parse_args(arguments)
    command = [sys.executable, "-m", "workflow.course", "run", "--budget", "cpu", "--lessons", LESSONS]
    subprocess.run(command, cwd=ROOT, check=True)
    print(table(load_records(ROOT / "runs" / "cpu")[0]).to_string(index=False))


def table(records):
    """One row a record of a network that has a peer: what it reached, and whether this was enough."""
    peers = pd.read_csv(REFERENCE / "peers.csv").set_index("network")
    rows = []
    for record in records:
        if record["network"] not in peers.index:
            continue
        accuracy, peer = record["test_accuracy"], peers.loc[record["network"]]
        asked, seconds = ASKED.get(record["lesson"], (0.0, float("inf")))
        rows.append(
            {
                "network": record["network"],
                "seed": record["seed"],
                "test accuracy": f"{accuracy:.4f}",
                "peer's median": f"{peer['median']:.3f}",
                "reached": accuracy >= peer["median"],
                "peer's best": f"{peer['best']:.3f}",
                "passed": accuracy >= peer["best"],
                "training s": f"{record['seconds']:.1f}",
                "asked": accuracy >= asked and record["seconds"] <= seconds,
            }
        )
    return pd.DataFrame(rows)

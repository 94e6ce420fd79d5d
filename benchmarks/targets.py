"""What the lessons' main networks reach at budget `cpu`, beside what they should: accuracy, and seconds of training."""

import subprocess
import sys

import pandas as pd

from workflow.lessons import ROOT
from workflow.records import load_records

# lesson: (least test accuracy, most seconds of training on two cores)
TARGETS = {"04_lenet": (0.86, 60), "05_alexnet": (0.89, 100)}


def main():
    """Run the lessons at budget cpu, as far as their records are not up to date, and print the table."""
    lessons = ",".join(name[:2] for name in TARGETS)
    command = [sys.executable, "-m", "workflow.course", "run", "--budget", "cpu", "--lessons", lessons]
    subprocess.run(command, cwd=ROOT, check=True)
    rows = []
    for record in load_records(ROOT / "runs" / "cpu")[0]:
        if record["lesson"] in TARGETS:
            accuracy, seconds = TARGETS[record["lesson"]]
            rows.append(
                {
                    "lesson": record["lesson"],
                    "seed": record["seed"],
                    "test accuracy": f"{record['test_accuracy']:.4f}",
                    "at least": accuracy,
                    "training s": f"{record['seconds']:.1f}",
                    "at most": seconds,
                    "reached": record["test_accuracy"] >= accuracy and record["seconds"] <= seconds,
                }
            )
    print(pd.DataFrame(rows).to_string(index=False))

"""Run lessons twice, each in processes of its own, and see whether everything that they computed is equal to the bit.

    python -m workflow.verify --budget quick --lessons 04-06

Compared are the weights of every network trained (by their digests), the learning curves, the test results, and the
outputs that nbval compares. Timings, and claims about timings, are left out.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from workflow import options
from workflow.lessons import ROOT, UsageError
from workflow.records import curves_of, load_records
from workflow.run_lesson import INSERTED_BY_PAPERMILL

SIDES = ("first", "second")
FREE = "nbval-ignore-output"


def main():
    parser = argparse.ArgumentParser(description="Run lessons twice and compare what they computed.")
    options.add_selection(parser, budget="quick", backend="tensorflow")
    parser.add_argument("--cores", default="all", help="CPU cores that the jobs share")
    arguments = parser.parse_args()
    try:
        jobs = options.chosen_jobs(arguments)
        folder = (arguments.run or ROOT / "runs" / "verify").resolve()
        for side in SIDES:
            shutil.rmtree(folder / side, ignore_errors=True)
            _run(arguments, folder / side)
    except UsageError as error:
        sys.exit(f"error: {error}")
    rows = [compare(folder, name) for name in jobs]
    print(pd.DataFrame(rows).to_string(index=False))
    different = [row for row in rows if row["verdict"] != "equal"]
    if different:
        sys.exit(f"{different[0]['job']}: {different[0]['verdict']}")


def _run(arguments, folder):
    command = options.run_command(arguments, folder)
    # A failed job shows in the table.
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)


def compare(folder, name):
    """A line of the table for one job: how much was compared, and the first quantity that differs."""
    sides = [_quantities(folder / side, name) for side in SIDES]
    if None in sides:
        return {
            "job": name,
            "networks": 0,
            "outputs": 0,
            "verdict": f"the {SIDES[sides.index(None)]} run failed",
        }
    first, second = sides
    differing = next((key for key in first | second if first.get(key) != second.get(key)), None)
    return {
        "job": name,
        "networks": sum(key.startswith("weights") for key in first),
        "outputs": sum(key.startswith("output") for key in first),
        "verdict": "equal" if differing is None else f"{differing} differs",
    }


def _quantities(folder, name):
    """Everything of a job that must repeat, by a name that says what it is; None where the job failed."""
    records = {f"{r['lesson']}-seed{r['seed']}": r for r in load_records(folder)[0]}
    if name not in records:
        return None
    record = records[name]
    found = {f"weights of {record['network']}": record["digest"]}
    found |= {f"weights of the training {run['label']!r}": run["digest"] for run in record["runs"]}
    for key in ("test_accuracy", "top5", "test_loss", "params", "macs"):
        found[key] = record.get(key)
    found |= {f"learning curve {key}": values for key, values in curves_of(record).items()}
    notebook = json.loads(Path(folder / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    tags = [set(cell["metadata"].get("tags", [])) for cell in notebook["cells"]]
    own = [cell for cell, its in zip(notebook["cells"], tags, strict=True) if not its & INSERTED_BY_PAPERMILL]
    for position, cell in enumerate(own, start=1):
        if cell["cell_type"] == "code" and FREE not in cell["metadata"].get("tags", []):
            # Joined: in how many pieces a printed text arrives is chance.
            text = "".join("".join(_text_of(output)) for output in cell["outputs"])
            if text:
                found[f"output of cell {position}"] = text
    return found


def _text_of(output):
    return output.get("text", output.get("data", {}).get("text/plain", ""))


if __name__ == "__main__":
    main()

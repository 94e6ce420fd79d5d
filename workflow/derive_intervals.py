"""Derive the intervals of what lessons measure from the records of at least ten seeds: `make intervals`.

    python -m workflow.derive_intervals --budget quick --lessons 04-11 --seeds 0-9

Runs what has no record yet, two hours for all lessons on two cores, and writes `cnnlib/lesson/intervals.json`, which
`lesson.expect_between` reads. Lessons that were not chosen keep their entries. An interval is that in which one more
seed lies with 99.99% (Student's t): a course asserts some dozens, and on many machines.
"""

import argparse
import json
import subprocess
import sys

import pandas as pd

from workflow import options
from workflow.files import write_json
from workflow.intervals import interval_of_a_new_value
from workflow.jobs import READS_RECORDS
from workflow.lessons import ROOT, UsageError, find_lessons, parse_seeds, read_parameters
from workflow.parameters import SET_BY_THE_RUN, all_values
from workflow.records import load_records
from workflow.watch import is_done

FILE = ROOT / "cnnlib" / "lesson" / "intervals.json"
MINIMUM_SEEDS = 10
CONFIDENCE = 0.9999
DIGITS = 4  # of the stored ends
# Below this a quantity is a rounding error, which depends on the processor and not on the seed.
LEAST_MAGNITUDE = 1e-3
NOT_COMPARED = (*SET_BY_THE_RUN, READS_RECORDS)


def main():
    parser = argparse.ArgumentParser(description="Derive intervals from the runs of many seeds.")
    options.add_selection(parser, budget="quick", backend="tensorflow")
    parser.set_defaults(seeds="0-9")
    parser.add_argument("--cores", default="all", help="CPU cores that the jobs share")
    arguments = parser.parse_args()
    try:
        sys.exit(derive(arguments))
    except UsageError as error:
        sys.exit(f"error: {error}")


def derive(arguments):
    """Run the seeds, write the file and print what it now says of the chosen lessons; 1 where a job failed."""
    if len(parse_seeds(arguments.seeds)) < MINIMUM_SEEDS:
        raise UsageError(f"SEEDS={arguments.seeds} must name at least {MINIMUM_SEEDS} seeds")
    if arguments.params:
        raise UsageError("intervals hold for the parameters of a budget; leave PARAMS out")
    folder = (arguments.run or ROOT / "runs" / "intervals" / arguments.budget).resolve()
    chosen = options.chosen_jobs(arguments)
    jobs = {job["lesson"]: job for job in chosen.values()}  # one of its seeds each
    status = subprocess.run(options.run_command(arguments, folder), cwd=ROOT, check=False).returncode
    groups = records_by_lesson(folder, chosen)
    lessons = {lesson.name: lesson for lesson in find_lessons(arguments.notebooks)}
    entries = {
        name: entry_of(groups[name], parameters_of(job, lessons[name]))
        for name, job in jobs.items()
        if len(groups.get(name, ())) >= MINIMUM_SEEDS
    }
    content = json.loads(FILE.read_text(encoding="utf-8"))
    content[arguments.budget] = {**content.get(arguments.budget, {}), **entries}
    write_json(FILE, content)
    print(table(entries).to_string(index=False) if entries else "no lesson has enough records yet")
    return 1 if status else 0


def records_by_lesson(folder, chosen):
    """`{lesson: records}` of the chosen jobs, those left out that an earlier selection or earlier code made."""
    groups = {}
    for record in load_records(folder)[0]:
        name = f"{record['lesson']}-seed{record['seed']}"
        if name in chosen and is_done(folder, name):
            groups.setdefault(record["lesson"], []).append(record)
    return groups


def parameters_of(job, lesson):
    """What decides the results of a lesson's job, apart from the seed."""
    values = all_values(read_parameters(lesson), job["parameters"])
    return {key: value for key, value in values.items() if key not in NOT_COMPARED}


def entry_of(records, parameters):
    """The lesson's entry in the file, from the records of its seeds."""
    by_name = {}
    for record in records:
        for quantity in record.get("quantities", []):
            by_name.setdefault(quantity["name"], []).append(quantity)
    quantities = {name: _quantity(found) for name, found in by_name.items() if len(found) == len(records)}
    return {
        "parameters": parameters,
        "seeds": sorted(record["seed"] for record in records),
        "quantities": {name: quantity for name, quantity in quantities.items() if quantity},
    }


def _quantity(found):
    """Mean, deviation and interval of a quantity, or None where the seed does not matter to it."""
    values = pd.Series([quantity["value"] for quantity in found])
    if values.abs().max() < LEAST_MAGNITUDE or values.nunique() == 1:
        return None
    least, most = found[0]["declared"]
    low, high = interval_of_a_new_value(list(values), CONFIDENCE)
    return {
        "mean": round(values.mean(), DIGITS),
        "standard_deviation": round(values.std(), DIGITS),
        "low": max(least, round(low, DIGITS)),
        "high": min(most, round(high, DIGITS)),
    }


def table(entries):
    """One row a quantity."""
    return pd.DataFrame(
        {"lesson": lesson, "quantity": name, "seeds": len(entry["seeds"]), **quantity}
        for lesson, entry in entries.items()
        for name, quantity in entry["quantities"].items()
    )


if __name__ == "__main__":
    main()

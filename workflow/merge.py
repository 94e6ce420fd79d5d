"""Bring the records of several runs together in one folder, whose report then tells of all of them."""

import json
import shutil

from workflow.files import write_json, write_json_if_changed
from workflow.lessons import UsageError
from workflow.records import curves_of, read_run

WHEN_AND_WHERE = ("seconds", "images_per_second", "provenance")  # of a record: differs between equal runs


def merge_runs(sources, target):
    """Copy records and executed notebooks of the runs `sources` into the folder `target`, which may hold some already.

    A job that several runs have must have come out equal, but for times and machine; the first one's is kept.

    Returns:
        number of records in `target`.

    Raises:
        UsageError: a run without records, an unreadable record, or two different results of one job.
    """
    kept = {}
    for folder in [*([target] if any(target.glob("[0-9][0-9]_*-seed*.json")) else []), *sources]:
        for record in read_run(folder):
            name = f"{record['lesson']}-seed{record['seed']}"
            if name not in kept:
                kept[name] = (folder, record)
            elif differing := _first_difference(kept[name][1], record):
                raise UsageError(
                    f"{name} is in {kept[name][0]} and in {folder}, and {differing} differs; take one of them away"
                )
    for name, (folder, record) in kept.items():
        if folder != target:
            _copy(folder, target, name, record)
    write_json_if_changed(target / "selection.json", sorted(kept))
    return len(kept)


def _first_difference(first, second):
    """The first entry in which two records differ, or None."""
    names = [name for name in first | second if name not in WHEN_AND_WHERE]
    return next((name for name in names if _timeless(first, name) != _timeless(second, name)), None)


def _timeless(record, name):
    """An entry without the times in it."""
    value = record.get(name)
    if name == "history":
        return curves_of(record)
    if name in ("runs", "claims", "extra"):  # hold measured times among other things; digests tell runs apart
        return [run["digest"] for run in value] if name == "runs" else None
    return value


def _copy(folder, target, name, record):
    for ending in (".ipynb", ".html"):
        notebook = folder / "notebooks" / f"{name}{ending}"
        if notebook.exists():
            (target / "notebooks").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, target / "notebooks" / notebook.name)
    job = folder / "jobs" / f"{name}.json"
    if job.exists():
        (target / "jobs").mkdir(parents=True, exist_ok=True)
        write_json(target / "jobs" / job.name, json.loads(job.read_text(encoding="utf-8")))
    target.mkdir(parents=True, exist_ok=True)
    write_json(target / f"{name}.json", record)

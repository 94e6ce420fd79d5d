"""Result records on disk. The schema is cnnlib's; it is read as a file, so that no backend is started for it."""

import functools
import json
from pathlib import Path

from workflow.lessons import ROOT, UsageError

REFERENCE = ROOT / "reference"  # what recorded runs told, a folder a budget; and the peers' results
SCHEMA = json.loads((ROOT / "cnnlib" / "lesson" / "record.schema.json").read_text(encoding="utf-8"))
MEDIA_TYPE = SCHEMA["contentMediaType"]


@functools.cache
def _validator():
    import jsonschema

    return jsonschema.Draft202012Validator(SCHEMA)


def fault_of(record):
    """None for a record that follows the schema, else one sentence about its first fault."""
    error = next(iter(sorted(_validator().iter_errors(record), key=lambda e: list(map(str, e.path)))), None)
    return None if error is None else f"{'.'.join(map(str, error.path)) or 'the record'}: {error.message}"


def displayed_records(cells):
    """The records among the outputs of a notebook's cells, in order."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output["data"][MEDIA_TYPE] for output in outputs if MEDIA_TYPE in output.get("data", {})]


def path_of(run_folder, name, kind=""):
    """Where a job's file of a kind lies ("jobs", "failed", ..., or "" for its record).

    A job of a grid is named "grid/<point>/<job>": each point has a run folder of its own below the run's.
    """
    point, _, job = name.rpartition("/")
    return run_folder / point / kind / f"{job}.json"


def points_of(names):
    """`{point: names of its jobs}`; without a grid there is one point, ""."""
    points = {}
    for name in names:
        points.setdefault(name.rpartition("/")[0], []).append(name)
    return points


def curves_of(record):
    """The learning curves of a record, those of time left out: equal trainings differ in them."""
    return {name: values for name, values in record["history"].items() if "second" not in name}


def load_records(folder):
    """All readable records of a run folder, by lesson and seed, and `{file name: fault}` of the others."""
    records, faults = [], {}
    for path in sorted(Path(folder).glob("[0-9][0-9]_*-seed*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            faults[path.name] = f"not readable as JSON: {error}"
            continue
        fault = fault_of(record)
        if fault:
            faults[path.name] = fault
        else:
            records.append(record)
    return sorted(records, key=lambda r: (r["lesson"], r["seed"])), faults


def read_run(folder):
    """All records of a run that must be whole.

    Raises:
        UsageError: no record, or one that cannot be read or does not follow the schema.
    """
    records, faults = load_records(folder)
    for name, fault in faults.items():
        raise UsageError(f"{Path(folder) / name}: {fault}; run that lesson again")
    if not records:
        raise UsageError(f"there is no record in {folder}; make course makes them")
    return records


def by_network(records):
    """`{(lesson, network): records of its seeds}`."""
    groups = {}
    for record in records:
        groups.setdefault((record["lesson"], record["network"]), []).append(record)
    return groups


def processor(provenance):
    """The processor of a record, with its vector instructions where the record has them."""
    instructions = provenance.get("cpu_instructions")
    return f"{provenance['cpu']} ({' '.join(instructions)})" if instructions else provenance["cpu"]


def accelerator(provenance):
    """The accelerator of a record with its driver, or "none"."""
    name, driver = provenance.get("accelerator") or "none", provenance.get("accelerator_driver")
    return f"{name} (driver {driver})" if driver else name

"""What jobs cost: from recorded runs where there are any, from declared budgets where there are none."""

import json
import math
from pathlib import Path

from workflow.records import REFERENCE, displayed_records, load_records


def costs_of(jobs, budget):
    """`{job name: {"seconds", "memory_mb", "recorded"}}`; what is not recorded costs as much as its job declares."""
    recorded = _recorded_costs(budget)
    costs = {}
    for name, job in jobs.items():
        costs[name] = {"seconds": 60 * job["minutes"], "memory_mb": job["memory_mb"], "recorded": False}
        costs[name] |= recorded.get(job["lesson"]) or _cost_as_committed(job["notebook"], budget)
    return costs


def _recorded_costs(budget):
    """`{lesson: costs}`: the fastest of the recorded seeds, since other work on the machine only adds to it, and the
    largest memory where it was measured."""
    costs = {}
    for record in load_records(REFERENCE / budget)[0]:
        provenance = record["provenance"]
        cost = costs.setdefault(record["lesson"], {"seconds": math.inf, "recorded": True})
        seconds = provenance.get("wall_seconds", provenance["lesson_seconds"])
        cost["seconds"] = min(cost["seconds"], seconds)
        if "peak_memory_mb" in provenance:
            cost["memory_mb"] = max(cost.get("memory_mb", 0), provenance["peak_memory_mb"])
    return costs


def _cost_as_committed(notebook, budget):
    record = committed_record(notebook)
    if record is None or record["budget"] != budget:
        return {}
    return {"seconds": record["provenance"]["lesson_seconds"], "recorded": True}


def committed_record(notebook):
    """The record that a notebook holds among its outputs from when it was last run, or None."""
    try:
        cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next(iter(displayed_records(cells)), None)

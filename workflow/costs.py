"""What jobs cost: from recorded runs where there are any, from declared budgets where there are none."""

import math

from workflow.records import REFERENCE, load_records


def costs_of(jobs, budget):
    """`{job name: {"seconds", "memory_mb", "recorded"}}`; what is not recorded costs as much as its job declares."""
    recorded = _recorded_costs(budget)
    declared = {
        name: {"seconds": 60 * job["minutes"], "memory_mb": job["memory_mb"], "recorded": False}
        for name, job in jobs.items()
    }
    return {name: declared[name] | recorded.get(job["lesson"], {}) for name, job in jobs.items()}


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

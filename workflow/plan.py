"""What a run would need, from recorded runs where there are any and from declared budgets where there are none."""

import math
import os

from workflow.lessons import ROOT
from workflow.records import load_records

NOTEBOOK_MB = 2  # an executed notebook with its record, on disk
ENVIRONMENT_MB = 3000  # .venv


def plan_table(jobs, budget, run_folder):
    """Jobs with expected minutes and memory, and the sums, as text."""
    import pandas as pd

    recorded = _recorded_costs(budget)
    rows, core_seconds = [], 0.0
    for name, job in jobs.items():
        seconds, memory = recorded.get(job["lesson"], (None, None))
        known = seconds is not None
        seconds = seconds if known else 60 * job["minutes"]
        done = (run_folder / f"{name}.json").exists()
        rows.append(
            {
                "job": name,
                "threads": job["threads"],
                "minutes": f"{seconds / 60:.1f}",
                "memory MB": memory or job["memory_mb"],
                "from": "recorded run" if known else "declared limit",
                "record": "there" if done else "",
            }
        )
        core_seconds += 0 if done else seconds * job["threads"]
    cores = os.cpu_count() or 1
    table = pd.DataFrame(rows).to_string(index=False)
    memory = sorted((row["memory MB"] for row in rows), reverse=True)
    side_by_side = max(1, cores // max(1, min(job["threads"] for job in jobs.values())))
    return (
        f"{table}\n\n{len(jobs)} jobs; about {core_seconds / 60 / cores:.0f} minutes on {cores} cores, "
        f"{sum(memory[:side_by_side]) / 1000:.1f} GB of memory, {len(jobs) * NOTEBOOK_MB} MB of disk for the results "
        f"({ENVIRONMENT_MB} MB for the environment)"
    )


def _recorded_costs(budget):
    """`{lesson: (seconds, peak memory in MB)}`: the fastest of the recorded seeds, since other work on the machine only
    adds to it, and the largest memory."""
    costs = {}
    for record in load_records(ROOT / "reference" / budget)[0]:
        provenance = record["provenance"]
        old = costs.get(record["lesson"], (math.inf, 0))
        costs[record["lesson"]] = (
            min(old[0], provenance.get("wall_seconds", provenance["lesson_seconds"])),
            max(old[1], provenance.get("peak_memory_mb", 0)),
        )
    return costs

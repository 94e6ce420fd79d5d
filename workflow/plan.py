"""What a run would need, before anything runs."""

import os

from workflow.costs import costs_of

NOTEBOOK_MB = 2  # an executed notebook with its record, on disk
ENVIRONMENT_MB = 3000  # .venv


def plan_table(jobs, budget, run_folder):
    """Jobs with expected minutes and memory, and the sums, as text."""
    import pandas as pd

    costs = costs_of(jobs, budget)
    rows, core_seconds = [], 0.0
    for name, job in jobs.items():
        cost = costs[name]
        done = (run_folder / f"{name}.json").exists()
        rows.append(
            {
                "job": name,
                "threads": job["threads"],
                "minutes": f"{cost['seconds'] / 60:.1f}",
                "memory MB": cost["memory_mb"],
                "from": "recorded run" if cost["recorded"] else "declared limit",
                "record": "there" if done else "",
            }
        )
        core_seconds += 0 if done else cost["seconds"] * job["threads"]
    cores = os.cpu_count() or 1
    table = pd.DataFrame(rows).to_string(index=False)
    memory = sorted((row["memory MB"] for row in rows), reverse=True)
    side_by_side = max(1, cores // max(1, min(job["threads"] for job in jobs.values())))
    return (
        f"{table}\n\n{len(jobs)} jobs; about {core_seconds / 60 / cores:.0f} minutes on {cores} cores, "
        f"{sum(memory[:side_by_side]) / 1000:.1f} GB of memory, {len(jobs) * NOTEBOOK_MB} MB of disk for the results "
        f"({ENVIRONMENT_MB} MB for the environment)"
    )

"""What a run would need, before anything runs."""

import pandas as pd

from workflow.costs import costs_of
from workflow.jobs import up_to_date

NOTEBOOK_MB = 2  # an executed notebook with its record, on disk
ENVIRONMENT_MB = 3000  # .venv


def plan_table(jobs, budget, run_folder, lock_file, cores, memory_mb=None):
    """Jobs with expected minutes and memory, and the sums of those that would run, as text.

    Args:
        memory_mb: what this machine has for the jobs that run at a time, or None where that is not known.
    """
    costs, done = costs_of(jobs, budget), up_to_date(jobs, run_folder, lock_file)
    rows = [
        {
            "job": name,
            "threads": job["threads"],
            "minutes": f"{costs[name]['seconds'] / 60:.1f}",
            "memory MB": costs[name]["memory_mb"],
            "from": "recorded run" if costs[name]["recorded"] else "declared limit",
            "result": "there" if name in done else "",
        }
        for name, job in jobs.items()
    ]
    table = pd.DataFrame(rows).to_string(index=False)
    waiting = {name: job for name, job in jobs.items() if name not in done}
    if not waiting:
        return f"{table}\n\n{len(jobs)} jobs, and all results are there: nothing would run"
    core_minutes = sum(costs[name]["seconds"] / 60 * job["threads"] for name, job in waiting.items())
    memory = sorted((costs[name]["memory_mb"] for name in waiting), reverse=True)
    side_by_side = max(1, cores // min(job["threads"] for job in waiting.values()))
    lines = [
        f"{len(waiting)} of {len(jobs)} jobs would run: about {core_minutes / cores:.0f} minutes on {cores} "
        f"cores, {sum(memory[:side_by_side]) / 1000:.1f} GB of memory, {len(waiting) * NOTEBOOK_MB} MB of disk for the "
        f"results ({ENVIRONMENT_MB} MB for the environment)",
        *_warnings(waiting, side_by_side, memory_mb),
    ]
    return f"{table}\n\n" + "\n".join(lines)


def _warnings(jobs, side_by_side, memory_mb):
    """Where jobs declare more memory than there is. They are started by what they declare, not by what runs took."""
    if memory_mb is None:
        return []
    declared = sorted((job["memory_mb"] for job in jobs.values()), reverse=True)
    found = []
    if sum(declared[:side_by_side]) > memory_mb:
        found.append(
            f"warning: jobs that could run side by side declare {sum(declared[:side_by_side]) / 1000:.1f} GB, and "
            f"there are {memory_mb / 1000:.1f} GB here: fewer run at a time, and the run takes longer"
        )
    alone = [name for name, job in jobs.items() if job["memory_mb"] > memory_mb]
    if alone:
        found.append(
            f"warning: {', '.join(alone)} declare{'s' if len(alone) == 1 else ''} more than all the memory here, and "
            "may be stopped for want of it; choose fewer images or another machine"
        )
    return found

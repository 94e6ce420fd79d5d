"""Progress and outcome of a run, read from the files that its jobs write."""

import json
import sys
import time

from workflow.files import write_json
from workflow.records import load_records, path_of, points_of

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_SIGNS = 60


def follow(process, folder, jobs):
    """Print a line when a job starts and when it ends, until `process` has ended."""
    begun = time.time()
    start_of, seen_done = {}, set()
    written = None
    up_to_date = {name for name in jobs if is_done(folder, name)}
    last_line = begun
    while True:
        running = process.poll() is None
        for name in jobs:
            started = started_since(folder, name, begun)
            if started and name not in start_of:
                start_of[name] = started
                up_to_date.discard(name)
                last_line = _say(f"{name} started")
        for name in start_of.keys() - seen_done:
            failed = path_of(folder, name, "failed").exists()
            if failed or path_of(folder, name).exists():
                seen_done.add(name)
                seconds = time.time() - start_of[name]
                state = "FAILED" if failed else "done"
                last_line = _say(
                    f"[{len(seen_done) + len(up_to_date)}/{len(jobs)}] {name} {state} after {seconds:.0f} s"
                )
        states = {name: _state(folder, name, start_of) for name in jobs}
        if states != written:
            write_json(folder / "status.json", {"jobs": states, "changed": time.time(), "pid": process.pid})
            written = states
        if not running:
            break
        if time.time() - last_line > SECONDS_BETWEEN_SIGNS and start_of.keys() - seen_done:
            last_line = _say(f"running: {', '.join(sorted(start_of.keys() - seen_done))}")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if not start_of and process.returncode == 0:
        _say(f"all {len(jobs)} results are up to date; nothing was run")


def _state(folder, name, start_of):
    """What `status.json` says of a job: failed, done, running or waiting."""
    if path_of(folder, name, "failed").exists():
        return "failed"
    if is_done(folder, name):
        return "done"
    return "running" if name in start_of else "waiting"


def read_failures(folder, jobs):
    """What the failed ones of `jobs` left behind, in the course's order."""
    files = {name: path_of(folder, name, "failed") for name in jobs}
    return [
        {**json.loads(path.read_text(encoding="utf-8")), "point": name.rpartition("/")[0]}
        for name, path in files.items()
        if path.exists()
    ]


def print_failures(failures):
    """A line for each failed job on standard error: lesson, seed, cell and error."""
    for failure in failures:
        where = f", cell {failure['cell']}" if failure["cell"] else ""
        point = f"{failure['point']}: " if failure["point"] else ""
        name = f"{point}{failure['lesson']} seed {failure['seed']}{where}"
        print(f"FAILED: {name}: {failure['error']}", file=sys.stderr)


def result_rows(folder, jobs):
    """The results of `jobs`, one row each, with what a grid varies; points of a grid stand beside each other."""
    records = {
        f"{point}/{record['lesson']}-seed{record['seed']}".lstrip("/"): record
        for point in points_of(jobs)
        for record in load_records(folder / point)[0]
    }
    rows = []
    for name, job in sorted(jobs.items(), key=lambda item: (item[1]["lesson"], item[1]["seed"])):
        row = {"lesson": job["lesson"], "seed": job["seed"], **job.get("grid", {})}
        record = records.get(name)
        if record is None:
            row["network"] = "failed" if path_of(folder, name, "failed").exists() else "not run"
        else:
            row |= {"network": record["network"]}
            row |= {key: record[key] for key in ("test_accuracy", "params", "macs", "seconds")}
            row["wall_seconds"] = record["provenance"]["wall_seconds"]
        rows.append(row)
    return rows


SHOWN = {
    "test_accuracy": ("test accuracy", "{:.4f}"),
    "params": ("parameters", "{:,}"),
    "macs": ("MACs", "{:,}"),
    "seconds": ("training s", "{:.1f}"),
    "wall_seconds": ("lesson s", "{:.1f}"),
}


def result_table(folder, jobs):
    """The results of `jobs` as text, one line each; a job without a record shows why it has none."""
    import pandas as pd

    rows = [
        {SHOWN[key][0] if key in SHOWN else key: SHOWN[key][1].format(value) if key in SHOWN else str(value)
         for key, value in row.items()}
        for row in result_rows(folder, jobs)
    ]  # fmt: skip
    return "\n" + pd.DataFrame(rows).fillna("").to_string(index=False) + "\n"


def is_done(folder, name):
    """Whether a job has a record that is no older than what it was asked to do."""
    record, job = path_of(folder, name), path_of(folder, name, "jobs")
    return record.exists() and job.exists() and record.stat().st_mtime >= job.stat().st_mtime


def started_since(folder, name, since):
    """The time at which a job last started, or None where that was before `since`."""
    path = path_of(folder, name, "started")
    try:
        started = json.loads(path.read_text(encoding="utf-8"))["time"]
    except (OSError, ValueError, KeyError):
        return None
    return started if started >= since else None


def _say(text):
    print(text, flush=True)
    return time.time()

"""Progress and outcome of a run, read from the files that its jobs write."""

import json
import sys
import time

from workflow.files import write_json
from workflow.records import load_records

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
            failed = (folder / "failed" / f"{name}.json").exists()
            if failed or (folder / f"{name}.json").exists():
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
    if (folder / "failed" / f"{name}.json").exists():
        return "failed"
    if is_done(folder, name):
        return "done"
    return "running" if name in start_of else "waiting"


def read_failures(folder, jobs):
    """What the failed ones of `jobs` left behind, in the course's order."""
    files = [folder / "failed" / f"{name}.json" for name in jobs]
    return [json.loads(path.read_text(encoding="utf-8")) for path in files if path.exists()]


def print_failures(failures):
    """A line for each failed job on standard error: lesson, seed, cell and error."""
    for failure in failures:
        where = f", cell {failure['cell']}" if failure["cell"] else ""
        name = f"{failure['lesson']} seed {failure['seed']}{where}"
        print(f"FAILED: {name}: {failure['error']}", file=sys.stderr)


def result_table(folder, jobs):
    """The results of `jobs` as text, one line each; a job without a record shows why it has none."""
    import pandas as pd

    records = {f"{r['lesson']}-seed{r['seed']}": r for r in load_records(folder)[0]}
    rows = []
    for name, job in jobs.items():
        row = {"lesson": job["lesson"], "seed": job["seed"]}
        record = records.get(name)
        if record is None:
            row["network"] = "failed" if (folder / "failed" / f"{name}.json").exists() else "not run"
        else:
            row |= {
                "network": record["network"],
                "test accuracy": f"{record['test_accuracy']:.4f}",
                "parameters": f"{record['params']:,}",
                "MACs": f"{record['macs']:,}",
                "training s": f"{record['seconds']:.1f}",
                "lesson s": f"{record['provenance']['wall_seconds']:.1f}",
            }
        rows.append(row)
    return "\n" + pd.DataFrame(rows).fillna("").to_string(index=False) + "\n"


def is_done(folder, name):
    """Whether a job has a record that is no older than what it was asked to do."""
    record, job = folder / f"{name}.json", folder / "jobs" / f"{name}.json"
    return record.exists() and job.exists() and record.stat().st_mtime >= job.stat().st_mtime


def started_since(folder, name, since):
    """The time at which a job last started, or None where that was before `since`."""
    path = folder / "started" / f"{name}.json"
    try:
        started = json.loads(path.read_text(encoding="utf-8"))["time"]
    except (OSError, ValueError, KeyError):
        return None
    return started if started >= since else None


def _say(text):
    print(text, flush=True)
    return time.time()

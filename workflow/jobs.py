"""From a selection to job files: one JSON a job, holding what to run and a hash of all that it depends on."""

import json
import os
import subprocess
from pathlib import Path

from workflow.files import hash_files, write_json_if_changed
from workflow.lessons import (
    NOTEBOOKS,
    ROOT,
    find_lessons,
    parse_seeds,
    read_cells,
    read_parameters,
    select_lessons,
)
from workflow.parameters import (
    check_ranges,
    load_budget,
    parse_grid,
    parse_overrides,
    require_everywhere,
    require_somewhere,
    resolve,
)
from workflow.records import path_of, points_of
from workflow.watch import is_done

# Of a job: they decide where it runs, whether it ends and where its notebook goes, not what it computes.
LIMITS = ("minutes", "memory_mb", "gpu", "store")
READS_RECORDS = "records"  # the parameter of a lesson that compares the results of the others


def make_jobs(
    budget, lessons="all", seeds="0", params="", backend="tensorflow", notebooks=NOTEBOOKS, grid=""
):
    """The jobs of a selection, point by point of a grid and in the course's order, all parameters checked.

    Returns:
        `{job name: job}`; a job holds lesson, seed, backend, parameters, threads, memory_mb, minutes, gpu,
        and at a point of a grid the values there.

    Raises:
        UsageError: anything in the selection, the budget or the parameters that cannot be.
    """
    known = find_lessons(notebooks)
    chosen = select_lessons(lessons, known)
    seed_list = parse_seeds(seeds)
    overrides = parse_overrides(params)
    points = parse_grid(grid, overrides)
    entries = load_budget(budget, known, notebooks / "budgets")
    parameters = {lesson.name: read_parameters(lesson) for lesson in chosen}
    require_somewhere(overrides, parameters)
    for point in points.values():
        require_somewhere(point, parameters, "GRID")
        require_everywhere(point, parameters)
    jobs = {}
    for point_name, point in points.items():
        for lesson in chosen:
            entry = entries[lesson.name]
            job = _make_job(lesson, parameters[lesson.name], entry, overrides, point, f"{budget}.yaml")
            for seed in seed_list:
                run_values = {"budget": budget, "seed": seed, "threads": int(entry["job"]["threads"])}
                own = {key: value for key, value in run_values.items() if key in parameters[lesson.name]}
                name = f"{lesson.name}-seed{seed}"
                jobs[f"grid/{point_name}/{name}" if point_name else name] = {
                    **job,
                    "seed": seed,
                    "backend": backend,
                    "parameters": {**job["parameters"], **own},
                }
    return jobs


def _make_job(lesson, parameters, entry, overrides, point, budget_file):
    """What the jobs of a lesson at a point of a grid have in common whatever their seed."""
    own = {name: text for name, text in overrides.items() if name in parameters} | point
    values = resolve(
        lesson.name, parameters, entry["parameters"], own, budget_file=budget_file, grid=tuple(point)
    )
    check_ranges(lesson.name, parameters, values)
    return {
        "lesson": lesson.name,
        "notebook": str(lesson.notebook.resolve()),
        "parameters": values,
        "reads_records": READS_RECORDS in parameters,
        **entry["job"],
        **({"grid": {name: values[name] for name in point}} if point else {}),
    }


def phases(jobs, run_folder):
    """The jobs in the order of their phases: first those that stand alone, then those that read the records of others.

    Yields:
        `{job name: job}`; a reading job carries the run's folder and a hash of the records there, taken when it is its
        turn, so that it runs again when one of them has changed.
    """
    alone = {name: job for name, job in jobs.items() if not job["reads_records"]}
    if alone:
        yield alone
    reading = {name: job for name, job in jobs.items() if job["reads_records"]}
    if reading:
        lessons = {job["lesson"] for job in reading.values()}
        yield {
            name: _reading(reading[name], run_folder / point, digest)
            for point, names in points_of(reading).items()
            for digest in [_digest_of_others(run_folder / point, lessons)]
            for name in names
        }


def _digest_of_others(run_folder, lessons):
    """Hash of the records of a folder, those of `lessons` left out."""
    paths = run_folder.glob("[0-9][0-9]_*-seed*.json")
    return hash_files([p for p in paths if p.name.rpartition("-")[0] not in lessons], run_folder)


def _reading(job, run_folder, digest):
    where = Path(os.path.relpath(run_folder, Path(job["notebook"]).parent)).as_posix()
    return {**job, "parameters": {**job["parameters"], READS_RECORDS: where}, "records_sha256": digest}


def write_selection(jobs, run_folder):
    """Write the names of all jobs of a run (each point's of a grid), from which its report tells what is missing."""
    for point, names in points_of(jobs).items():
        own = sorted(path_of(run_folder, name).stem for name in names)
        write_json_if_changed(run_folder / point / "selection.json", own)


def write_jobs(jobs, run_folder, lock_file, seconds=None):
    """Write the job files of a phase and its list of names; files that hold the same already stay untouched.

    Args:
        seconds: `{job name: how long it is expected to take}`; what takes longest starts first, so that no core
            waits for a long job at the end.
    """
    depends = _depends(lock_file)
    provenance = {**depends, **commit_of()}
    for name, job in jobs.items():
        content = _content(job, depends)
        if not _is_asked(name, content, run_folder):
            write_json_if_changed(path_of(run_folder, name, "jobs"), {**content, "provenance": provenance})
    write_json_if_changed(
        run_folder / "phase.json", {name: (seconds or {}).get(name, 0) for name in sorted(jobs)}
    )


def up_to_date(jobs, run_folder, lock_file):
    """The names of the jobs whose results are there, made from what stands here now."""
    depends, done = _depends(lock_file), set()
    for phase in phases(jobs, run_folder):
        for name, job in phase.items():
            others_done = not job["reads_records"] or all(
                n in done for n in jobs if not jobs[n]["reads_records"]
            )
            if (
                others_done
                and is_done(run_folder, name)
                and _is_asked(name, _content(job, depends), run_folder)
            ):
                done.add(name)
    return done


def _depends(lock_file):
    return {"code_sha256": _code_hash(), "lock_sha256": hash_files([lock_file], lock_file.parent)}


def _content(job, depends):
    return {**job, **depends, "notebook_sha256": notebook_hash(job["notebook"])}


def _is_asked(name, content, run_folder):
    """Whether a job's file asks for `content` already.

    The commit is recorded but decides nothing: a new commit that changes no code is no reason to run again. Nor are
    other limits a reason to repeat what ended within the old ones.
    """
    decides_nothing = {"provenance", *(LIMITS if is_done(run_folder, name) else ())}
    return _same_but(decides_nothing, path_of(run_folder, name, "jobs"), content)


def notebook_hash(path):
    """SHA-256 of what a notebook runs: its cells' kinds and sources, not its outputs."""
    import hashlib

    cells = [(kind, source) for kind, source, _ in read_cells(path)]
    return hashlib.sha256(repr(cells).encode()).hexdigest()


def commit_of(folder=ROOT):
    """The commit of the checkout and whether the tree has changes: `{"commit": ..., "dirty": ...}`."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def _code_hash():
    code = [
        p
        for p in (ROOT / "cnnlib").rglob("*")
        # Exercises compute nothing of a record, and intervals and budgets only judge what was computed.
        if p.suffix in (".py", ".json")
        and "exercises" not in p.parts
        and p.name not in ("intervals.json", "budgets.json")
    ]
    return hash_files([*code, ROOT / "data" / "fashion-mnist" / "SHA256SUMS"], ROOT)


def _same_but(ignored, path, content):
    """Whether a job file holds `content`, the keys in `ignored` left out on both sides."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    kept = [{key: value for key, value in job.items() if key not in ignored} for job in (stored, content)]
    return kept[0] == kept[1]

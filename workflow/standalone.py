"""Run lessons one after another in plain Python: no Snakemake, no Jupyter, the same records.

    python -m workflow.standalone --budget gpu --lessons 04-11 --seeds 0-2 --backend jax

For machines that hold only cnnlib, one backend, and what the lessons import besides (scikit-learn, jsonschema,
PyYAML). Each lesson gets a process of its own. What has a record already is left out, so an interrupted
run goes on. Figures are made and not kept. The report of such a folder is made where the course is installed:
`make report RUN=<folder>`.
"""

import argparse
import ast
import contextlib
import subprocess
import sys
import time
import types
from pathlib import Path

from workflow import options, watch
from workflow.files import write_json
from workflow.jobs import phases, write_jobs, write_selection
from workflow.lessons import UsageError, read_cells
from workflow.records import MEDIA_TYPE
from workflow.run_lesson import LessonFailed, run_job
from workflow.surroundings import environment

# A whole lesson may take so many times what a cell may; the Snakefile has the same for clusters.
JOB_SHARE = 1.5
SHOWN = "_value_of_the_last_line"


def main():
    arguments = _parser().parse_args()
    if arguments.job:
        sys.exit(run_job(arguments.job, in_this_process))
    try:
        sys.exit(run_all(arguments))
    except UsageError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(options.sentence_of(error, arguments))


def _parser():
    parser = argparse.ArgumentParser(description="Run lessons without Snakemake and Jupyter.")
    options.add_selection(parser, budget="gpu", backend="jax")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    return parser


def run_all(arguments):
    """Run the jobs that have no record yet, each in a process of its own; 1 where one failed."""
    jobs, folder = options.chosen_jobs(arguments), options.run_folder(arguments)
    options.require_backend(arguments.backend)
    write_selection(jobs, folder)
    (folder / "logs").mkdir(exist_ok=True)
    numbers = {name: f"[{number}/{len(jobs)}]" for number, name in enumerate(jobs, start=1)}
    for phase in phases(jobs, folder):
        write_jobs(phase, folder, arguments.lock.resolve())
        for name, job in phase.items():
            if watch.is_done(folder, name):
                print(f"{numbers[name]} {name} has a record", flush=True)
                continue
            print(f"{numbers[name]} {name}", end=" ", flush=True)
            started = time.perf_counter()
            status = _run_one(folder / "jobs" / f"{name}.json", folder / "logs" / f"{name}.log", job)
            print(f"{'FAILED' if status else 'done'} after {time.perf_counter() - started:.0f} s", flush=True)
    failures = watch.read_failures(folder, jobs)
    watch.print_failures(failures)
    print(f"records and logs: {folder}")
    return 1 if failures else 0


def _run_one(job_file, log_file, job):
    """The exit status of a job in a process of its own; stopped when it takes longer than declared."""
    command = [sys.executable, "-u", "-m", "workflow.standalone", "--job", str(job_file)]
    variables = {
        **environment(job_file.parent.parent / "surroundings"),
        "KERAS_BACKEND": job["backend"],
        "MPLBACKEND": "Agg",
    }
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=Path(job["notebook"]).parent, env=variables, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            status = process.wait(60 * JOB_SHARE * job["minutes"])
            error = f"the process ended by signal {-status}, most often for want of memory"
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
            error = (
                f"it ran longer than {JOB_SHARE:g} times the {job['minutes']:g} minutes declared for a cell"
            )
    if status < 0:  # killed, so it could not say what went wrong
        failure = {"lesson": job["lesson"], "seed": job["seed"], "cell": None, "error": error}
        write_json(job_file.parent.parent / "failed" / job_file.name, failure)
    return status


def in_this_process(job, name, run_folder):
    """Run the notebook's code cells in order; returns the records that they displayed.

    Raises:
        LessonFailed: a cell raised; the position counts all cells from 1.
    """
    # As in a notebook, the cells' variables are those of the module `__main__`.
    sys.modules["__main__"] = types.ModuleType("__main__")
    namespace, found = vars(sys.modules["__main__"]), []
    for position, (kind, source, tags) in enumerate(read_cells(job["notebook"]), start=1):
        if kind != "code":
            continue
        try:
            value = run_cell(source, namespace)
        except Exception as error:
            if "raises-exception" in tags:
                continue
            raise LessonFailed(f"{type(error).__name__}: {error}", position) from error
        if "parameters" in tags:
            namespace.update(job["parameters"])
        found += _shown(value)
    return found


def run_cell(source, namespace):
    """Execute a cell; returns the value of its last line, if that is an expression, as a notebook would show it."""
    tree = ast.parse(source)
    namespace[SHOWN] = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        target = ast.Name(SHOWN, ast.Store())
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(ast.Assign([target], last.value), last))
    exec(compile(tree, "<cell>", "exec"), namespace)
    return namespace[SHOWN]


def _shown(value):
    """Print what a cell would show; returns the record in it, if there is one."""
    if value is None:
        return []
    print(value)
    bundle = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else None
    with contextlib.suppress(TypeError, KeyError):
        return [bundle[MEDIA_TYPE]]
    return []


if __name__ == "__main__":
    main()

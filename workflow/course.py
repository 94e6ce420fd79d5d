"""The command behind `make course`, `make plan`, `make lab`, `make report`, `make compare`, `make merge`,
`make reference`.

python -m workflow.course run --budget cpu --lessons 04-11 --seeds 0-2 --params "epochs=3" --backend tensorflow
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from workflow import machine, options, surroundings, watch
from workflow.costs import costs_of
from workflow.files import path_for_papermill
from workflow.jobs import READS_RECORDS, phases, write_jobs, write_selection
from workflow.lessons import ROOT, UsageError
from workflow.plan import plan_table
from workflow.records import points_of


def main():
    arguments = _parser().parse_args()
    try:
        sys.exit(arguments.command(arguments))
    except UsageError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(options.sentence_of(error, arguments))
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where this one stopped")


def _parser():
    parser = argparse.ArgumentParser(description="Run the course, or parts of it, without a browser.")
    commands = parser.add_subparsers(required=True)
    for name, command, help_text in (
        ("run", run, "run lessons and report their results"),
        ("plan", plan, "show what would run and what it needs"),
        ("lab", lab, "open the lessons in JupyterLab"),
        ("report", report, "make the report of a run again"),
        ("reference", reference, "keep the records of a run under reference/<budget>"),
    ):
        sub = commands.add_parser(name, help=help_text)
        sub.set_defaults(command=command)
        options.add_selection(sub, budget="cpu", backend="tensorflow")
        sub.add_argument("--cores", default="all", help="CPU cores that the jobs share")
        if command in (run, plan):
            options.add_grid(sub)
        if command is run:
            options.add_profile(sub)
            sub.add_argument(
                "--store", default="", help="where executed notebooks are written to, too: s3://bucket/course"
            )
    sub = commands.add_parser("merge", help="bring the records of two runs together in one folder and report")
    sub.set_defaults(command=merge)
    sub.add_argument("first", type=Path, help="folder of a run")
    sub.add_argument("second", type=Path, help="folder of another")
    sub.add_argument("--run", required=True, help="folder of the records of both")
    sub = commands.add_parser("compare", help="what differs between two runs beyond the spread")
    sub.set_defaults(command=compare, run=None)
    sub.add_argument("first", type=Path, help="folder of a run, for instance reference/cpu")
    sub.add_argument("second", type=Path, help="folder of another")
    return parser


def run(arguments):
    """Run the chosen jobs that are not up to date, then report; 1 where one failed."""
    from workflow.report import write_report
    from workflow.results import write_grid
    from workflow.store import check_store

    jobs, folder = options.chosen_jobs(arguments), options.run_folder(arguments)
    options.require_backend(arguments.backend)
    options.number_of_cores(arguments.cores)
    profile = options.chosen_profile(arguments.profile)
    if arguments.store:
        check_store(arguments.store)
        jobs = {name: {**job, "store": _absolute(arguments.store)} for name, job in jobs.items()}
    write_selection(jobs, folder)
    started, code = time.time(), 0
    seconds_of = {name: cost["seconds"] for name, cost in costs_of(jobs, arguments.budget).items()}
    for phase in phases(jobs, folder):
        write_jobs(phase, folder, arguments.lock.resolve(), seconds_of)
        code = _snakemake(folder, _where(profile, arguments.cores), phase) or code
    failures = watch.read_failures(folder, jobs)
    ran = any(watch.started_since(folder, name, started) for name in jobs)
    seconds = time.time() - started if ran else None
    pages = [write_report(folder / point, wall_seconds=seconds) for point in points_of(jobs)]
    print(watch.result_table(folder, jobs))
    watch.print_failures(failures)
    if code and not failures:
        print(
            f"FAILED: the scheduler ended with status {code}; see {_shown(folder / 'logs' / 'snakemake.log')}",
            file=sys.stderr,
        )
    if arguments.grid:
        print(f"grid: {_shown(write_grid(folder, watch.result_rows(folder, jobs)))}")
    for page in pages:
        print(f"report: {_shown(page)}")
    return 1 if code or failures else 0


def plan(arguments):
    """Print the jobs and what they need, before anything runs."""
    jobs, folder = options.chosen_jobs(arguments), options.run_folder(arguments)
    cores = options.number_of_cores(arguments.cores)
    print(plan_table(jobs, arguments.budget, folder, arguments.lock.resolve(), cores, machine.memory_mb()))
    return 0


def report(arguments):
    """Make the report of the records that a run folder holds."""
    from workflow.report import write_report

    folder = options.run_folder(arguments)
    if not folder.is_dir():
        raise UsageError(
            f"there is no run in {_shown(folder)}; make course BUDGET={arguments.budget} makes one"
        )
    print(f"report: {_shown(write_report(folder))}")
    return 0


def reference(arguments):
    """Keep the records of a run as those that later runs are shown beside."""
    from workflow.reference import keep_records

    paths = keep_records(options.run_folder(arguments), arguments.budget)
    print(f"kept {len(paths) - 1} records in {_shown(paths[-1].parent)}; commit them")
    return 0


def compare(arguments):
    """Print two runs side by side; 1 where a result left its interval or a count changed."""
    from workflow.compare import compare_runs

    for folder in (arguments.first, arguments.second):
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder of a run; make compare A=runs/cpu B=reference/cpu")
    text, left = compare_runs(arguments.first, arguments.second)
    print(text)
    return 1 if left else 0


def merge(arguments):
    """Bring the records of two runs together and make their report."""
    from workflow.merge import merge_runs
    from workflow.report import write_report

    for folder in (arguments.first, arguments.second):
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is no folder of a run; make merge A=runs/cpu B=<folder> RUN=runs/both"
            )
    if not arguments.run:
        raise UsageError("name the folder of both with RUN=<folder>, for instance RUN=runs/both")
    folder = Path(arguments.run).resolve()
    number = merge_runs([arguments.first.resolve(), arguments.second.resolve()], folder)
    print(f"{number} records: {_shown(folder)}")
    print(f"report: {_shown(write_report(folder))}")
    return 0


def lab(arguments):
    """Open JupyterLab on the lessons; for a budget but quick, on copies that carry its parameters."""
    jobs = options.chosen_jobs(arguments)
    folder = arguments.notebooks
    if arguments.budget != "quick" or arguments.params:
        folder = ROOT / "runs" / "lab" / arguments.budget
        for job in jobs.values():
            if job["reads_records"]:  # a copy lies elsewhere than its lesson
                job["parameters"][READS_RECORDS] = os.path.relpath(ROOT / "reference" / "cpu", folder)
        _prepare_copies(jobs, folder)
        print(f"copies of the lessons with the parameters of budget {arguments.budget}: {_shown(folder)}")
    environment = {
        **surroundings.interactive_environment(ROOT / "runs" / "lab" / "surroundings"),
        "KERAS_BACKEND": arguments.backend,
    }
    return subprocess.run(
        [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"], env=environment
    ).returncode


def _prepare_copies(jobs, folder):
    import papermill

    folder.mkdir(parents=True, exist_ok=True)
    for name, job in jobs.items():
        target = folder / (f"{job['lesson']}.ipynb" if job["seed"] == 0 else f"{name}.ipynb")
        if target.exists():
            print(f"kept as it is: {_shown(target)}")
            continue
        papermill.execute_notebook(
            path_for_papermill(job["notebook"]),
            path_for_papermill(target),
            job["parameters"],
            prepare_only=True,
            progress_bar=False,
        )


def _where(profile, cores):
    """Options of Snakemake: the profile that says where jobs run, and what those on this machine share.

    Returns:
        (options, settings of the Snakefile).
    """
    if profile != options.LOCAL:
        return ["--profile", str(profile)], {}
    given = ["--profile", str(profile), "--cores", str(options.number_of_cores(cores))]
    memory = machine.memory_mb()
    if memory is None:
        return given, {}
    # The option takes the place of the profile's list, and so repeats it.
    shared = {**options.read_profile(profile).get("resources", {}), "mem_mb": memory}
    return [*given, "--resources", *(f"{name}={value}" for name, value in shared.items())], {
        "memory_mb": memory
    }


def _snakemake(folder, where, jobs):
    """Run Snakemake with its own chatter in a log file, and show which lesson runs; returns its exit status."""
    options_of_place, settings = where
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    # A record appears whole under its final name, so one that is there is finished, even where Snakemake was killed
    # before it took note: `--ignore-incomplete` keeps it. Notes on jobs, whose files want modes, are used by nothing.
    command = [
        *(
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(ROOT / "workflow" / "Snakefile"),
            "--directory",
            str(folder),
        ),
        *options_of_place,
        *("--scheduler", "greedy", "--keep-going", "--ignore-incomplete", "--nolock", "--drop-metadata"),
        *("--rerun-triggers", "mtime"),
        *(["--config", *(f"{name}={value}" for name, value in settings.items())] if settings else []),
    ]
    with (folder / "logs" / "snakemake.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=surroundings.environment(folder / "surroundings"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            watch.follow(process, folder, jobs)
        except KeyboardInterrupt:
            process.wait()
            raise
    return process.returncode


def _absolute(store):
    """A folder's whole path, since jobs run elsewhere; other addresses as they are."""
    return store if "://" in store else str(Path(store).resolve())


def _shown(path):
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    main()

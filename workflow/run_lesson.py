"""Run one job: a lesson with its parameters through papermill, then take the record out of the notebook.

    python -m workflow.run_lesson runs/cpu/jobs/04_lenet-seed0.json

The record is written beside the notebook under its final name only when the lesson has ended well. Whatever goes
wrong leaves the notebook as far as it came, and `failed/<job>.json` with the lesson, the cell and the error.
"""

import argparse
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

from workflow import records
from workflow.files import path_for_papermill, write_json


class LessonFailed(Exception):
    """A lesson did not end well; `cell` counts from 1 and is None where no cell is to blame."""

    def __init__(self, message, cell=None):
        super().__init__(message)
        self.cell = cell


def main():
    parser = argparse.ArgumentParser(description="Run one job of a batch run.")
    parser.add_argument("job", type=Path)
    sys.exit(run_job(parser.parse_args().job, through_papermill))


def run_job(job_file, run):
    """Run a job and write its record, or what went wrong; returns the exit status.

    Args:
        job_file: `<run folder>/jobs/<name>.json`.
        run: function of (job, name, run folder) that runs the lesson and returns the records that it displayed.
    """
    job_file = job_file.resolve()
    job = json.loads(job_file.read_text(encoding="utf-8"))
    run_folder = job_file.parent.parent
    name = job_file.stem
    failure_file = run_folder / "failed" / f"{name}.json"
    failure_file.unlink(missing_ok=True)
    record_file = run_folder / f"{name}.json"
    record_file.unlink(missing_ok=True)  # of an earlier state; if this run fails, it must not stand for it
    write_json(run_folder / "started" / f"{name}.json", {"time": time.time()})
    started = time.perf_counter()
    try:
        record = complete_record(run(job, name, run_folder), job)
    except Exception as error:
        cell = getattr(error, "cell", None)
        message = (
            str(error)
            if isinstance(error, LessonFailed)
            else "".join(traceback.format_exception_only(error)).strip()
        )
        write_json(
            failure_file, {"lesson": job["lesson"], "seed": job["seed"], "cell": cell, "error": message}
        )
        print(f"{name} failed{f' in cell {cell}' if cell else ''}: {message}", file=sys.stderr)
        return 1
    record["provenance"]["wall_seconds"] = time.perf_counter() - started
    record["provenance"]["peak_memory_mb"] = round(_peak_memory_bytes() / 2**20)
    write_json(record_file, record)
    return 0


def _peak_memory_bytes():
    """Of this process or of its largest child: the lesson ran in one of them."""
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return unit * max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def through_papermill(job, name, run_folder):
    """Execute the notebook in a kernel of its own and keep it, also as a page; returns the records it displayed."""
    from workflow.pages import write_page

    output = run_folder / "notebooks" / f"{name}.ipynb"
    try:
        notebook = execute(job, output)
    finally:
        if output.exists():
            write_page(output)
            _store(output, job)
    return records.displayed_records(notebook.cells)


def _store(notebook, job):
    """Write the notebook, also of a failed lesson, to the run's store; what hinders that is told and stops nothing."""
    from workflow.store import store_notebook

    if job.get("store"):
        try:
            store_notebook(notebook, job["store"])
        except Exception as error:  # papermill's stores raise errors of their own packages
            print(f"{notebook.stem}: not written to {job['store']}: {error}", file=sys.stderr)


class KernelLost(LessonFailed):
    """The kernel did not start, or died: worth a second try, since kernels race for ports and machines run short."""


def execute(job, output):
    """Run the notebook of `job` and write it to `output`, a second time where its kernel was lost.

    Returns:
        the executed notebook.

    Raises:
        LessonFailed: a cell raised, took too long, or lost its kernel twice.
    """
    try:
        return _execute_once(job, output)
    except KernelLost as error:
        print(f"{output.stem}: {error}; trying once more", file=sys.stderr)
        return _execute_once(job, output)


def _execute_once(job, output):
    import nbclient.exceptions
    import papermill
    import zmq

    from workflow.notebook_tools.kernel import ThisInterpreter

    output.parent.mkdir(parents=True, exist_ok=True)
    os.environ["KERAS_BACKEND"] = job["backend"]
    try:
        return papermill.execute_notebook(
            path_for_papermill(job["notebook"]),
            path_for_papermill(output),
            parameters=job["parameters"],
            cwd=str(Path(job["notebook"]).parent),
            kernel_name="python3",
            kernel_manager_class=ThisInterpreter,
            progress_bar=False,
            log_output=False,
            execution_timeout=int(job["minutes"] * 60),
            start_timeout=120,
        )
    except papermill.PapermillExecutionError as error:
        raise LessonFailed(f"{error.ename}: {error.evalue}", _code_position(output)) from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise LessonFailed(
            f"a cell ran longer than the {job['minutes']:g} minutes declared", _code_position(output)
        ) from error
    except nbclient.exceptions.DeadKernelError as error:
        raise KernelLost("the kernel died, most often for want of memory", _code_position(output)) from error
    except (zmq.ZMQError, RuntimeError) as error:
        raise KernelLost(f"the kernel did not start: {error}", _code_position(output)) from error


INSERTED_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}


def _code_position(notebook_file):
    """Position of the last cell that was executed, as the lesson counts its cells from 1, or None."""
    import nbformat

    if not notebook_file.exists():
        return None
    cells = nbformat.read(notebook_file, as_version=4).cells
    own = [cell for cell in cells if not INSERTED_BY_PAPERMILL & set(cell.metadata.get("tags", []))]
    states = [cell.metadata.get("papermill", {}).get("status", "pending") for cell in own]
    touched = [position for position, state in enumerate(states, start=1) if state != "pending"]
    return touched[-1] if touched else None


def complete_record(found, job):
    """The one record that the lesson displayed, with what only the runner knows.

    Raises:
        LessonFailed: no record, more than one, or one that does not follow the schema.
    """
    if len(found) != 1:
        raise LessonFailed(f"a lesson must end with one lesson.record(...), this one made {len(found)}")
    record = found[0]
    record["provenance"].update(job["provenance"], parameters=job["parameters"])
    fault = records.fault_of(record)
    if fault:
        raise LessonFailed(f"its record does not follow the schema: {fault}")
    return record


if __name__ == "__main__":
    main()

"""Execute lessons from their scripts with default parameters, and commit-ready write the notebooks."""

import tempfile
import time
from pathlib import Path

from workflow import surroundings
from workflow.files import path_for_papermill, write_text
from workflow.lessons import UsageError
from workflow.notebook_tools import pairs
from workflow.notebook_tools.kernel import ThisInterpreter
from workflow.notebook_tools.normalise import KERNEL, normalise, notebook_text

CELL_TIMEOUT = 300  # seconds; a lesson at the quick budget takes at most 60


class CellFailed(Exception):
    """A cell raised, ran too long, or lost its kernel; the message names lesson, cell and error."""


def refresh_lessons(lessons, cell_timeout=CELL_TIMEOUT):
    """Refresh each lesson and print a line for it; returns the number that failed."""
    failed = 0
    for position, lesson in enumerate(lessons, start=1):
        label = f"[{position}/{len(lessons)}] {lesson.name}"
        print(f"{label}: running", flush=True)
        started = time.perf_counter()
        try:
            notes = refresh(lesson, cell_timeout)
        except (CellFailed, UsageError) as error:
            failed += 1
            print(f"{label}: FAILED, the committed notebook is untouched. {error}", flush=True)
            continue
        print(f"{label}: {', '.join([f'{time.perf_counter() - started:.1f} s', *notes])}", flush=True)
    return failed


def refresh(lesson, cell_timeout=CELL_TIMEOUT):
    """Execute a lesson's script and write its notebook whole or not at all.

    Returns:
        Remarks for the progress line: peak memory, and what was brought into line.

    Raises:
        CellFailed: a cell did not end well; the notebook and the script stay as they were.
        UsageError: the script is missing.
    """
    script = pairs.read_script(lesson)
    stored = pairs.read_notebook(lesson) if lesson.notebook.exists() else None
    changed = len(pairs.differing_cells(stored, script)) if stored else 0
    pairs.keep_identifiers(script, stored, lesson.name)
    executed = normalise(_execute(script, lesson, cell_timeout))
    write_text(lesson.notebook, notebook_text(executed))
    notes = []
    if ThisInterpreter.peak_bytes:
        notes.append(f"peak memory of the kernel {ThisInterpreter.peak_bytes / 2**20:,.0f} MiB")
    if changed:
        notes.append(f"{changed} differences taken over from the script")
    path = pairs.script_path(lesson)
    text = path.read_text(encoding="utf-8")
    if (layout := pairs.script_layout(text)) != text:
        write_text(path, layout)
        notes.append("the script's layout brought into jupytext's form")
    return notes


def _execute(notebook, lesson, cell_timeout):
    """The executed notebook; one more try where the kernel failed before any cell ran (a port was taken)."""
    notebook.metadata = {"kernelspec": KERNEL}
    notebook.nbformat_minor = 5
    with surroundings.entered(), tempfile.TemporaryDirectory(prefix="refresh-") as folder:
        progress = Path(folder) / lesson.notebook.name
        for last_try in (False, True):
            try:
                return _run_papermill(notebook, progress, lesson, cell_timeout)
            except CellFailed:
                raise
            except Exception as error:  # nbclient, zmq and the operating system have many
                position = _last_started(progress)
                if position is None and not last_try:
                    continue
                raise CellFailed(_describe(lesson, position, notebook, error, cell_timeout)) from error


def _run_papermill(notebook, progress, lesson, cell_timeout):
    import papermill

    ThisInterpreter.peak_bytes = None
    try:
        return papermill.execute_notebook(
            notebook,
            path_for_papermill(progress),
            cwd=lesson.notebook.parent,
            kernel_name=KERNEL["name"],
            kernel_manager_class=ThisInterpreter,
            execution_timeout=cell_timeout,
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        where = cell_name(notebook, error.cell_index)
        raise CellFailed(f"{lesson.name}, {where}: {error.ename}: {error.evalue}") from error


def cell_name(notebook, index):
    """How messages name a cell: its position among all cells from 1, and the count that Jupyter shows."""
    if notebook.cells[index].cell_type != "code":
        return f"cell {index + 1}"
    count = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    return f"cell {index + 1} (In [{count}])"


def _last_started(progress):
    """Index of the cell that papermill started last; its `status` says "completed" even for a dead kernel."""
    import nbformat

    if not progress.exists():
        return None
    cells = nbformat.read(progress, as_version=4).cells
    started = [i for i, cell in enumerate(cells) if cell.metadata.get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _describe(lesson, index, notebook, error, cell_timeout):
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    where = (
        f"{lesson.name}, {cell_name(notebook, index)}" if index is not None else f"{lesson.name}, no cell ran"
    )
    if isinstance(error, CellTimeoutError):
        return f"{where}: ran longer than {cell_timeout} s; see whether it hangs, or raise --cell-timeout"
    if isinstance(error, DeadKernelError):
        return f"{where}: the kernel died, most often for want of memory"
    return f"{where}: {type(error).__name__}: {error}"

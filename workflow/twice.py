"""Run the cells of lessons twice, as learners do: `make twice LESSONS=04`.

    python -m workflow.twice --lessons 04-11 --workers 2

In one kernel: every cell twice in a row, then the whole lesson once more. No cell may raise, and the records at the end
of both passes must hold the claims, trainings and quantities of one run, as the committed notebook's record has them.
Results lie in `runs/twice`, one file a lesson, and are kept until lesson or library change.
"""

import argparse
import collections
import concurrent.futures
import re
import sys
import time
from pathlib import Path

import nbformat

from workflow import surroundings
from workflow.costs import committed_record
from workflow.kept import Kept
from workflow.lessons import NOTEBOOKS, ROOT, UsageError, find_lessons, select_lessons
from workflow.notebook_tools.pairs import RAISES
from workflow.notebook_tools.selection import lessons_changed_themselves, weigh
from workflow.records import displayed_records

CELL_TIMEOUT = 1200  # seconds
RESULT = "twice"
# Lists of a record, and what names their entries.
LISTS = {"claims": "id", "runs": "label", "quantities": "name"}
COLOR = re.compile(r"\x1b\[[\d;]*m")


def main():
    parser = argparse.ArgumentParser(description="Run every cell of lessons twice in one kernel.")
    parser.add_argument("--lessons", default="all", help="for instance 04, 04-11, 04,06 or lenet")
    parser.add_argument("--workers", type=int, default=2, help="lessons at a time")
    parser.add_argument("--changed", help="only lessons whose own files changed since this commit, or auto")
    parser.add_argument("--most", type=int, default=3, help="so many of them, the quickest; default 3")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "twice", help="folder of the results")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    try:
        sys.exit(check(parser.parse_args()))
    except UsageError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where this one stopped")


def check(arguments):
    """Run the lessons that have no good result yet and print what went wrong; 1 where something did."""
    lessons = select_lessons(arguments.lessons, find_lessons(arguments.notebooks.resolve()))
    if arguments.workers < 1:
        raise UsageError(f"WORKERS={arguments.workers} must be at least 1")
    if arguments.changed:
        lessons = _quickest(lessons_changed_themselves(lessons, arguments.changed), arguments.most)
    folder = arguments.run.resolve()
    kept = {lesson.name: Kept(folder, lesson) for lesson in lessons}
    waiting = [lesson for lesson in lessons if kept[lesson.name].results.get(RESULT) != []]
    if not waiting:
        print(
            f"nothing to run: {len(lessons)} lessons were run twice already" if lessons else "nothing to run"
        )
        return 0
    failed = 0
    with (
        surroundings.entered(folder / "surroundings"),
        concurrent.futures.ProcessPoolExecutor(min(arguments.workers, len(waiting))) as pool,
    ):
        running = {pool.submit(run_lesson, lesson.notebook): lesson for lesson in waiting}
        for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
            lesson, (faults, seconds) = running[future], future.result()
            kept[lesson.name].keep(RESULT, faults)
            failed += bool(faults)
            verdict = f"FAILED in {len(faults)} places" if faults else "well"
            print(f"[{number}/{len(waiting)}] {lesson.name}: {verdict}, {seconds:.0f} s", flush=True)
            for fault in faults:
                print(f"    {fault}", flush=True)
    return 1 if failed else 0


def _quickest(lessons, most):
    """So many of the lessons that take least; those left out are named."""
    weights = weigh(lessons)
    chosen = sorted(lessons, key=lambda lesson: weights[lesson.name])[:most]
    left = [lesson.name for lesson in lessons if lesson not in chosen]
    if left:
        print(f"left out, since at most {most} are run: {', '.join(left)}")
    return [lesson for lesson in lessons if lesson in chosen]


def run_lesson(notebook_file):
    """(faults, seconds) of a lesson whose cells are run twice in a row, and then once more from the top."""
    started = time.perf_counter()
    notebook = nbformat.read(notebook_file, as_version=4)
    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    numbered = [(f"In [{number}]", *pair) for number, pair in enumerate(cells, start=1)]
    passes = {
        "each cell twice": [
            (f"{name}, {which} time", *rest) for name, *rest in numbered for which in ("first", "second")
        ],
        "the lesson once more": [(f"{name}, when the lesson runs again", *rest) for name, *rest in numbered],
    }
    stored = committed_record(notebook_file)
    try:
        faults = _run_passes(notebook, notebook_file, passes, stored)
    except Exception as error:  # nbclient, zmq and the operating system have many for a lost kernel
        faults = [f"the kernel was lost: {type(error).__name__}: {error}"]
    return faults, time.perf_counter() - started


def _run_passes(notebook, notebook_file, passes, stored):
    from nbclient import NotebookClient

    from workflow.notebook_tools.kernel import ThisInterpreter

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        startup_timeout=120,
        allow_errors=True,
        kernel_manager_class=ThisInterpreter,
        resources={"metadata": {"path": str(notebook_file.parent)}},
    )
    faults = []
    client.reset_execution_trackers()
    with client.setup_kernel():
        for name, steps in passes.items():
            records = []
            for where, index, cell in steps:
                cell.outputs = []
                client.execute_cell(cell, index)
                if RAISES not in cell.metadata.get("tags", []):
                    faults += [f"{where}: {error}" for error in _errors(cell)]
                records += displayed_records([cell])
            faults += [f"the record after {name}: {fault}" for fault in record_faults(records, stored)]
    return faults


def _errors(cell):
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"{output.ename}: {COLOR.sub('', output.evalue).strip().partition(chr(10))[0]}"


def record_faults(records, stored):
    """What sets the last of the records apart from that of one run.

    Args:
        records: those that a pass displayed.
        stored: the record of the committed notebook, or None.
    """
    if not records:
        return ["there is none"] if stored else []
    faults = []
    for key, naming in LISTS.items():
        names = collections.Counter(entry[naming] for entry in records[-1].get(key, []))
        faults += [f"{key} has {name!r} {count} times" for name, count in names.items() if count > 1]
        if stored is not None:
            expected = {entry[naming] for entry in stored.get(key, [])}
            faults += [f"{key} lacks {name!r}" for name in sorted(expected - set(names))]
            faults += [
                f"{key} has {name!r} beyond those of one run" for name in sorted(set(names) - expected)
            ]
    return faults


if __name__ == "__main__":
    main()

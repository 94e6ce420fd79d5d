"""Run lessons under several arithmetics and print the spread of everything they measure: `make robust LESSONS=15`.

    python -m workflow.robust --lessons 03,15 --workers 2

Processors round differently: in another order of the sums with other threads, vector lengths or kernels. A lesson runs
at its defaults under each arithmetic of `ARITHMETICS`, its outputs compared by nbval, and what it measures by
`lesson.expect_between` is collected, inside its interval or not. The table has a line for each quantity; its room is
the distance of the spread to the nearer end of the interval, as a share of the interval. Results lie in `runs/robust`,
one file a lesson, and are kept until lesson or library change.
"""

import argparse
import concurrent.futures
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd

from workflow.files import write_json
from workflow.jobs import READS_RECORDS
from workflow.kept import Kept
from workflow.lessons import (
    NOTEBOOKS,
    ROOT,
    Lesson,
    UsageError,
    find_lessons,
    read_parameters,
    select_lessons,
)
from workflow.notebook_tools.check import pytest_command
from workflow.notebook_tools.selection import SANITIZE_FILE, costliest_first, weigh
from workflow.parameters import with_defaults
from workflow.surroundings import environment

CELL_TIMEOUT = 1200  # seconds; the slowest arithmetic takes several times as long as the usual one


@dataclass(frozen=True)
class Arithmetic:
    """A way to round: threads of the lesson, and variables that choose TensorFlow's kernels.

    `needs`: one of the processor's flags without which the limit changes nothing.
    """

    name: str
    threads: int
    variables: dict
    needs: str | None = None
    otherwise: str | None = None  # the arithmetic that it equals on a processor without the flag


ARITHMETICS = (
    Arithmetic("2 threads", 2, {}),
    Arithmetic("1 thread", 1, {}),
    Arithmetic("AVX2", 2, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "avx512f", "2 threads"),
    Arithmetic("AVX2, 1 thread", 1, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "avx512f", "1 thread"),
    Arithmetic("SSE41", 2, {"ONEDNN_MAX_CPU_ISA": "SSE41"}, "avx", "2 threads"),
    Arithmetic("oneDNN off", 2, {"TF_ENABLE_ONEDNN_OPTS": "0"}),
)
CPUINFO = "/proc/cpuinfo"
CHOOSE_KERNELS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS")


def main():
    parser = argparse.ArgumentParser(description="Run lessons under several arithmetics and compare.")
    parser.add_argument("--lessons", default="all", help="for instance 04, 04-11, 04,06 or lenet")
    parser.add_argument("--workers", type=int, default=2, help="lessons at a time")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "robust", help="folder of the results")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        sys.exit(check(arguments))
    except UsageError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where this one stopped")


def check(arguments):
    """Run what has no result yet, then print the tables; 1 where a lesson failed or a value lies outside."""
    lessons = select_lessons(arguments.lessons, find_lessons(arguments.notebooks.resolve()))
    if arguments.workers < 1:
        raise UsageError(f"WORKERS={arguments.workers} must be at least 1")
    folder = arguments.run.resolve()
    distinct, equal = distinct_arithmetics(processor_flags())
    for name, same in equal.items():
        print(f"{name}: the same arithmetic as {same} on this processor, which is not run twice")
    processor = _processor_fact("model name") or platform.processor()
    kept = {lesson.name: Kept(folder, lesson, processor=processor) for lesson in lessons}
    _run_missing(lessons, distinct, kept, folder, arguments.workers)
    order = [arithmetic.name for arithmetic in distinct]
    results = {name: {key: one.results[key] for key in order} for name, one in kept.items()}
    rows = quantity_rows(results)
    write_json(folder / "robust.json", {"equal": equal, "quantities": rows, "runs": results})
    print(text_of(rows, results))
    print(f"as JSON: {os.path.relpath(folder / 'robust.json')}")
    bad = [row for row in rows if not row["inside"]]
    failed = [(name, key) for name, found in results.items() for key in found if found[key]["failures"]]
    return 1 if bad or failed else 0


def processor_flags(path=CPUINFO):
    """What the processor can do, by Linux's names; None where the system does not tell.

    Empty where the processor is of another family, in which the limits of `ARITHMETICS` limit nothing.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return frozenset()
    flags = _processor_fact("flags", path)
    return frozenset(flags.split()) if flags else None


def _processor_fact(name, path=CPUINFO):
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def distinct_arithmetics(flags):
    """The arithmetics that differ on a processor with these flags, and `{name: the one it equals}` of the others."""
    equal = {
        one.name: one.otherwise
        for one in ARITHMETICS
        if one.needs and flags is not None and one.needs not in flags
    }
    return [one for one in ARITHMETICS if one.name not in equal], equal


def _run_missing(lessons, arithmetics, kept, folder, workers):
    """Run each lesson under each arithmetic that has no good result yet, lesson by lesson."""
    waiting = [
        (lesson, arithmetic)
        for lesson in costliest_first(lessons, weigh(lessons))
        for arithmetic in arithmetics
        if kept[lesson.name].results.get(arithmetic.name, {"failures": True})["failures"]
    ]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(run_one, *pair, folder): pair for pair in waiting}
        try:
            for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
                lesson, arithmetic = running[future]
                result = future.result()
                kept[lesson.name].keep(arithmetic.name, result)
                verdict = f"FAILED in {', '.join(result['failures'])}" if result["failures"] else "as stored"
                print(
                    f"[{number}/{len(waiting)}] {lesson.name}, {arithmetic.name}: {verdict}, "
                    f"{result['seconds']:.0f} s",
                    flush=True,
                )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_one(lesson, arithmetic, folder):
    """A lesson under an arithmetic: `{"seconds", "failures": {cell: error}, "quantities": [...]}`."""
    place = folder / "work" / f"{lesson.name}-{arithmetic.name.replace(', ', '-').replace(' ', '-')}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    lesson = _with_threads(lesson, arithmetic.threads, place / "notebooks")
    variables = environment(folder / "surroundings")
    for name in CHOOSE_KERNELS:
        variables.pop(name, None)
    variables |= {
        **arithmetic.variables,
        "KERAS_BACKEND": "tensorflow",
        "CNNLIB_QUANTITIES": str(place),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    junit, log = place / "junit.xml", place / "nbval.log"
    started = time.perf_counter()
    with log.open("w", encoding="utf-8") as file:
        command = pytest_command([lesson], 0, junit, CELL_TIMEOUT)
        status = subprocess.run(
            command, cwd=ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    failures = failures_of(junit)
    if status and not failures:
        failures = {"no cell": f"nbval ended with status {status}; see {log}"}
    return {
        "seconds": time.perf_counter() - started,
        "failures": failures,
        "quantities": _quantities(place / "quantities.jsonl"),
    }


def _with_threads(lesson, threads, folder):
    """The lesson itself where its threads are these, else a copy with them, to be run in another folder."""
    parameters = read_parameters(lesson)
    if "threads" not in parameters or parameters["threads"].default == threads:
        return lesson
    folder.mkdir()
    values = {"threads": threads}
    if READS_RECORDS in parameters:
        there = lesson.notebook.parent / parameters[READS_RECORDS].default
        values[READS_RECORDS] = Path(os.path.relpath(there, folder)).as_posix()
    notebook = nbformat.read(lesson.notebook, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = with_defaults(cell.source, values)
    copy = Lesson(lesson.name, folder / lesson.notebook.name)
    nbformat.write(notebook, copy.notebook)
    if (sanitize := lesson.notebook.parent / SANITIZE_FILE).exists():
        shutil.copyfile(sanitize, folder / SANITIZE_FILE)
    return copy


def failures_of(junit):
    """`{"In [4]": first line of what is wrong}` of nbval's results; nbval counts cells from 0."""
    if not junit.exists():
        return {}
    failures = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        for fault in (*case.findall("failure"), *case.findall("error")):
            number = int(case.get("name").rsplit(" ", 1)[-1]) + 1
            lines = [line.strip() for line in (fault.text or fault.get("message") or "").splitlines()]
            failures[f"In [{number}]"] = _telling(lines)
    return failures


def _telling(lines):
    """The error's own line of a report, else its first."""
    told = [line for line in lines if line]
    errors = [line for line in told if line.partition(":")[0].endswith(("Error", "Exception", "Interrupt"))]
    return (errors or told or ["?"])[-1 if errors else 0][:200]


def _quantities(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def quantity_rows(results):
    """One row a quantity of a lesson: its spread over the arithmetics, its interval and its room.

    Args:
        results: `{lesson: {arithmetic: result}}`.
    """
    rows = []
    for lesson, runs in results.items():
        found = {}
        for arithmetic, run in runs.items():
            for quantity in run["quantities"]:
                found.setdefault(quantity["name"], {})[arithmetic] = quantity
        rows += [_row(lesson, name, by_arithmetic, len(runs)) for name, by_arithmetic in found.items()]
    return rows


def _row(lesson, name, quantities, runs):
    values = {arithmetic: quantity["value"] for arithmetic, quantity in quantities.items()}
    least, most = min(values.values()), max(values.values())
    low, high = next(iter(quantities.values()))["low"], next(iter(quantities.values()))["high"]
    inside = all(
        (q["low"] is None or q["low"] <= q["value"]) and q["value"] <= q["high"] for q in quantities.values()
    )
    # A bound alone is as an interval from 0.
    distances = [high - most] if low is None else [least - low, high - most]
    width = high - (low or 0)
    return {
        "lesson": lesson,
        "quantity": name,
        "least": least,
        "greatest": most,
        "low": low,
        "high": high,
        "room": min(distances) / width if width else 0.0,
        "inside": inside,
        "measured": len(values),
        "runs": runs,
        "values": values,
    }


def text_of(rows, results):
    """The two tables: quantities with least room first, and what nbval found with seconds; then the failures."""
    parts = []
    if rows:
        shown = [
            {
                "lesson": row["lesson"],
                "quantity": row["quantity"] + ("" if row["measured"] == row["runs"] else " (not in all)"),
                "least": f"{row['least']:.4g}",
                "greatest": f"{row['greatest']:.4g}",
                "interval": f"at most {row['high']:g}"
                if row["low"] is None
                else f"[{row['low']:g}, {row['high']:g}]",
                "room": f"{row['room']:.0%}" if row["inside"] else "OUTSIDE",
            }
            for row in sorted(rows, key=lambda row: (row["lesson"], row["room"]))
        ]
        parts.append(pd.DataFrame(shown).to_string(index=False))
    table = [
        {
            "lesson": name,
            **{
                key: f"{'FAILED' if run['failures'] else 'passed'} {run['seconds']:.0f} s"
                for key, run in runs.items()
            },
        }
        for name, runs in results.items()
    ]
    parts.append(pd.DataFrame(table).to_string(index=False))
    failures = [
        f"FAILED: {name}, {key}, {cell}: {error}"
        for name, runs in results.items()
        for key, run in runs.items()
        for cell, error in run["failures"].items()
    ]
    return "\n\n".join(["", *parts, *(["\n".join(failures)] if failures else [])])


if __name__ == "__main__":
    main()

"""The wall time of `make course` beside the same lessons' trainings run one after another in one process.

Lessons run by the batch runner start a kernel each, import, trace and draw; two of them overlap on two cores. The
other side runs the same cells in a single process that has all cores, and counts only the seconds inside of
`training.train` and `training.evaluate`: what a program that does nothing but train would take.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import pandas as pd

from benchmarks.sides import run_side
from workflow.lessons import ROOT


def main(arguments=()):
    """Measure both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks one_process")
    parser.add_argument("--budget", default="cpu")
    parser.add_argument("--lessons", default="04,05,07,09")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    rows = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            course = _course_seconds(options, folder)
        alone = _one_process(options)
        rows.append(
            {
                "lessons": options.lessons,
                "course, s": round(course, 1),
                "trainings in one process, s": round(alone["training"], 1),
                "whole process, s": round(alone["wall"], 1),
                "course / trainings": round(course / alone["training"], 2),
                "course / process": round(course / alone["wall"], 2),
            }
        )
    print(pd.DataFrame(rows).to_string(index=False))


def _course_seconds(options, folder):
    command = [sys.executable, "-m", "workflow.course", "run", "--run", folder, "--budget", options.budget]
    started = time.perf_counter()
    subprocess.run([*command, "--lessons", options.lessons], cwd=ROOT, check=True, stdout=sys.stderr)
    return time.perf_counter() - started


def _one_process(options):
    command = ("-m", "benchmarks.one_process", options.budget, options.lessons)
    started = time.perf_counter()
    inside = run_side(*command, folder=ROOT / "notebooks")
    return {"wall": time.perf_counter() - started, "training": inside}


def _run_lessons(budget, lessons):
    from cnnlib import training
    from workflow.jobs import make_jobs
    from workflow.standalone import in_this_process

    inside = 0.0

    def timed(function):
        def wrapper(*arguments, **named):
            nonlocal inside
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                inside += time.perf_counter() - started

        return wrapper

    training.train, training.evaluate = timed(training.train), timed(training.evaluate)
    for name, job in make_jobs(budget, lessons).items():
        job["parameters"]["threads"] = os.cpu_count()
        in_this_process(job, name, None)
    print(json.dumps(inside))


if __name__ == "__main__":
    _run_lessons(sys.argv[1], sys.argv[2])

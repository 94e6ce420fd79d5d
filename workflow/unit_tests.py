"""Run the unit tests: all of them on TensorFlow, and what depends on the backend on each other one installed.

A process holds one backend, so each gets a process of its own.
"""

import importlib.util
import os
import subprocess
import sys
import time

from workflow.lessons import ROOT
from workflow.options import BACKENDS
from workflow.surroundings import environment

# Counts, options and messages are the same Python on every backend; what computes is tested on each.
ON_EVERY_BACKEND = (
    "tests/layers",
    "tests/inspect",
    "tests/training",
    "tests/backends",
    "tests/compress",
    "tests/augment",
    "tests/lesson/test_lesson.py",
    "tests/networks/test_learning.py",
    "tests/networks/test_classics.py",
    "tests/networks/test_parity_applications.py",
    "tests/networks/test_parity_torch.py",
)


def main():
    workers = os.environ.get("WORKERS", "2")
    failed = []
    for backend in BACKENDS:
        if importlib.util.find_spec(backend) is None:
            print(
                f"unit tests on {backend}: left out, it is not installed (make backends installs it)",
                flush=True,
            )
            continue
        print(f"unit tests on {backend}", flush=True)
        started = time.perf_counter()
        if run(backend, workers):
            failed.append(backend)
        print(f"unit tests on {backend}: {time.perf_counter() - started:.0f} s", flush=True)
    if failed:
        sys.exit(f"unit tests failed on {', '.join(failed)}")


def run(backend, workers):
    """The exit status of pytest on one backend."""
    paths = ["tests", "--ignore=tests/faults"] if backend == "tensorflow" else ON_EVERY_BACKEND
    report = ROOT / "runs" / "checks" / f"unit-{backend}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        workers,
        "--dist",
        "worksteal",
        f"--junit-xml={report}",
        *paths,
    ]
    # One thread each: the workers share the cores, and tensors of tests are too small to gain from more.
    variables = {
        **environment(),
        "KERAS_BACKEND": backend,
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        # The tests compile more than they compute.
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip(),
    }
    return subprocess.run(command, cwd=ROOT, env=variables).returncode


if __name__ == "__main__":
    main()

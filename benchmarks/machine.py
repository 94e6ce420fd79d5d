"""The machine that a benchmark ran on, in one line, without starting a backend; and how its figures are written."""

import importlib.metadata
import os
import platform
import statistics
from pathlib import Path


def spread(values):
    """The median of several rounds, and their range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def describe_machine():
    """Processor, cores, memory, and the versions of the backends that are installed."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor
        )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30 if hasattr(os, "sysconf") else 0
    versions = []
    for package in ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    python = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {python}, {', '.join(versions)}"

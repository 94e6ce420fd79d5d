"""Where a result comes from: versions, machine, accelerator."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import keras

from cnnlib import backends

PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "numpy",
    "papermill",
    "scikit-learn",
    "pandas",
    "matplotlib",
)
# What sets processors of one name apart in the speed of convolutions.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


@functools.cache
def describe_environment():
    """Versions, processor and accelerator of this process, as plain data for a record."""
    accelerator = backends.current().accelerator()
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "backend": keras.config.backend(),
        "packages": _versions(),
        "cpu": _cpu_model(),
        "cpu_instructions": _cpu_instructions(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "accelerator": accelerator,
        "accelerator_driver": _driver() if accelerator else None,
    }


def stamp(environment, threads, precision):
    """The environment in one line."""
    backend = environment["backend"]
    versions = environment["packages"]
    version = versions.get(backend) or versions.get(f"{backend}-cpu", "?")
    device = environment["accelerator"] or environment["cpu"]
    return (
        f"Keras {versions['keras']} on {backend} {version}, Python {environment['python']}, {device}, "
        f"{threads} CPU thread{'s' if threads != 1 else ''}, {precision}"
    )


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu_model():
    return _cpu_fact("model name") or platform.processor() or platform.machine()


def _cpu_instructions():
    """Those of `INSTRUCTIONS` that the processor has; empty where the system does not tell."""
    flags = backends.cpu_flags()
    return [name for name in INSTRUCTIONS if name in flags]


def _cpu_fact(name):
    """What Linux tells of the first processor under `name`; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _driver():
    """Version of the NVIDIA driver, or None where its tool is not there or names none."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.split()), None)


def _memory_gb():
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)

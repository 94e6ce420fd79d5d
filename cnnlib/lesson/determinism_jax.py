"""JAX: both settings are read from the environment when the first operation starts the device client."""

import os

GPU_FLAG = "--xla_gpu_deterministic_ops=true"


def prepare(threads):
    """Set threads and deterministic GPU kernels; returns the switches set."""
    switches = {"xla_gpu_deterministic_ops": True}
    if threads is not None:
        os.environ["NPROC"] = str(threads)
        switches["threads"] = threads
    flags = os.environ.get("XLA_FLAGS", "")
    if GPU_FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {GPU_FLAG}".strip()
    return switches

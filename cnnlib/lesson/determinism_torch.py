"""PyTorch: threads by a call, deterministic kernels by a switch and a cuBLAS setting."""

import os

import torch


def prepare(threads):
    """Set threads and deterministic kernels; returns the switches set."""
    switches = {"use_deterministic_algorithms": True}
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    if threads is not None:
        torch.set_num_threads(threads)
        switches["threads"] = threads
    return switches

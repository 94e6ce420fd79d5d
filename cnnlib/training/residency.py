"""Whether an array may live on the device for the whole training."""

import os

import keras

ASSUMED_BYTES = 2 * 2**30  # free memory of a host that does not tell
SHARE_OF_MEMORY = 0.5  # the rest is for weights, activations and everybody else


def fits_on_device(size_in_bytes):
    """Whether `size_in_bytes` is at most half of the memory that the device has free."""
    return size_in_bytes <= SHARE_OF_MEMORY * _free_bytes()


def _free_bytes():
    readers = {"tensorflow": _tensorflow_bytes, "jax": _jax_bytes, "torch": _torch_bytes}
    on_accelerator = readers[keras.config.backend()]()
    return _host_bytes() if on_accelerator is None else on_accelerator


def _host_bytes():
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        import psutil  # comes with ipykernel; for operating systems without that sysconf
    except ImportError:
        return ASSUMED_BYTES
    return psutil.virtual_memory().available


def _tensorflow_bytes():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    if not devices:
        return None
    # TensorFlow tells what it uses but not the size of the device; the driver's tool is asked for that.
    import subprocess

    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "--id=0"]
    try:
        total = (
            int(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]) * 2**20
        )
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None
    return total - tf.config.experimental.get_memory_info("GPU:0")["current"]


def _jax_bytes():
    import jax

    statistics = jax.devices()[0].memory_stats()
    if not statistics or "bytes_limit" not in statistics:
        return None
    return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)


def _torch_bytes():
    import torch

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None

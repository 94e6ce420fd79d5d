"""Memory of the device: whether the data fit, and a want of it told in one sentence whatever the backend."""

import contextlib
import os

from cnnlib import backends

ASSUMED_BYTES = 2 * 2**30  # free memory of a host that does not tell
SHARE_OF_MEMORY = 0.5  # the rest is for weights, activations and everybody else
_KINDS = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
_WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "OOM when allocating", "can't allocate memory")


class DeviceMemoryError(MemoryError):
    """The device has not enough memory for a step of training."""


@contextlib.contextmanager
def memory_explained(recipe, images):
    """Turn a backend's error for want of memory into `DeviceMemoryError`, which names what to lower."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        shape = "x".join(map(str, images.image_shape))
        raise DeviceMemoryError(
            f"the device ran out of memory in a step of batch_size={recipe.batch_size} on images of {shape}; "
            f"lower batch_size (try {max(1, recipe.batch_size // 2)}), or the network's width, or take smaller images"
        ) from None


def is_out_of_memory(error):
    """Whether an error of TensorFlow, JAX, PyTorch or NumPy says that memory ran out."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & set(_KINDS)) or any(word.lower() in str(error).lower() for word in _WORDS)


def fits_on_device(size_in_bytes):
    """Whether `size_in_bytes` is at most half of the memory that the device has free."""
    on_accelerator = backends.current().free_bytes()
    return size_in_bytes <= SHARE_OF_MEMORY * (_host_bytes() if on_accelerator is None else on_accelerator)


def _host_bytes():
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        import psutil  # comes with ipykernel; for operating systems without that sysconf
    except ImportError:
        return ASSUMED_BYTES
    return psutil.virtual_memory().available

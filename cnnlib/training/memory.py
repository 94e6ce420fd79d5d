"""Out of memory, told in one sentence whatever the backend: each raises an error and writes a trace of its own."""

import contextlib

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

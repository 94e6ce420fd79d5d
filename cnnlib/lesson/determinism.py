"""Seeds, threads and determinism switches of the running backend."""

import keras

from cnnlib import backends
from cnnlib.lesson.startup import silent_stderr, warn_of_an_idle_gpu


def reproducible(seed, *, threads=None):
    """Make what follows repeatable on this machine: seeds, CPU threads, deterministic kernels.

    Call it before the first operation: afterwards the number of threads is fixed.

    Args:
        seed: at least 0; seeds Python, NumPy and the backend.
        threads: CPU threads of the arithmetic, or None to leave them as they are.

    Returns:
        dict: the switches that were set, by name.

    Raises:
        ValueError: seed or threads out of range.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed!r} must be an integer from 0 to 2**32 - 1")
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads={threads!r} must be an integer of at least 1")
    with silent_stderr():
        switches = backends.current().make_deterministic(threads)
        keras.utils.set_random_seed(seed)
        keras.ops.zeros(())  # starts the backend here, where its start-up lines are kept back
    warn_of_an_idle_gpu(backends.current())
    return {"seed": seed, **switches}

"""Arithmetic precision: float32, or mixed bfloat16 where the device gains from it."""

from pathlib import Path

import keras

PRECISIONS = ("float32", "mixed_bfloat16", "auto")
CPU_FLAGS = ("avx512_bf16", "amx_bf16")  # instruction sets that multiply bfloat16 natively


def choose_precision(precision):
    """Set the precision of networks built from now on; returns the one chosen.

    Args:
        precision: "float32"; "mixed_bfloat16" (weights stay float32, activations are bfloat16); or "auto":
            mixed bfloat16 on an accelerator and on CPUs with instructions for it, else float32.

    Raises:
        ValueError: another name.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} must be one of {', '.join(PRECISIONS)}")
    if precision == "auto":
        precision = "mixed_bfloat16" if _gains_from_bfloat16() else "float32"
    keras.config.set_dtype_policy(precision)
    return precision


def _gains_from_bfloat16():
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # Only TensorFlow's CPU kernels (oneDNN) were measured to gain; the other backends' were slower or equal.
        return bool(tf.config.list_physical_devices("GPU")) or _cpu_has_bfloat16()
    if backend == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import torch

    return torch.cuda.is_available()


def _cpu_has_bfloat16():
    try:
        description = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return any(flag in description for flag in CPU_FLAGS)

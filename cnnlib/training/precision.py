"""Arithmetic precision: float32, or mixed bfloat16 where the device gains from it."""

import keras

from cnnlib import backends

PRECISIONS = ("float32", "mixed_bfloat16", "auto")


def choose_precision(precision: str) -> str:
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
        precision = "mixed_bfloat16" if backends.current().gains_from_bfloat16() else "float32"
    keras.config.set_dtype_policy(precision)
    return precision

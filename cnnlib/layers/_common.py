"""Small things that several layers need."""

from typing import Any

from keras import ops, saving

serializable = saving.register_keras_serializable(package="cnnlib")


def wide(x: Any) -> Any:
    """`x` in float32 if it came in 16 bits: sums of many squares lose too much there."""
    return ops.cast(x, "float32") if str(x.dtype).endswith("16") else x

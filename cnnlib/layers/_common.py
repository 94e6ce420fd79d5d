"""Small things that several layers need."""

from keras import ops, saving

serializable = saving.register_keras_serializable(package="cnnlib")


def wide(x):
    """`x` in float32 if it came in 16 bits: sums of many squares lose too much there."""
    return ops.cast(x, "float32") if str(x.dtype).endswith("16") else x


def check_positive(**arguments):
    """ValueError unless every argument is an integer of at least 1."""
    for name, value in arguments.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name}={value!r} must be an integer of at least 1")


def check_rate(**arguments):
    """ValueError unless every argument lies in [0, 1)."""
    for name, value in arguments.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value!r} must be at least 0 and below 1")

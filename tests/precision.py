"""Work in float64 for a while, where float32's rounding would hide what is tested."""

import contextlib

import keras


@contextlib.contextmanager
def precision(floatx):
    """Networks built and run inside are of this precision. Over fifty layers float32's rounding nears the bound."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    wide = contextlib.nullcontext()
    if keras.backend.backend() == "jax" and floatx == "float64":
        import jax

        wide = jax.enable_x64(True)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(floatx)
    try:
        with wide:
            yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])

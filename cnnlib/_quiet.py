"""Import Keras and its backend without their start-up chatter, and with TensorFlow's fast kernels.

TensorFlow's C++ start-up writes to file descriptor 2 directly, past `sys.stderr`. In a notebook such
lines become part of a cell's output, differ from machine to machine, and would fail the output check.

On processors without AVX-512, TensorFlow leaves oneDNN's kernels off unless it is asked for them, before it is
imported. They train LeNet about three times as fast there.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")


@contextlib.contextmanager
def silent_stderr():
    """Swallow what is written to file descriptor 2, by C++ code too."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def import_keras():
    """Import `keras` once, quietly, and hold the course to channels-last images and float32.

    A `floatx` that was set in code is left as it is; one of keras.json is told and replaced, since it would end every
    training.

    Raises:
        ImportError: the backend that keras.json or KERAS_BACKEND names cannot be used.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if importlib.util.find_spec("keras") is None:
        raise ModuleNotFoundError(
            "cnnlib needs Keras, which is not installed here: pip install keras", name="keras"
        )
    backend, source = _named_backend()
    try:
        with silent_stderr():
            keras = importlib.import_module("keras")
    except (ImportError, ValueError) as error:
        raise ImportError(_unusable(backend, source, str(error).partition("\n")[0])) from None
    if keras.config.backend() not in BACKENDS:
        raise ImportError(_unusable(keras.config.backend(), source, "cnnlib is not made for it"))
    keras.config.set_image_data_format("channels_last")
    floatx = _keras_settings().get("floatx", "float32")
    if floatx != "float32" and keras.config.floatx() == floatx:
        keras.config.set_floatx("float32")
        warnings.warn(
            f"{_settings_file()} sets floatx to {floatx}; cnnlib trains in float32, to which this process is set now",
            stacklevel=3,
        )
    return keras


def _named_backend():
    """The backend that Keras will take, and what names it."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "the environment variable KERAS_BACKEND names"
    if name := _keras_settings().get("backend"):
        return name, f"{_settings_file()} names"
    return "tensorflow", "Keras takes where nothing names another"


def _unusable(backend, source, reason):
    if reason.startswith("Invalid `"):  # Keras's words for what a keras.json may not say
        return f"{_settings_file()} cannot be used ({reason}); correct that line or remove the file"
    return (
        f"Keras cannot work with the backend {backend!r}, which {source} ({reason}); name one of {', '.join(BACKENDS)} "
        "that is installed, by KERAS_BACKEND=tensorflow for instance, and restart Python"
    )


def _settings_file():
    """Where Keras keeps a user's settings."""
    return Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()) / "keras.json"


def _keras_settings():
    try:
        settings = json.loads(_settings_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # no file, no JSON, no home
        return {}
    return settings if isinstance(settings, dict) else {}

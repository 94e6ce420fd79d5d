"""How a lesson starts Keras: without its start-up chatter, with TensorFlow's fast kernels, and with a plain word when
the backend cannot be used.

A lesson owns its process, so what is set here is set for the process; `import cnnlib` alone sets nothing. TensorFlow's
C++ start-up writes to file descriptor 2 directly, past `sys.stderr`. In a notebook such lines become part of a cell's
output and differ from machine to machine. They are kept, and shown when something is wrong.

On processors without AVX-512, TensorFlow leaves oneDNN's kernels off unless it is asked for them, before it is
imported. They train LeNet about three times as fast there.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
GPU_FILES = ("/dev/nvidia0", "/dev/dxg")  # there where the system has a GPU, in Windows' Linux too

_silenced: list[str] = []


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep back what is written to file descriptor 2, by C++ code too; `silenced` gives it."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            _silenced.append(file.read().decode(errors="replace"))


def silenced() -> str:
    """What was kept back so far."""
    return "".join(_silenced).strip()


def import_keras() -> None:
    """Import `keras` once, quietly.

    Raises:
        ImportError: the backend that keras.json or KERAS_BACKEND names cannot be used; what it wrote stands before.
    """
    if "tensorflow" not in sys.modules:
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
        print(silenced(), file=sys.stderr)
        raise ImportError(_unusable(backend, source, str(error).partition("\n")[0])) from None
    if keras.config.backend() not in BACKENDS:
        raise ImportError(_unusable(keras.config.backend(), source, "cnnlib is not made for it"))


def warn_of_an_idle_gpu(backend) -> None:
    """Warn, with what the backend wrote at its start, when a GPU is there that its build could use and does not.

    Args:
        backend: as `backends.current()` gives it.
    """
    hidden = (
        os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1")
        or os.environ.get("JAX_PLATFORMS") == "cpu"
    )
    there = any(Path(file).exists() for file in GPU_FILES)
    if there and not hidden and backend.uses_gpus() and backend.accelerator() is None:
        warnings.warn(
            "this machine has a GPU that the backend cannot use; what the backend said at its start: "
            f"{silenced() or 'nothing'}",
            stacklevel=4,
        )


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

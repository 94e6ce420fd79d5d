"""Import Keras and its backend without their start-up chatter, and with TensorFlow's fast kernels.

TensorFlow's C++ start-up writes to file descriptor 2 directly, past `sys.stderr`. In a notebook such
lines become part of a cell's output, differ from machine to machine, and would fail the output check.

On processors without AVX-512, TensorFlow leaves oneDNN's kernels off unless it is asked for them, before it is
imported. They train LeNet about three times as fast there.
"""

import contextlib
import importlib
import os
import sys


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
    """Import `keras` once, quietly, and hold the course to channels-last images.

    An error of the import itself (a missing backend, say) is raised as usual.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with silent_stderr():
        keras = importlib.import_module("keras")
    keras.config.set_image_data_format("channels_last")
    return keras

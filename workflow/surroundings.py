"""The environment of what this project starts: settings of a user's own do not reach the results.

A user's keras.json, IPython profile, matplotlibrc, Jupyter and Snakemake settings, locale, PYTHON* variables and home
are theirs. Runs and checks see none of them: their settings and caches lie in a folder of their own. JupyterLab keeps
what a learner set up, apart from what would change what a lesson computes.
"""

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

from workflow.lessons import ROOT

FOLDER = "CNNLIB_SURROUNDINGS"  # hands the folder on to processes of processes
DEFAULT_FOLDER = ROOT / "runs" / "surroundings"
# What a kernel needs for outputs that repeat.
SETTINGS = {
    "CNNLIB_PROGRESS": "plain",
    "CNNLIB_WIDGETS": "0",  # also where the run was started from a notebook that somebody has open
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # A debugger's warning about frozen modules would go to stderr.
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "1",
}
# TensorFlow's fast kernels, which a lesson asks for, too; `make robust` asks for others.
FAST = {"TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1")}
# Where packages keep settings and caches, below the folder. Snakemake follows XDG.
PLACES = {
    "KERAS_HOME": "keras",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter",
    "JUPYTER_DATA_DIR": "jupyter",
    "MPLCONFIGDIR": "matplotlib",
    "XDG_CONFIG_HOME": "config",
}
PRIVATE_PLACES = {"JUPYTER_RUNTIME_DIR": "kernels", "XDG_CACHE_HOME": "cache"}
# They change what is computed, wherever it runs.
CHANGE_RESULTS = (
    "KERAS_MAX_EPOCHS",
    "KERAS_MAX_STEPS_PER_EPOCH",
    "JAX_ENABLE_X64",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "PYTHONHASHSEED",
    "PYTHONOPTIMIZE",  # takes assertions out of the code
)
UNWANTED = (
    *CHANGE_RESULTS,
    "MPLBACKEND",  # some machines set it for scripts; in a kernel it would keep figures out of the notebook
    "MATPLOTLIBRC",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_PATH",
    "SNAKEMAKE_PROFILE",
    "LANGUAGE",
)
HARMLESS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")  # where compiled code goes, if anywhere


def environment(folder=None):
    """Environment variables for a process that runs or checks lessons, with nothing of the user's settings.

    Args:
        folder: of settings and caches, made where there is none; default that which was handed on to this process,
            else `runs/surroundings`.
    """
    folder = Path(folder or os.environ.get(FOLDER) or DEFAULT_FOLDER).resolve()
    kept = _kept(lambda name: name in UNWANTED or _of_python(name) or name.startswith("LC_"))
    places = {name: str(folder / place) for name, place in PLACES.items()}
    for place in places.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        **SETTINGS,
        **FAST,
        **places,
        **_home(folder),
        **_private(),
        FOLDER: str(folder),
        "PYTHONPATH": str(ROOT),
    }


@contextlib.contextmanager
def entered(folder=None):
    """`environment` as that of this very process, for what starts kernels without a process between."""
    before, within = dict(os.environ), environment(folder)
    try:
        os.environ.clear()
        os.environ.update(within)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def interactive_environment(folder):
    """Environment variables for JupyterLab: the user's own, apart from what changes what lessons compute.

    Args:
        folder: of Keras's settings and caches, made where there is none.
    """
    kept = _kept(lambda name: name in CHANGE_RESULTS)
    keras_home = Path(folder).resolve() / PLACES["KERAS_HOME"]
    keras_home.mkdir(parents=True, exist_ok=True)
    return {**kept, "KERAS_HOME": str(keras_home)}


def _kept(is_left_out):
    return {name: value for name, value in os.environ.items() if not is_left_out(name)}


def _of_python(name):
    return name.startswith("PYTHON") and name not in HARMLESS


def _private():
    """Places of files whose mode Jupyter (ports and keys of kernels) and Snakemake (copies of its code) insist on.

    They lie in a private folder of the system's temporary one, since the share that holds a run may refuse modes. Made
    once by the first process of a command and removed with it; the others are handed its name.
    """
    if FOLDER in os.environ and all(name in os.environ for name in PRIVATE_PLACES):
        return {name: os.environ[name] for name in PRIVATE_PLACES}
    return {name: os.path.join(_private_folder(), place) for name, place in PRIVATE_PLACES.items()}


@functools.cache
def _private_folder():
    folder = tempfile.mkdtemp(prefix="course-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _home(folder):
    """A home for who has none that can be written, as in containers that run with another user."""
    home = os.path.expanduser("~")
    return {} if os.path.isdir(home) and os.access(home, os.W_OK) else {"HOME": str(folder)}

"""What a user has set up for other work reaches no run and no check; JupyterLab keeps what changes no result."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from tests.workflow.fixtures.copies import LessonCopy
from tests.workflow.tiny_course import write_course
from workflow import surroundings
from workflow.lessons import ROOT

LOOK = """
import locale, os, sys
import keras
import matplotlib
print("floatx", keras.config.floatx(), "epsilon", keras.config.epsilon())
print("line width", matplotlib.rcParams["lines.linewidth"])
print("startup ran", "left_by_startup" in globals())
print("formats", get_ipython().config.get("InlineBackend", {}))
print("asserts", __debug__, "epochs", os.environ.get("KERAS_MAX_EPOCHS"))
print(locale.getpreferredencoding(), os.environ["LC_ALL"])
"""
SEEN = """floatx float32 epsilon 1e-07
line width 1.5
startup ran False
formats {}
asserts True epochs None
utf-8 C.UTF-8"""


@pytest.fixture
def users_machine(tmp_path):
    """The environment of a user who has settings of their own for everything."""
    home = tmp_path / "home"
    for path, text in {
        ".keras/keras.json": json.dumps({"floatx": "float64", "epsilon": 1e-3, "backend": "theano"}),
        ".ipython/profile_default/startup/00-mine.py": "left_by_startup = 1\nprint('welcome')\n",
        ".ipython/profile_default/ipython_config.py": "c.InlineBackend.figure_formats = ['svg']\n",
        ".ipython/profile_default/ipython_kernel_config.py": "c.InlineBackend.figure_formats = ['svg']\n",
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 9\n",
        ".jupyter/jupyter_config.py": "raise SystemExit('read')\n",
        "other/numpy.py": "raise SystemExit('shadowed')\n",
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    own = {
        "HOME": str(home),
        "MATPLOTLIBRC": str(home / ".config/matplotlib"),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONOPTIMIZE": "1",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(home / "other"),
        "KERAS_MAX_EPOCHS": "1",
        "KERAS_BACKEND": "tensorflow",
        "MPLBACKEND": "Agg",
    }
    names = {*surroundings.PLACES, surroundings.FOLDER}
    return {name: value for name, value in os.environ.items() if name not in names} | own


def test_checks_see_nothing_of_the_users_settings(tmp_path, users_machine):
    copy = LessonCopy(tmp_path / "course")
    copy.add_code(LOOK, SEEN)
    copy.save()
    command = [sys.executable, "-m", "workflow.notebook_tools", "check", "--workers", "0", "--notebooks"]
    # The command itself is the user's to start; `numpy` of theirs would stop it before it could do anything.
    users_machine.pop("PYTHONPATH")
    done = subprocess.run(
        [*command, str(copy.lesson.notebook.parent)],
        cwd=ROOT,
        env=users_machine,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_kernels_of_runs_see_nothing_either_and_the_process_gets_its_own_back(
    monkeypatch, users_machine, tmp_path
):
    from workflow.notebook_tools.refresh import refresh

    for name in set(os.environ) - set(users_machine):
        monkeypatch.delenv(name)
    for name, value in users_machine.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    copy = LessonCopy(tmp_path / "course")
    copy.add_code(LOOK, "stale")
    copy.save()
    refresh(copy.lesson)
    (output,) = nbformat.read(copy.lesson.notebook, as_version=4).cells[-1].outputs
    assert output.text.strip() == SEEN
    assert dict(os.environ) == before


def test_a_home_that_cannot_be_written_stops_no_run(tmp_path):
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    variables = {name: v for name, v in os.environ.items() if not name.startswith("XDG_")} | {
        "HOME": str(home)
    }
    variables.pop(surroundings.FOLDER, None)
    command = [sys.executable, "-m", "workflow.course", "run", "--lessons", "01", "--notebooks", str(course)]
    done = subprocess.run(
        [*command, "--run", str(folder)], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "01_first-seed0.json").exists()
    assert (folder / "surroundings").is_dir()


def test_jupyterlab_keeps_the_users_settings_that_change_no_result(monkeypatch, users_machine, tmp_path):
    for name in surroundings.environment(tmp_path / "checks"):  # these tests run in surroundings of their own
        if name in (*surroundings.PLACES, *surroundings.PRIVATE_PLACES, *surroundings.CHANGE_RESULTS):
            monkeypatch.delenv(name, raising=False)
    for name, value in users_machine.items():
        monkeypatch.setenv(name, value)
    within = surroundings.interactive_environment(tmp_path / "lab")
    kept = {"HOME", "MATPLOTLIBRC", "LC_ALL", "PYTHONPATH", "MPLBACKEND"}
    assert {name: within[name] for name in kept} == {name: users_machine[name] for name in kept}
    assert within["KERAS_HOME"] == str(tmp_path / "lab" / "keras")
    assert not {"IPYTHONDIR", "MPLCONFIGDIR", "KERAS_MAX_EPOCHS", "PYTHONOPTIMIZE"} & set(within)

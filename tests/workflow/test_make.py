"""The Makefile where a checkout or an environment is odd."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT


def checkout(folder):
    """What the commands need, in a folder of another name, with this interpreter as its environment."""
    folder.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, folder / name)
    # Copies: a link would lead back to the folder of this checkout.
    for name in ("workflow", "cnnlib"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("data", "reference"):
        (folder / name).symlink_to(ROOT / name)
    write_course(folder / "notebooks")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def make(folder, *arguments, **variables):
    done = subprocess.run(
        ["make", "-o", ".venv/.ready", *arguments], cwd=folder, env={**os.environ, **variables},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_colon_in_the_path_is_told(tmp_path):
    status, text = make(checkout(tmp_path / "a:b"), "plan")
    assert status == 2
    assert "holds a colon, which parts the folders of PATH" in text


@pytest.mark.slow
def test_python_safe_path_and_braces_do_no_harm(tmp_path):
    folder = checkout(tmp_path / "a {b} {} c")
    status, text = make(folder, "course", "LESSONS=01", PYTHONSAFEPATH="1")
    assert status == 0, text
    assert (folder / "runs" / "cpu" / "01_first-seed0.json").exists()


def test_make_hands_quotes_of_either_kind_on(tmp_path):
    status, text = make(checkout(tmp_path / "course"), "plan", """PARAMS=name="a 'b' c" epochs=many""")
    assert status != 0
    assert "epochs='many' must be of type int" in text

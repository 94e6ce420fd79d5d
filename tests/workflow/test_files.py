"""Files as the umask wants them, without a mode being asked for, and hashes that line endings leave alone."""

import json
import os
import stat
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import write_course
from workflow import surroundings
from workflow.files import hash_files, write_json, write_text
from workflow.lessons import ROOT, UsageError, parse_seeds


def refuse(*arguments, **options):
    raise PermissionError(1, "Operation not permitted", arguments[0])


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
def test_the_umask_decides_who_may_read(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_json(tmp_path / "new" / "record.json", {"a": 1})
    finally:
        os.umask(before)
    path = tmp_path / "new" / "record.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["record.json"]


# In every process of a run: a share on which no mode can be set.
SHARE = """
import os
change = os.chmod
def refuse(path, *arguments, **options):
    if str(path).startswith({share!r}):
        raise PermissionError(1, "Operation not permitted", path)
    return change(path, *arguments, **options)
os.chmod = refuse
"""


def test_a_run_ends_well_on_a_share_that_refuses_modes_in_a_folder_with_braces(tmp_path, monkeypatch, capsys):
    from workflow import course as commands

    share = tmp_path / "a {share} of {mine}"
    course, folder = write_course(share / "course"), share / "run"
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(SHARE.format(share=str(share)))
    real = surroundings.environment
    monkeypatch.delenv(surroundings.FOLDER, raising=False)
    monkeypatch.setattr(
        commands.surroundings,
        "environment",
        lambda folder: real(folder) | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "hook"), str(ROOT)])},
    )
    monkeypatch.setattr(os, "chmod", refuse)
    command = ["course", "run", "--lessons", "01", "--notebooks", str(course), "--run", str(folder)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        commands.main()
    assert end.value.code == 0, (*capsys.readouterr(), (folder / "logs" / "snakemake.log").read_text())
    assert (folder / "01_first-seed0.json").exists()


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_text(tmp_path / "a.txt", "a")
    assert list(tmp_path.iterdir()) == []


def test_a_hash_does_not_depend_on_line_endings(tmp_path):
    (tmp_path / "a.py").write_bytes(b"a = 1\nb = 2\n")
    hashed = hash_files([tmp_path / "a.py"], tmp_path)
    (tmp_path / "a.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    assert hash_files([tmp_path / "a.py"], tmp_path) == hashed
    (tmp_path / "a.py").write_bytes(b"a = 1\nb = 3\n")
    assert hash_files([tmp_path / "a.py"], tmp_path) != hashed


def test_a_checkout_under_autocrlf_has_the_committed_line_endings(tmp_path):
    """A clone of the files that would break: a script of the shell, one of Python, and packed data."""

    def git(*arguments):
        command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "core.autocrlf=true"]
        return subprocess.run([*command, *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "-q")
    files = {".ci/run": b"#!/bin/sh\n", "a.py": b"a = 1\n", "data.gz": b"\x1f\x8b\n\r\n"}
    for name, content in {**files, ".gitattributes": (ROOT / ".gitattributes").read_bytes()}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    git("add", ".")
    git("commit", "-qm", "one")
    for name in files:
        (tmp_path / name).unlink()
    git("checkout", "-q", ".")
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_seeds_beyond_the_largest_are_refused_at_once():
    assert parse_seeds("4294967295") == [4294967295]
    with pytest.raises(UsageError, match="SEEDS='4294967296' must not go beyond 4294967295"):
        parse_seeds("4294967296")
    with pytest.raises(UsageError, match="must not go beyond"):
        parse_seeds("0-99999999999999")

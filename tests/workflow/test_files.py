"""Files as the umask wants them, without a mode being asked for, and hashes that line endings leave alone."""

import json
import os
import stat
import subprocess

import pytest

from tests.workflow.tiny_course import write_course
from workflow.files import hash_files, write_json, write_text
from workflow.jobs import make_jobs, write_jobs
from workflow.lessons import ROOT, UsageError, parse_seeds
from workflow.run_lesson import run_job, through_papermill


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


def test_a_lesson_runs_on_a_file_system_that_refuses_modes(tmp_path, monkeypatch):
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    (tmp_path / "lock").touch()
    write_jobs(make_jobs("cpu", "01", notebooks=course), folder, tmp_path / "lock")
    for name in ("chmod", "fchmod", "lchmod"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    assert run_job(folder / "jobs" / "01_first-seed0.json", through_papermill) == 0
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

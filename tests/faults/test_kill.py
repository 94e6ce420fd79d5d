"""A run that is killed at random moments ends, after enough starts, with the results of an undisturbed one.

Not part of `make test`, since it takes minutes: `make faults`.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT
from workflow.records import curves_of

KILLS = 10
SLOW = "import time; time.sleep(2)"


def start(course, folder):
    """The command behind `make course`, in a process group of its own so that all of it can be killed."""
    command = [sys.executable, "-m", "workflow.course", "run", "--seeds", "0-1"]
    command += ["--notebooks", str(course), "--run", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)  # fmt: skip


def results(folder):
    """What the records say, without the times that no two runs share."""
    found = {}
    for path in sorted(folder.glob("*-seed*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = (record["test_accuracy"], record["digest"], curves_of(record), record["claims"])
    return found


def kill_everything_of(process, folder):
    """SIGKILL to the run and to all jobs that it started; a kernel whose job is gone ends by itself."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if str(folder) in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_ends_as_an_undisturbed_one(tmp_path):
    course = write_course(tmp_path / "course", first=SLOW, second=SLOW)
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    started = time.monotonic()
    process = start(course, undisturbed)
    assert process.wait() == 0, process.stdout.read()
    whole = time.monotonic() - started
    chance = random.Random(0)
    finished = set()
    for number in range(KILLS):
        process = start(course, killed)
        time.sleep(chance.uniform(0.1, 0.6) * whole)
        kill_everything_of(process, killed)
        here = results(killed)  # whatever lies under its final name is whole
        assert finished <= set(here), f"kill {number + 1} lost a finished result"
        finished = set(here)
    stamps = {name: (killed / f"{name}.json").stat().st_mtime_ns for name in finished}
    process = start(course, killed)
    assert process.wait() == 0, process.stdout.read()
    assert results(killed) == results(undisturbed)
    assert stamps == {name: (killed / f"{name}.json").stat().st_mtime_ns for name in finished}, (
        "finished work was repeated"
    )
    assert not list(killed.glob("failed/*.json"))


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder of the run should be")
    process = start(write_course(tmp_path / "course"), blocked / "run")
    text = process.communicate()[0]
    assert process.returncode == 1
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert "choose another folder with RUN=<folder>" in text


def test_a_disk_that_is_full_is_told_in_one_sentence(tmp_path):
    course, disk = write_course(tmp_path / "course"), tmp_path / "disk"
    disk.mkdir()
    command = f"{sys.executable} -m workflow.course run --notebooks {course} --run {disk}/run"
    script = f"mount -t tmpfs -o size=40k none {disk} && head -c 36k /dev/zero > {disk}/full; {command}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=ROOT, capture_output=True, text=True)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device"), done.stdout + done.stderr
    assert done.stderr.count("\n") == 1

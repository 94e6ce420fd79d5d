"""Processors and memory: a container's bounds count, jobs are started within them, and `plan` warns."""

import pytest

from tests.workflow.test_course import run
from tests.workflow.tiny_course import write_course
from workflow import machine
from workflow.jobs import make_jobs
from workflow.plan import plan_table

SYSTEMS = {
    "version 2": ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": "3000000000",
                   "sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/b/cpu.max": "50000 100000"}, 3000, 1),
    "version 2, seen from inside": ({"proc/self/cgroup": "0::/docker/x", "sys/fs/cgroup/memory.max": "2000000000",
                                     "sys/fs/cgroup/cpu.max": "100000 100000"}, 2000, 1),
    "version 1": ({"proc/self/cgroup": "5:memory:/a\n3:cpu,cpuacct:/a",
                   "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1000000000",
                   "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "90000",
                   "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000"}, 1000, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_containers_bounds_hold(tmp_path, name):
    files, memory, processors = SYSTEMS[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")
    assert machine.memory_mb(tmp_path) == memory
    assert machine.processors(tmp_path) == processors


def test_without_a_bound_the_machines_own_count_holds(tmp_path):
    for path, text in {"proc/self/cgroup": "0::/\n5:memory:/", "sys/fs/cgroup/memory.max": "max",
                       "sys/fs/cgroup/cpu.max": "max 100000",
                       "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}.items():  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert machine.memory_mb(tmp_path) == machine.memory_mb(tmp_path / "no such")
    assert machine.processors(tmp_path) == machine.processors(tmp_path / "no such")


def test_the_plan_warns_where_jobs_declare_more_than_there_is(tmp_path):
    budget = "01_first: {job: {memory_mb: 20000}}\n02_second: {job: {memory_mb: 30000}}\n"
    course = write_course(tmp_path / "course", budget=budget)
    jobs = make_jobs("cpu", seeds="0-3", notebooks=course)
    lock = tmp_path / "lock"
    lock.touch()
    text = plan_table(jobs, "cpu", tmp_path / "run", lock, 8, 23_000)
    assert "declare 200.0 GB, and there are 23.0 GB here: fewer run at a time" in text
    assert "02_second-seed3 declare more than all the memory here" in text
    assert "01_first-seed0 declare" not in text
    assert "warning" not in plan_table(jobs, "cpu", tmp_path / "run", lock, 8, 400_000)


@pytest.mark.slow
def test_jobs_that_do_not_fit_side_by_side_run_one_after_another(tmp_path):
    code = (
        "import time, pathlib\nstart = time.time()\ntime.sleep(2)\n"
        f"pathlib.Path({str(tmp_path)!r}, str(start)).write_text(str(time.time()))"
    )
    budget = "01_first: {job: {memory_mb: 90000000}}\n02_second: {job: {memory_mb: 90000000}}\n"
    course = write_course(tmp_path / "course", first=code, second=code, budget=budget)
    status, text = run(course, tmp_path / "run", "--cores", "2")
    assert status == 0, text
    first, second = sorted((float(p.name), float(p.read_text())) for p in tmp_path.glob("1*.*"))
    assert first[1] < second[0]

"""Run committed notebooks with nbval: every checked output must come out again as stored."""

import subprocess
import sys
from pathlib import Path

from workflow.lessons import ROOT, UsageError
from workflow.notebook_tools.selection import (
    SANITIZE_FILE,
    changed_lessons,
    costliest_first,
    take_shard,
    weigh,
)
from workflow.surroundings import environment

PLUGIN = "workflow.notebook_tools.nbval_reports"
NO_TESTS_JUNIT = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="0" /></testsuites>\n'
)


def check_lessons(lessons, *, changed_since=None, shard=None, workers=2, junit=None, cell_timeout=300):
    """Check lessons and print a line for each; returns pytest's exit status, 0 where nothing is left to check.

    Args:
        changed_since: a commit; only lessons that changes since it can affect.
        shard: (K, N), part K of N.
        workers: notebooks at a time; 0 runs them in one process.
        junit: file for the results as JUnit XML.
        cell_timeout: seconds for a cell; a dead kernel is noticed after as long.

    Raises:
        UsageError: a notebook or a commit that does not exist, or fewer than 0 workers.
    """
    if workers < 0:
        raise UsageError(f"--workers {workers} must be at least 0")
    for lesson in lessons:
        if not lesson.notebook.exists():
            raise UsageError(
                f"{lesson.name}: the notebook is missing; make it with `refresh {lesson.number}`"
            )
    if changed_since:
        lessons = changed_lessons(lessons, changed_since)
    weights = weigh(lessons)
    lessons = take_shard(lessons, shard, weights) if shard else costliest_first(lessons, weights)
    if not lessons:
        print("nothing to check: no lesson is affected by the changes, or none falls to this shard")
        if junit:
            Path(junit).parent.mkdir(parents=True, exist_ok=True)
            Path(junit).write_text(NO_TESTS_JUNIT, encoding="utf-8")
        return 0
    print(f"checking {len(lessons)}: {', '.join(sorted(lesson.name for lesson in lessons))}", flush=True)
    command = pytest_command(lessons, min(workers, len(lessons)), junit, cell_timeout)
    # Other plugins that happen to be installed could reorder, repeat or slow down the cells.
    variables = {**environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def pytest_command(lessons, workers, junit, cell_timeout):
    folder = lessons[0].notebook.parent
    sanitize = folder / SANITIZE_FILE
    command = [sys.executable, "-m", "pytest"]
    for plugin in ("nbval.plugin", "xdist.plugin", PLUGIN, "no:cacheprovider"):
        command += ["-p", plugin]
    command += ["-q", "--no-header", "--color=no", "-o", "console_output_style=classic", "-o", "addopts="]
    command += ["--rootdir", str(_root_of(folder)), "--nbval", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={cell_timeout}", "--nbval-kernel-startup-timeout=120"]
    if sanitize.exists():
        command += ["--nbval-sanitize-with", str(sanitize)]
    if workers:
        # One notebook stays on one worker; the order given, costliest first, is kept.
        command += ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"]
    if junit:
        command += ["--junitxml", str(Path(junit).resolve())]
    return command + [str(lesson.notebook) for lesson in lessons]


def _root_of(folder):
    return ROOT if folder.is_relative_to(ROOT) else folder

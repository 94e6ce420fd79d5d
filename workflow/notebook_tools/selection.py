"""Which lessons a check runs: those that a change can affect, and one machine's share of them."""

import statistics
import subprocess

from workflow.costs import committed_record
from workflow.lessons import ROOT, UsageError
from workflow.notebook_tools import pairs

# A change here can alter the output of any lesson.
CONCERNS_ALL = ("cnnlib/", "data/", "requirements", "pyproject.toml", "environment.yml")
SANITIZE_FILE = "nbval_sanitize.cfg"


def changed_lessons(lessons, reference, root=ROOT):
    """The lessons that changes since a commit can affect: own files, or all where the library, data or pins changed.

    Compared are the files as they lie here, untracked ones too, with the last commit that `reference` and HEAD share.

    Raises:
        UsageError: git does not know the reference.
    """
    files = _changed_files(reference, root)
    if any(file.startswith(CONCERNS_ALL) or file.endswith(f"/{SANITIZE_FILE}") for file in files):
        return list(lessons)
    records_changed = any(file.startswith("reference/") for file in files)
    chosen = []
    for lesson in lessons:
        own = {
            path.relative_to(root.resolve()).as_posix()
            for path in (lesson.notebook, pairs.script_path(lesson))
        }
        reads_records = records_changed and "../reference" in lesson.notebook.read_text(encoding="utf-8")
        if own & files or reads_records:
            chosen.append(lesson)
    return chosen


def _changed_files(reference, root):
    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        ).stdout

    try:
        base = git("merge-base", "--end-of-options", reference, "HEAD").strip()
        names = git("diff", "--name-only", "--no-renames", "-z", base)
        names += git("ls-files", "--others", "--exclude-standard", "-z")
    except FileNotFoundError as error:
        raise UsageError("--changed needs git, which is not installed; leave the option out") from error
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"--changed {reference!r} is no commit that shares history with HEAD; fetch it with its history"
            f" (git fetch), or name another"
        ) from error
    return {name for name in names.split("\0") if name}


def weigh(lessons):
    """Expected cost of each lesson, `{name: seconds}`, from its last run here, whose record the notebook holds.

    A lesson without one weighs as the others do in the mean.
    """
    records = {lesson.name: committed_record(lesson.notebook) for lesson in lessons}
    seconds = {name: record["provenance"]["lesson_seconds"] for name, record in records.items() if record}
    usual = statistics.mean(seconds.values()) if seconds else 1.0
    return {lesson.name: seconds.get(lesson.name, usual) for lesson in lessons}


def take_shard(lessons, shard, weights):
    """Part K of N of the lessons, the same on every machine: the costliest first, each to the part with least to do."""
    part, parts = shard
    loads = [0.0] * parts
    chosen = []
    for lesson in costliest_first(lessons, weights):
        lightest = loads.index(min(loads))
        loads[lightest] += weights[lesson.name]
        if lightest == part - 1:
            chosen.append(lesson)
    return chosen


def costliest_first(lessons, weights):
    """Lessons by falling cost, so that the last to finish is a short one."""
    return sorted(lessons, key=lambda lesson: (-weights[lesson.name], lesson.name))

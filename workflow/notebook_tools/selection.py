"""Which lessons a check runs: those that a change can affect, and one machine's share of them."""

import statistics
import subprocess

from workflow.costs import committed_record
from workflow.lessons import ROOT, UsageError
from workflow.notebook_tools import pairs

# A change here can alter the output of any lesson.
CONCERNS_ALL = ("cnnlib/", "data/", "requirements", "pyproject.toml", "environment.yml")
AUTO = "auto"  # as a reference: the commit that this change started from
SANITIZE_FILE = "nbval_sanitize.cfg"


def changed_lessons(lessons, reference, root=ROOT):
    """The lessons that changes since a commit can affect: own files, or all where the library, data or pins changed.

    Compared are the files as they lie here, untracked ones too, with the last commit that `reference` and HEAD share.

    Raises:
        UsageError: git does not know the reference.
    """
    files = _changed_files(reference, root)
    if files is None:
        return list(lessons)
    if any(file.startswith(CONCERNS_ALL) or file.endswith(f"/{SANITIZE_FILE}") for file in files):
        return list(lessons)
    records_changed = any(file.startswith("reference/") for file in files)
    chosen = []
    for lesson in lessons:
        reads_records = records_changed and "../reference" in lesson.notebook.read_text(encoding="utf-8")
        if _own_files(lesson, root) & files or reads_records:
            chosen.append(lesson)
    return chosen


def lessons_changed_themselves(lessons, reference, root=ROOT):
    """The lessons whose notebook or script changed since a commit; see `changed_lessons`."""
    files = _changed_files(reference, root)
    return [lesson for lesson in lessons if files is None or _own_files(lesson, root) & files]


def _own_files(lesson, root):
    files = (lesson.notebook, pairs.script_path(lesson))
    return {path.relative_to(root.resolve()).as_posix() for path in files}


def _changed_files(reference, root):
    """Names of the changed files; None where `auto` finds no earlier commit, so that everything counts as changed."""

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        ).stdout

    if reference == AUTO:
        reference = _before_this_change(git)
        if reference is None:
            return None
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


def _before_this_change(git):
    """Where this branch left the main one, on the main one itself the commit before; None without a history."""
    for reference in ("origin/HEAD", "origin/main"):
        try:
            base, head = git("merge-base", reference, "HEAD").strip(), git("rev-parse", "HEAD").strip()
        except (OSError, subprocess.CalledProcessError):
            continue
        if base != head:
            return base
    try:
        return git("rev-parse", "--verify", "HEAD~1").strip()
    except (OSError, subprocess.CalledProcessError):
        return None


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

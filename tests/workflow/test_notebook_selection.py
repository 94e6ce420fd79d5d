"""Which lessons a check takes: selections, changes since a commit, shards."""

import json
import subprocess

import pytest

from tests.workflow.fixtures.copies import LessonCopy
from workflow.lessons import UsageError
from workflow.notebook_tools.pairs import choose_lessons
from workflow.notebook_tools.selection import changed_lessons, take_shard, weigh
from workflow.records import MEDIA_TYPE

NAMES = ("04_lenet", "05_alexnet", "06_vgg", "23_comparison")


@pytest.fixture
def course(tmp_path):
    """A repository with four lessons, all committed: (root, lessons)."""
    for name in NAMES:
        LessonCopy(tmp_path / "notebooks", name)
    for file in ("cnnlib/layers.py", "requirements.lock", "README.md", "reference/quick/x.json"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}")
    comparison = LessonCopy(tmp_path / "notebooks", "23_comparison")
    comparison.code[1].source += '\nrecords: str = "../reference/quick"  # folder of the records'
    comparison.save()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    return tmp_path, choose_lessons([], tmp_path / "notebooks")


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def names(lessons):
    return [lesson.name for lesson in lessons]


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], NAMES),
        (["05"], ["05_alexnet"]),
        (["04-06"], ["04_lenet", "05_alexnet", "06_vgg"]),
        (["04,06"], ["04_lenet", "06_vgg"]),
        (["vgg", "04_lenet"], ["04_lenet", "06_vgg"]),
    ],
)
def test_selections(course, words, chosen):
    assert names(choose_lessons(words, course[0] / "notebooks")) == list(chosen)


def test_selection_of_nothing_is_an_error(course, tmp_path):
    with pytest.raises(UsageError, match="lennet"):
        choose_lessons(["lennet"], course[0] / "notebooks")
    with pytest.raises(UsageError, match="holds no lesson"):
        choose_lessons([], tmp_path / "cnnlib")


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        ("README.md", []),
        ("notebooks/05_alexnet.ipynb", ["05_alexnet"]),
        ("notebooks/scripts/06_vgg.py", ["06_vgg"]),
        ("cnnlib/layers.py", NAMES),
        ("cnnlib/new.py", NAMES),
        ("requirements.lock", NAMES),
        ("notebooks/nbval_sanitize.cfg", NAMES),
        ("reference/quick/x.json", ["23_comparison"]),
    ],
)
def test_changes_select_what_they_can_affect(course, file, chosen):
    root, lessons = course
    assert changed_lessons(lessons, "HEAD", root) == []
    path = root / file
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert names(changed_lessons(lessons, "HEAD", root)) == list(chosen)


def test_committed_changes_count_and_an_unknown_commit_is_an_error(course):
    root, lessons = course
    (root / "notebooks/05_alexnet.ipynb").write_text("{}")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-am", "edit")
    assert names(changed_lessons(lessons, "HEAD~1", root)) == ["05_alexnet"]
    assert changed_lessons(lessons, "HEAD", root) == []
    with pytest.raises(UsageError, match="'origin/none' is no commit"):
        changed_lessons(lessons, "origin/none", root)


def give_record(lesson, seconds):
    """Put the record of a run that took so long among the outputs of a notebook."""
    notebook = json.loads(lesson.notebook.read_text())
    record = {"budget": "quick", "provenance": {"lesson_seconds": seconds}}
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {MEDIA_TYPE: record}}]
    lesson.notebook.write_text(json.dumps(notebook))


def test_shards_part_the_lessons_by_the_seconds_of_their_last_run(course):
    _, lessons = course
    for lesson, seconds in zip(lessons, (60, 30, 20, 10), strict=True):
        give_record(lesson, seconds)
    weights = weigh(lessons)
    assert weights == dict(zip(NAMES, (60, 30, 20, 10), strict=True))
    assert names(take_shard(lessons, (1, 2), weights)) == ["04_lenet"]
    assert names(take_shard(lessons, (2, 2), weights)) == ["05_alexnet", "06_vgg", "23_comparison"]
    assert take_shard(lessons, (5, 5), weights) == []


def test_lessons_without_a_record_weigh_as_the_others(course):
    _, lessons = course
    assert set(weigh(lessons).values()) == {1}
    give_record(lessons[0], 40)
    lessons[1].notebook.write_text("{}")  # the lint and the check tell what is wrong with it
    assert set(weigh(lessons).values()) == {40}

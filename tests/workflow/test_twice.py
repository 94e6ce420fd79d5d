"""`make twice`: cells that cannot be run twice, and records that hold more than one run, are found."""

import subprocess

import nbformat

from tests.workflow.fixtures.copies import LessonCopy
from tests.workflow.tiny_course import write_course
from workflow.lessons import find_lessons
from workflow.notebook_tools.selection import changed_lessons, lessons_changed_themselves
from workflow.twice import _quickest, record_faults, run_lesson

ONCE = "if 'seen' in globals():\n    raise ValueError('stated before')\nseen = True"
AGAIN = "count = globals().get('count', 0) + 1\nif count == 3:\n    raise KeyError('relu, max')"


def test_a_cell_that_cannot_be_run_twice_is_named(tmp_path):
    course = write_course(tmp_path, first=ONCE, second=AGAIN)
    faults, seconds = run_lesson(course / "01_first.ipynb")
    assert faults == [
        "In [2], second time: ValueError: stated before",
        "In [2], when the lesson runs again: ValueError: stated before",
    ]
    assert seconds > 0
    assert run_lesson(course / "02_second.ipynb")[0] == [
        "In [2], when the lesson runs again: KeyError: 'relu, max'"
    ]


def test_a_good_lesson_passes_with_its_intended_error(tmp_path):
    copy = LessonCopy(tmp_path)
    copy.add_code("1 / 0", tags=["raises-exception"])
    copy.save()
    assert run_lesson(copy.lesson.notebook)[0] == []


def test_a_dead_kernel_is_told(tmp_path):
    course = write_course(tmp_path, first="import os; os._exit(9)")
    (fault,) = run_lesson(course / "01_first.ipynb")[0]
    assert fault.startswith("the kernel was lost: DeadKernelError")


def test_the_record_must_be_that_of_one_run():
    one = {"claims": [{"id": "04-a"}], "runs": [{"label": "relu"}], "quantities": [{"name": "accuracy"}]}
    two = {**one, "quantities": [{"name": "accuracy"}, {"name": "accuracy"}], "runs": [{"label": "tanh"}]}
    assert record_faults([two, one], one) == []
    assert record_faults([one, two], one) == [
        "runs lacks 'relu'",
        "runs has 'tanh' beyond those of one run",
        "quantities has 'accuracy' 2 times",
    ]
    assert record_faults([], one) == ["there is none"]
    assert record_faults([], None) == []


def test_continuous_integration_runs_lessons_changed_themselves(tmp_path, capsys):
    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments],
            cwd=tmp_path,
            check=True,
        )

    course = write_course(tmp_path / "notebooks")
    lessons = find_lessons(course)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    # Without an earlier commit everything counts as changed.
    assert lessons_changed_themselves(lessons, "auto", tmp_path) == lessons
    notebook = nbformat.read(course / "02_second.ipynb", as_version=4)
    notebook.cells[2].source = "changed = 1"
    nbformat.write(notebook, course / "02_second.ipynb")
    (tmp_path / "cnnlib").mkdir()
    (tmp_path / "cnnlib" / "a.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-qm", "two")
    assert [one.name for one in lessons_changed_themselves(lessons, "auto", tmp_path)] == ["02_second"]
    assert changed_lessons(lessons, "auto", tmp_path) == lessons  # the library changed
    assert len(_quickest(lessons, 1)) == 1
    assert "left out, since at most 1 are run: 02_second" in capsys.readouterr().out

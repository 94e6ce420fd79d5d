"""The nbval gate: an edited number fails and names its cell; changes are grouped by cause before the diffs."""

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest

from tests.workflow.fixtures.copies import NAME, LessonCopy
from workflow.lessons import ROOT
from workflow.notebook_tools.__main__ import main
from workflow.notebook_tools.causes import (
    cause_of_error,
    cause_of_lines,
    cause_of_outputs,
    changed_versions,
)
from workflow.notebook_tools.selection import SANITIZE_FILE
from workflow.records import MEDIA_TYPE


def run_check(folder, *options):
    command = [sys.executable, "-m", "workflow.notebook_tools", "check", "--notebooks", str(folder), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def broken_course(tmp_path_factory):
    """One nbval run over a good lesson and three with planted faults: (result, folder)."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "notebooks" / SANITIZE_FILE, folder)
    LessonCopy(folder, "04_good").save()

    edited = LessonCopy(folder, "05_edited")
    edited.code[3].outputs[0].text = edited.code[3].outputs[0].text.replace("14", "15")  # the gate's proof
    edited.code[2].outputs[0].text = "another time\n"  # a free cell may change
    edited.save()

    raising = LessonCopy(folder, "06_raising")
    raising.code[3].outputs[0].text = raising.code[3].outputs[0].text.replace("14", "17")
    raising.find(
        'expect_between("the sum'
    ).source = 'lesson.expect_between("the sum", sum(squares), 100, 200)'
    raising.save()

    surroundings = LessonCopy(folder, "07_surroundings")
    surroundings.code[3].source = (
        "import os, pathlib, sys\n"
        'print(os.environ["CNNLIB_PROGRESS"], os.environ["TF_CPP_MIN_LOG_LEVEL"])\n'
        f"print(pathlib.Path.cwd().name == {folder.name!r}, sys.executable == {sys.executable!r})\n"
        "squares = [1, 4, 9]"
    )
    surroundings.code[3].outputs[0].text = "plain 3\nTrue True\n"
    surroundings.code[4].execution_count = None  # not compared by nbval: why the lint has NB001
    surroundings.code[4].outputs = []
    surroundings.save()
    return run_check(folder, "--workers", "1", "--junit", str(folder / "junit.xml")), folder


def test_edited_number_fails_and_names_the_cell(broken_course):
    result, _ = broken_course
    assert result.returncode == 1, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert any("05_edited: CHANGED in In [4]," in line for line in lines), result.stdout
    assert any("06_raising: CHANGED in In [4], In [7]," in line for line in lines)
    assert any("04_good: as stored" in line for line in lines)
    assert "- sum: 14" in result.stdout
    assert "+ sum: 15" in result.stdout


def test_kernel_is_this_interpreter_in_the_notebooks_folder_with_plain_progress(broken_course):
    result, _ = broken_course
    assert "07_surroundings: as stored" in result.stdout


def test_causes_come_before_the_diffs(broken_course):
    result, _ = broken_course
    summary, _, diffs = result.stdout.partition("= FAILURES =")
    assert "3 cells changed or failed in 2 lesson(s), by cause:" in summary
    assert "  2 x other numbers in: sum: #\n" in summary
    assert "05_edited (In [4])" in summary
    assert "06_raising (In [4])" in summary
    assert "  1 x raises AssertionError: the sum is #, outside [#, #]" in summary
    assert "sum: 15" not in summary
    assert "sum: 15" in diffs
    assert "\x1b" not in result.stdout


def test_junit_counts_every_cell(broken_course):
    _, folder = broken_course
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("40", "3", "0")


def test_good_lesson_passes_without_workers(tmp_path):
    LessonCopy(tmp_path)
    result = run_check(tmp_path, NAME, "--workers", "0")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[1/1] 04_numbers: as stored" in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard", "3/2"], "'3/2' must be like 1/4"),
        (["--changed", "no-such-commit"], "'no-such-commit' is no commit"),
        (["--workers", "-1"], "--workers -1 must be at least 0"),
        (["resnet"], "'resnet' selects no lesson"),
    ],
)
def test_wrong_call_is_one_sentence(tmp_path, options, message, capsys):
    LessonCopy(tmp_path)
    try:
        status = main(["check", "--notebooks", str(tmp_path), *options])
    except SystemExit as stop:  # argparse's own way
        status = stop.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_empty_shard_is_well_and_writes_its_junit(tmp_path, capsys):
    LessonCopy(tmp_path)
    junit = tmp_path / "results" / "junit.xml"
    assert main(["check", "--notebooks", str(tmp_path), "--shard", "2/2", "--junit", str(junit)]) == 0
    assert "nothing to check" in capsys.readouterr().out
    assert ElementTree.parse(junit).getroot().find("testsuite").get("tests") == "0"


@pytest.mark.parametrize(
    ("stored", "new", "cause"),
    [
        ("params 61,706 in 7", "params 60,000 in 7", "other numbers in: params # in #"),
        ("keras 3.15.1 here", "keras 3.16.0 here", "version 3.15.1 -> 3.16.0"),
        ("conv1  relu", "conv1  tanh", "other text: conv1  relu -> conv1  tanh"),
        (None, "more 3", "a line more: more #"),
        ("less 3", None, "a line less: less #"),
        ("04-1: right", "04-1: not yet", "other text: #-#: right -> #-#: not yet"),
    ],
)
def test_cause_of_a_line(stored, new, cause):
    assert cause_of_lines(stored, new) == cause


def test_causes_of_outputs():
    def stream(text):
        return nbformat.v4.new_output("stream", name="stdout", text=text)

    assert cause_of_outputs([stream("a 1\nb\nc 2\n")], [stream("a 2\nb\nc 3\n")]) == [
        "other numbers in: a #",
        "other numbers in: c #",
    ]
    assert cause_of_outputs([stream("a\n")], [stream("a\n")])[0].startswith("other kinds of output")
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="size 3\nmore", traceback=[])
    assert cause_of_error([stream("a"), error]) == "raises ValueError: size #"
    assert cause_of_error([stream("a")]) is None


def test_versions_that_moved_since_the_record(tmp_path):
    copy = LessonCopy(tmp_path)
    packages = {"nbformat": "1.0", "pytest": pytest.__version__}
    record = nbformat.v4.new_output("display_data", data={MEDIA_TYPE: {"provenance": {"packages": packages}}})
    copy.code[2].outputs.append(record)
    assert changed_versions([copy.notebook]) == [f"nbformat 1.0 -> {nbformat.__version__}"]

"""Lessons that take `folder:<path>` say nowhere how many classes there are: the data do."""

import re

import pytest

from workflow.lessons import NOTEBOOKS, find_lessons, read_cells, read_parameters

TEN = re.compile(
    r"range\(10\)|classes[\"']?\s*[=:]\s*10\b|Dense\(10\b|Mixup\(10\b|== 9\b|\[9\]|chance=0\.\d"
    r"|integers\(1, 10\b|% 10\b"
)


def lessons_on_folders():
    """Lessons whose parameter `dataset` may be a folder."""
    for lesson in find_lessons(NOTEBOOKS):
        parameter = read_parameters(lesson).get("dataset")
        if parameter and "folder:<path>" in parameter.help:
            yield lesson


def test_there_are_such_lessons():
    assert {"10", "14", "23"} <= {lesson.number for lesson in lessons_on_folders()}


@pytest.mark.parametrize("lesson", lessons_on_folders(), ids=lambda lesson: lesson.name)
def test_no_cell_counts_on_ten_classes(lesson):
    cells = [source for kind, source, _ in read_cells(lesson.notebook) if kind == "code"]
    assert not [found.group() for cell in cells for found in TEN.finditer(cell)]


def test_the_fault_is_found():
    assert TEN.search("for k in range(10)]")
    assert TEN.search('{"classes": 10}')
    assert not TEN.search("columns=10, range(100), [99], classes=100")

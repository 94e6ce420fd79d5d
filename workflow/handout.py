"""Copies of the lessons for a class: `make handout LESSONS=04-11`.

    python -m workflow.handout --lessons 04-11

`build/handout/learners` holds the lessons without outputs, in which `lesson.solution` refuses; `build/handout/teacher`
holds them with outputs, and with the solution below each exercise. Both run where cnnlib is installed. The solutions
are hidden and not locked away: the library needs them to check answers.
"""

import argparse
import ast
import re
import shutil
import sys
import textwrap
from pathlib import Path

import nbformat

from workflow.lessons import NOTEBOOKS, ROOT, UsageError, find_lessons, read_parameters, select_lessons
from workflow.notebook_tools.normalise import notebook_text

EXERCISES = ROOT / "cnnlib" / "lesson" / "exercises"
BEGIN = re.compile(r"^lesson\.begin\(", re.M)
CHECK = re.compile(r"lesson\.check\(\s*\"([^\"]+)\"")
OFFER = re.compile(r",? `lesson\.solution\([^)]*\)` shows a way")
HIDE = "lesson.hide_solutions()  # this is a learner's copy"


def main():
    parser = argparse.ArgumentParser(description="Copies of the lessons for learners and for the teacher.")
    parser.add_argument("--lessons", default="all", help="for instance 04, 04-11, 04,06 or lenet")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "handout", help="where they are written"
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        lessons = select_lessons(arguments.lessons, find_lessons(arguments.notebooks))
        write_handout(lessons, arguments.folder)
    except UsageError as error:
        sys.exit(f"error: {error}")
    print(
        f"{len(lessons)} lessons in {arguments.folder / 'learners'}; with solutions in {arguments.folder / 'teacher'}"
    )


def write_handout(lessons, folder):
    """Write both copies of the lessons below `folder`, in place of those of an earlier time.

    Raises:
        UsageError: an exercise without a solution, or a lesson that does not begin.
    """
    for name, change in (("learners", for_learners), ("teacher", for_teacher)):
        target = folder / name / "notebooks"
        shutil.rmtree(folder / name, ignore_errors=True)
        target.mkdir(parents=True)
        for lesson in lessons:
            notebook = nbformat.read(lesson.notebook, as_version=4)
            change(notebook, lesson)
            (target / lesson.notebook.name).write_text(
                notebook_text(notebook), encoding="utf-8", newline="\n"
            )
            _copy_records(lesson, folder / name)


def _copy_records(lesson, folder):
    """The results that a lesson reads from beside its notebooks, so that the copy runs by itself."""
    records = read_parameters(lesson).get("records")
    if records:
        source = lesson.notebook.parent / records.default
        target = folder / "notebooks" / records.default
        target.mkdir(parents=True, exist_ok=True)
        for path in source.glob("*.json"):
            shutil.copyfile(path, target / path.name)


def for_learners(notebook, lesson):
    """Take outputs and solutions out of a notebook, and have it hide those of the library."""
    begun = False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if BEGIN.search(cell.source):
                cell.source, begun = f"{cell.source}\n{HIDE}", True
        cell.source = OFFER.sub("", cell.source)
    if not begun:
        raise UsageError(f"{lesson.name} calls no lesson.begin, after which its solutions could be hidden")


def for_teacher(notebook, lesson):
    """Put the solution below each exercise of a notebook."""
    known = solutions(lesson.number)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        for identifier in CHECK.findall(cell.source) if cell.cell_type == "code" else []:
            if identifier not in known:
                raise UsageError(f"{lesson.name}: exercise {identifier} has no solution in {EXERCISES.name}/")
            text = f"*Solution of {identifier}:*\n\n```python\n{known[identifier]}\n```"
            cells.append(nbformat.v4.new_markdown_cell(text, id=f"solution-{identifier}"))
    notebook.cells = cells


def solutions(number, folder=EXERCISES):
    """`{identifier: source}` of a lesson's exercises, as `lesson.solution` prints them, read without a backend."""
    path = folder / f"lesson_{number}.py"
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        for decorator in getattr(node, "decorator_list", []):
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "exercise":
                lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
                found[ast.literal_eval(decorator.args[0])] = textwrap.dedent("\n".join(lines))
    return found


if __name__ == "__main__":
    main()

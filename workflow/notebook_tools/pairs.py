"""A lesson's two files: the notebook with outputs, and the script in jupytext's percent format that one edits."""

import hashlib
from pathlib import Path

import nbformat

from workflow.lessons import NOTEBOOKS, Lesson, UsageError, select_lessons

PARAMETERS = "parameters"
FREE = "nbval-ignore-output"
RAISES = "raises-exception"


def choose_lessons(selections, notebooks=NOTEBOOKS):
    """The lessons of command line words such as `04`, `04-11`, `04,06` or `lenet`; without any, all of them.

    A lesson exists as soon as its script does.

    Raises:
        UsageError: a folder without lessons, or a word that selects none.
    """
    notebooks = Path(notebooks).resolve()
    pattern = "[0-9][0-9]_*"
    names = {path.stem for path in notebooks.glob(f"{pattern}.ipynb")}
    names |= {path.stem for path in (notebooks / "scripts").glob(f"{pattern}.py")}
    if not names:
        raise UsageError(
            f"{notebooks.name}/ holds no lesson; expected NN_name.ipynb or scripts/NN_name.py there"
        )
    lessons = [Lesson(name, notebooks / f"{name}.ipynb") for name in sorted(names)]
    return select_lessons(",".join(selections), lessons)


def script_path(lesson):
    """The script that is paired with a lesson's notebook."""
    return lesson.notebook.parent / "scripts" / f"{lesson.name}.py"


def read_notebook(lesson):
    """The stored notebook.

    Raises:
        UsageError: no such file, or one that is no notebook.
    """
    try:
        return nbformat.read(lesson.notebook, as_version=4)
    except FileNotFoundError as error:
        raise UsageError(
            f"{lesson.name}: the notebook is missing; make it with `refresh {lesson.number}`"
        ) from error
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{lesson.name}: the notebook cannot be read ({type(error).__name__}); restore it with git checkout"
            f" or make it anew with `refresh {lesson.number}`"
        ) from error


def read_script(lesson):
    """The script as a notebook without outputs; kernel and language are filled in.

    Raises:
        UsageError: no such file.
    """
    import jupytext

    path = script_path(lesson)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"{lesson.name}: the script scripts/{path.name} is missing; make it with"
            f" `jupytext --sync notebooks/{lesson.name}.ipynb`"
        ) from error
    return jupytext.reads(text, fmt="py:percent")


def script_layout(text):
    """A script's text as jupytext writes it back: same cells, its own way of parting them."""
    import jupytext

    notebook = jupytext.reads(text, fmt="py:percent")
    # What notebooks/jupytext.toml says, so that the text carries tags and no other metadata.
    notebook.metadata.setdefault("jupytext", {}).update(
        notebook_metadata_filter="-all", cell_metadata_filter="tags,-all"
    )
    return jupytext.writes(notebook, fmt="py:percent")


def differing_cells(notebook, script):
    """Where a notebook and a script disagree: `[(position from 1, what), ...]`, empty where they agree."""
    faults = []
    for position, (stored, written) in enumerate(zip(notebook.cells, script.cells, strict=False), start=1):
        if stored.cell_type != written.cell_type:
            faults.append((position, f"type {stored.cell_type} against {written.cell_type}"))
            break  # from here on the two are out of step
        if stored.source.rstrip() != written.source.rstrip():
            faults.append((position, "text"))
        elif _tags_only(stored) != _tags_only(written):
            faults.append((position, "tags"))
    extra = len(notebook.cells) - len(script.cells)
    if extra:
        longer = "the notebook" if extra > 0 else "the script"
        shorter = min(len(notebook.cells), len(script.cells))
        faults.append((shorter + 1, f"{abs(extra)} cells that only {longer} has"))
    return faults


def keep_identifiers(script, stored, lesson_name):
    """Give the script's cells the ids of the stored notebook's like cells, and new cells ids made of their text.

    So a refresh changes no id of an unchanged cell, and two people who refresh get the same ids.
    """
    from jupytext.combine import map_outputs_to_inputs

    matched = map_outputs_to_inputs(script.cells, stored.cells) if stored else [None] * len(script.cells)
    used = {stored.cells[j].get("id") for j in matched if j is not None}
    for position, (cell, j) in enumerate(zip(script.cells, matched, strict=True)):
        identifier = stored.cells[j].get("id") if j is not None else None
        if identifier is None:
            attempt = 0
            while (identifier := _identifier(lesson_name, cell.source, attempt)) in used:
                attempt += 1
            used.add(identifier)
        script.cells[position]["id"] = identifier


def _identifier(lesson_name, source, attempt):
    return hashlib.sha256(f"{lesson_name}\0{source}\0{attempt}".encode()).hexdigest()[:8]


def _tags_only(cell):
    tags = list(cell.metadata.get("tags", []))
    return {"tags": tags} if tags else {}

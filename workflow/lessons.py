"""The lessons on disk: which there are, which were asked for, what parameters they take."""

import ast
import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LARGEST_SEED = 2**32 - 1


class UsageError(Exception):
    """Something that the user asked for cannot be done; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Parameter:
    """A line of a lesson's parameters cell: `name: type = default  # help`."""

    name: str
    annotation: str
    default: object
    help: str


@dataclass(frozen=True)
class Lesson:
    """A notebook of the course; `name` is the notebook's without its ending, for instance "04_lenet"."""

    name: str
    notebook: Path

    @property
    def number(self):
        return self.name[:2]


def find_lessons(notebooks=NOTEBOOKS):
    """All lessons, by number."""
    return [Lesson(path.stem, path) for path in sorted(Path(notebooks).glob("[0-9][0-9]_*.ipynb"))]


def select_lessons(selection, lessons):
    """The lessons of a selection such as "04", "04-11", "04,06", "lenet" or "all", in the course's order.

    Raises:
        UsageError: a part that selects nothing.
    """
    if not selection or selection == "all":
        return list(lessons)
    chosen = {lesson.name for part in selection.split(",") for lesson in _select_part(part.strip(), lessons)}
    return [lesson for lesson in lessons if lesson.name in chosen]


def _select_part(part, lessons):
    if match := re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part):
        low = int(match[1])
        high = int(match[2] or match[1])
        found = [lesson for lesson in lessons if low <= int(lesson.number) <= high]
    else:
        found = [lesson for lesson in lessons if part in (lesson.name, lesson.name[3:])]
    if not found:
        names = [lesson.name for lesson in lessons]
        near = difflib.get_close_matches(part, names + [n[3:] for n in names], n=1)
        raise UsageError(
            f"LESSONS={part!r} selects no lesson; "
            + (f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}")
        )
    return found


def parse_seeds(text):
    """Seeds of a text such as "0", "0-2" or "0,3,5-7", in order and without repetition.

    Raises:
        UsageError: another text, or a seed that is too large.
    """
    seeds = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"SEEDS={text!r} must be like 0, 0-2 or 0,3,5-7")
        if int(match[2] or match[1]) > LARGEST_SEED:
            raise UsageError(
                f"SEEDS={text!r} must not go beyond {LARGEST_SEED}, the largest that Keras and NumPy take"
            )
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    return list(dict.fromkeys(seeds))


def read_parameters(lesson):
    """The parameters of a lesson, `{name: Parameter}`, read from its notebook without running it.

    Raises:
        UsageError: no cell, or more than one, tagged `parameters`, or one with other things than literals.
    """
    cells = [source for _, source, tags in read_cells(lesson.notebook) if "parameters" in tags]
    if len(cells) != 1:
        raise UsageError(f"{lesson.name} must have one cell tagged `parameters`, not {len(cells)}")
    return parse_parameters(cells[0], lesson.name)


def read_cells(path):
    """`[(kind, source, tags)]` of a notebook, read as the JSON that it is: no package of Jupyter is needed.

    Raises:
        UsageError: a file that is no notebook.
    """
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
        return [(c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])) for c in cells]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no readable notebook ({type(error).__name__}); restore it with git checkout"
        ) from error


def parse_parameters(source, where):
    """Parameters of the text of a parameters cell; see `read_parameters`."""
    lines = source.splitlines()
    parameters = {}
    try:
        nodes = ast.parse(source).body
    except SyntaxError as error:
        raise UsageError(
            f"{where}: line {error.lineno} of the parameters cell is no Python: {error.msg}"
        ) from error
    for node in nodes:
        if not (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
        ):
            raise UsageError(
                f"{where}: line {node.lineno} of the parameters cell must read `name: type = value  # help`"
            )
        try:
            default = ast.literal_eval(node.value)
        except ValueError as error:
            raise UsageError(f"{where}: the parameter {node.target.id} must have a literal value") from error
        comment = lines[node.end_lineno - 1].partition("#")[2].strip()
        name = node.target.id
        parameters[name] = Parameter(name, ast.unparse(node.annotation), default, comment)
    return parameters

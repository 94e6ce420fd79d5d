"""Rules on stored outputs: what nbval would pass over, and what no second run would print again."""

import ast
import re

from workflow.notebook_tools.lint.stored import png_width
from workflow.notebook_tools.normalise import KERNEL
from workflow.notebook_tools.pairs import RAISES

MAX_BYTES = 1_500_000
MAX_PNG_WIDTH = 900
MIN_CHECKED_SHARE = 0.8

TIMING = re.compile(
    r"""
    (?<![\w.])\d[\d.,]*\s?(?:s|secs?|seconds?|ms|milliseconds?|[µμ]s|us|ns|minutes?|mins|hours?)\b(?![/-])  # 3.2 s
    | \b(?:images|examples|samples|batches|steps|epochs|it|img|B|[kKMG]i?B|MACs?|FLOPs?)/s(?:ec(?:ond)?)?\b  # speeds
    | \bs/(?:it|step|epoch)\b | \b[mµμu]s/(?:it|step|epoch)\b | \bper\ second\b
    | \bETA\b | \d+%\| | [━█]{2,} | \[=+>?\.*\] | (?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)  # bars, clocks
    """,
    re.VERBOSE,
)
ROOTS = "home|Users|root|tmp|var|opt|usr|mnt|media|srv|etc|work|workspaces?|builds|content|kaggle|private|app|scratch"
ABSOLUTE_PATH = re.compile(rf"(?<![\w./:<])/(?:{ROOTS})/[^\s'\",:;)\]]+|\b[A-Za-z]:\\[^\s'\"]+")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
PICTURE_MARKUP = re.compile(r"<(?:svg|img|video|iframe|canvas|script)\b", re.IGNORECASE)


def execution_counts(lesson):
    """NB001: counts run 1..n; nbval passes over a cell without one."""
    for cell in lesson.code:
        stored = cell.node.get("execution_count")
        if stored != cell.count:
            yield lesson.fault(
                "NB001",
                f"execution count is {stored}, expected {cell.count} (nbval compares nothing without one);"
                " run `make refresh` for this lesson",
                cell,
            )
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "execute_result" and output.get("execution_count") != cell.count:
                yield lesson.fault(
                    "NB001", "an output has another execution count than its cell; refresh the lesson", cell
                )


def stderr_and_errors(lesson):
    """NB003: nothing on stderr, no error but where the cell says that it raises one."""
    for cell in lesson.code:
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                line = output.text.strip().splitlines()[0][:80] if output.text.strip() else ""
                yield lesson.fault(
                    "NB003", f"stderr is stored ({line!r}); mend its cause, then refresh the lesson", cell
                )
            elif output.output_type == "error" and RAISES not in cell.tags:
                yield lesson.fault(
                    "NB003",
                    f"a {output.ename} is stored; mend the cell, or tag it {RAISES} where the error is the lesson",
                    cell,
                )


def timings(lesson):
    """NB004: durations and speeds only in free cells."""
    for cell in lesson.code:
        # An asserting cell without the free tag is compared as well.
        if cell.kind == "text" or "nbval-ignore-output" in cell.tags:
            continue
        found = TIMING.search(cell.text) or re.search(r"\r(?!\n)", cell.text)
        if found:
            yield lesson.fault(
                "NB004",
                f"{found.group(0)!r} looks like a duration, a speed or a progress bar in a checked output;"
                " print it in a cell tagged nbval-ignore-output",
                cell,
            )


def metadata(lesson):
    """NB005: no traces of the run that made the notebook."""
    stored = lesson.notebook.metadata
    if "papermill" in stored:
        yield lesson.fault("NB005", "papermill metadata are left in the notebook; refresh the lesson")
    if "version" in stored.get("language_info", {}):
        yield lesson.fault("NB005", "language_info.version is left in the notebook; refresh the lesson")
    if stored.get("kernelspec", {}).get("name") != KERNEL["name"]:
        yield lesson.fault("NB005", f"the kernel must be {KERNEL['name']}; refresh the lesson")
    for cell in lesson.cells:
        left = sorted(set(cell.node.metadata) - {"tags"})
        if left or "injected-parameters" in cell.tags:
            yield lesson.fault(
                "NB005",
                f"metadata are left ({', '.join(left) or 'injected-parameters'}); refresh the lesson",
                cell,
            )


def machine_traces(lesson):
    """NB006: no absolute path, and no address in memory where outputs are compared."""
    for cell in lesson.code:
        text = "\n".join([cell.text, *(content for media, content in cell.data if media == "text/html")])
        if found := ABSOLUTE_PATH.search(text):
            yield lesson.fault(
                "NB006",
                f"the output holds {found.group(0)!r}, a path of one machine; print it relative",
                cell,
            )
        if cell.kind in ("checked", "asserting") and (found := ADDRESS.search(text)):
            yield lesson.fault(
                "NB006",
                f"the output holds {found.group(0)!r}, an address in memory; end the line with `;`",
                cell,
            )


def figures(lesson):
    """NB010: figures are PNG files, nothing else."""
    for cell in lesson.code:
        for media, content in cell.data:
            other = (media.startswith(("image/", "video/", "application/pdf")) and media != "image/png") or (
                media in ("application/javascript", "application/vnd.plotly.v1+json")
                or media.startswith("application/vnd.jupyter.widget")
            )
            if other or (media == "text/html" and PICTURE_MARKUP.search(content)):
                yield lesson.fault(
                    "NB010", f"a figure is stored as {media}; only PNG is compared and shown everywhere", cell
                )


def drawings_are_stored(lesson):
    """NB019: a cell that draws has a picture among its outputs; what is drawn under a condition may be missing."""
    for cell in lesson.code:
        drawn = sorted(_drawn(cell.tree)) if cell.tree else []
        if drawn and not cell.pictures:
            yield lesson.fault(
                "NB019",
                f"plots.{drawn[0]} leaves no picture; make it the cell's last line and refresh the lesson",
                cell,
            )


def _drawn(tree):
    """Names of the functions of `plots` that a cell calls in any case: not in an `if` or in a function's body."""
    if isinstance(tree, ast.If | ast.IfExp | ast.FunctionDef | ast.Lambda):
        return set()
    found = {name for child in ast.iter_child_nodes(tree) for name in _drawn(child)}
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute):
        module, name = tree.func.value, tree.func.attr
        if isinstance(module, ast.Name) and module.id == "plots" and name != "network_color":
            found.add(name)
    return found


def sizes(lesson):
    """NB011: a notebook under 1.5 MB, pictures at most 900 pixels wide."""
    if lesson.size >= MAX_BYTES:
        yield lesson.fault(
            "NB011",
            f"the file has {lesson.size:,} bytes, expected less than {MAX_BYTES:,}; draw fewer or smaller figures",
        )
    for cell in lesson.code:
        for picture in cell.pictures:
            width = png_width(picture)
            if width is None or width > MAX_PNG_WIDTH:
                found = "is no PNG file" if width is None else f"is {width} pixels wide"
                yield lesson.fault(
                    "NB011", f"a figure {found}, expected a PNG of at most {MAX_PNG_WIDTH} pixels", cell
                )


def checked_share(lesson):
    """NB016: at least 80% of the code cells that print are checked or asserting."""
    if lesson.checked_share < MIN_CHECKED_SHARE:
        yield lesson.fault(
            "NB016",
            f"{lesson.checked_share:.0%} of the cells that print are checked or asserting, expected at least"
            f" {MIN_CHECKED_SHARE:.0%}; print fewer free values, or assert them with lesson.expect_between",
        )

"""A stored notebook as the rules see it: cells with their kind, their text outputs and their pictures."""

import ast
import base64
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workflow.notebook_tools.pairs import FREE, PARAMETERS

MAGIC = re.compile(r"^(\s*)([%!]|\?)", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """One breach of one rule. `where` is a cell such as "cell 12 (In [7])", or "" for the whole notebook."""

    rule: str
    lesson: str
    where: str
    message: str

    def __str__(self):
        return f"{self.rule} {self.lesson}{', ' if self.where else ''}{self.where}: {self.message}"


class Cell:
    """A cell; `position` counts all cells from 1, `count` code cells from 1 (None for text)."""

    def __init__(self, node, position, count):
        self.node = node
        self.position = position
        self.count = count
        self.source = node.source
        self.tags = list(node.metadata.get("tags", []))
        self.outputs = list(node.get("outputs", []))

    @property
    def is_code(self):
        return self.node.cell_type == "code"

    @property
    def is_text(self):
        return self.node.cell_type == "markdown"

    @property
    def where(self):
        return f"cell {self.position} (In [{self.count}])" if self.is_code else f"cell {self.position}"

    @cached_property
    def tree(self):
        """Syntax tree of the code, or None where it does not parse; magics count as nothing."""
        if not self.is_code:
            return None
        lines = [
            re.sub(r"\S.*", "pass", line) if MAGIC.match(line) else line for line in self.source.splitlines()
        ]
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError:
            return None

    @property
    def calls(self):
        """All calls in the code."""
        return [node for node in ast.walk(self.tree or ast.Module([])) if isinstance(node, ast.Call)]

    @property
    def data(self):
        """All displayed outputs, `[(media type, content), ...]`."""
        return [item for output in self.outputs for item in output.get("data", {}).items()]

    @property
    def pictures(self):
        """Displayed PNG files, as base64 text."""
        return [content for media, content in self.data if media == "image/png"]

    @cached_property
    def text(self):
        """What a reader reads below the cell, but for what stands in for a picture."""
        parts = []
        for output in self.outputs:
            data = output.get("data", {})
            if output.output_type == "stream" and output.name == "stdout":
                parts.append(output.text)
            elif "text/plain" in data and not any(media.startswith("image/") for media in data):
                parts.append(data["text/plain"])
        return "\n".join(parts)

    @property
    def kind(self):
        """One of "text", "silent", "asserting", "free" and "checked"; silent cells print nothing."""
        if not self.is_code:
            return "text"
        if not self.text:
            return "silent"
        if any(called_name(call) == "expect_between" for call in self.calls):
            return "asserting"
        return "free" if FREE in self.tags else "checked"


class LessonFile:
    """A lesson's stored notebook with its cells."""

    def __init__(self, lesson, notebook):
        self.lesson = lesson
        self.name = lesson.name
        self.notebook = notebook
        self.size = Path(lesson.notebook).stat().st_size
        self.cells, count = [], 0
        for position, node in enumerate(notebook.cells, start=1):
            count += node.cell_type == "code"
            self.cells.append(Cell(node, position, count if node.cell_type == "code" else None))

    @property
    def code(self):
        return [cell for cell in self.cells if cell.is_code]

    @property
    def texts(self):
        return [cell for cell in self.cells if cell.is_text]

    @property
    def parameter_cells(self):
        return [cell for cell in self.code if PARAMETERS in cell.tags]

    def count(self, *kinds):
        """Number of cells of these kinds."""
        return sum(cell.kind in kinds for cell in self.cells)

    @property
    def checked_share(self):
        """Checked and asserting cells among those that print; 1.0 where none prints."""
        printing = self.count("checked", "asserting", "free")
        return self.count("checked", "asserting") / printing if printing else 1.0

    def fault(self, rule, message, cell=None):
        """A fault of this lesson."""
        return Fault(rule, self.name, cell.where if cell else "", message)


def called_name(call):
    """Last name of what is called: "check" for `lesson.check(...)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def png_width(picture):
    """Width in pixels of a PNG file in base64, or None for another file."""
    head = base64.b64decode("".join(picture.split())[:64])
    return struct.unpack(">I", head[16:20])[0] if head.startswith(b"\x89PNG") and len(head) >= 20 else None

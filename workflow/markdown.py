"""Tables and plain words as Markdown."""

import re


def table(headings, rows):
    """Lines of a Markdown table; the cells are Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def escape(words):
    """Plain words as Markdown that shows them as they are."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|$~^-])", r"\\\1", str(words))

"""Lessons as pages: an alternative text for each figure, an anchor for each claim, and the parts of the course."""

import re

from workflow.cells import alternative_text, claims_of, has_picture, text
from workflow.records import MEDIA_TYPE

# The course's parts by the number of their last lesson; which lessons there are is read from the disk.
PARTS = (("Foundations", 3), ("The classics", 11), ("What came of them", 99))


def parts(lessons):
    """[(name of the part, its lessons)] of the parts that have lessons."""
    found, first = [], 1
    for name, last in PARTS:
        members = [lesson for lesson in lessons if first <= int(lesson.number) <= last]
        first = last + 1
        if members:
            found.append((name, members))
    return found


def toctrees(lessons):
    """Tables of contents in MyST, one for each part."""
    return "\n\n".join(
        "\n".join(
            [
                f"```{{toctree}}\n:caption: {name}\n:maxdepth: 1\n",
                *(f"notebooks/{lesson.name}" for lesson in members),
                "```",
            ]
        )
        for name, members in parts(lessons)
    )


def title(notebook):
    """The first heading of a notebook, given as its JSON."""
    for cell in notebook["cells"]:
        if match := re.search(r"^# (.+)$", text(cell), re.M):
            return match[1]
    raise ValueError("a lesson must begin with a heading")


def claims(notebook):
    """Identifiers of the claims that a notebook makes."""
    return [claim for cell in notebook["cells"] for claim in claims_of(cell)]


def page(notebook):
    """The JSON of a notebook as the site shows it; its outputs stay, less the record, which is for programs."""
    shown = {**notebook, "cells": []}
    for position, cell in enumerate(notebook["cells"]):
        anchors = claims_of(cell)
        if anchors:
            shown["cells"].append(
                {
                    "cell_type": "markdown",
                    "id": f"anchor-{position}",
                    "metadata": {},
                    "source": "\n".join(f"({anchor(claim)})=" for claim in anchors),
                }
            )
        if has_picture(cell):
            options = {"image": {"alt": alternative_text(notebook["cells"], position)}}
            cell = {**cell, "metadata": {**cell["metadata"], "mystnb": options}}
        shown["cells"].append(_without_record(cell))
    return shown


def _without_record(cell):
    outputs = cell.get("outputs", [])
    if not any(MEDIA_TYPE in output.get("data", {}) for output in outputs):
        return cell
    kept = [
        {**output, "data": {k: v for k, v in output["data"].items() if k != MEDIA_TYPE}}
        if "data" in output
        else output
        for output in outputs
    ]
    return {**cell, "outputs": kept}


def anchor(claim):
    """The name of a claim's place in its lesson."""
    return f"claim-{claim}"

"""Lessons as pages: an alternative text for each figure, an anchor for each claim, and the parts of the course."""

import ast
import re

from workflow.records import MEDIA_TYPE

# The course's parts by the number of their last lesson; which lessons there are is read from the disk.
PARTS = (("Foundations", 3), ("The classics", 11), ("What came of them", 99))

KINDS = {
    "bars": "bar chart",
    "distributions": "histograms",
    "filters": "kernels as pictures",
    "image_grid": "pictures",
    "lines": "line plot",
    "stem": "stem plot",
}
LONGEST = 240  # characters of the reading in an alternative text; screen readers cannot skip inside of it
CLAIM = re.compile(r"lesson\.claim\(\s*\"([^\"]+)\"")


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
    return [
        claim
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for claim in CLAIM.findall(text(cell))
    ]


def page(notebook):
    """The JSON of a notebook as the site shows it; its outputs stay, less the record, which is for programs."""
    shown = {**notebook, "cells": []}
    for position, cell in enumerate(notebook["cells"]):
        anchors = CLAIM.findall(text(cell)) if cell["cell_type"] == "code" else []
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


def has_picture(cell):
    """Whether a cell's outputs hold a picture."""
    return any(
        kind.startswith("image/") for output in cell.get("outputs", []) for kind in output.get("data", {})
    )


def alternative_text(cells, position):
    """What the figure of a cell is, and the beginning of the Markdown that reads it.

    Each figure of the course is followed by a sentence that says what to see in it; that sentence, with the kind
    of plot and its axes from the code, is what somebody who does not see the figure needs.
    """
    reading = next((text(cell) for cell in cells[position + 1 :] if cell["cell_type"] == "markdown"), "")
    return " ".join(part for part in (_described(text(cells[position])), _opening(reading)) if part)


def _described(code):
    """ "Line plot of validation accuracy against epoch." from the last call of `plots` in a cell's code."""
    calls = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "plots"
        and node.func.attr != "network_color"
    ]
    if not calls:
        return "Figure."
    call = max(calls, key=lambda node: node.lineno)
    kind = KINDS.get(call.func.attr, call.func.attr.replace("_", " "))
    labels = {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }
    # Bars lie: what they measure is their x axis, and each stands for a name on the y axis.
    order = ("x_label", "y_label") if call.func.attr == "bars" else ("y_label", "x_label")
    axes = [labels[name] for name in order if name in labels]
    sentence = f"{kind} of {labels['value_label']}" if "value_label" in labels else kind
    if axes:
        sentence += (", " if "value_label" in labels else " of ") + (
            " by " if call.func.attr == "bars" else " against "
        ).join(axes)
    return sentence[0].upper() + sentence[1:] + "."


def _opening(markdown):
    """The first sentences of the first paragraph that is no heading, without markup."""
    paragraphs = [part for part in re.split(r"\n\s*\n", markdown) if not part.lstrip().startswith("#")]
    if not paragraphs:
        return ""
    words = re.sub(r"[*`$\\]|(?<=\])\([^)]*\)|[\[\]]", "", " ".join(paragraphs[0].split()))
    sentences = re.findall(r".+?[.?!:](?=\s|$)|.+$", words)
    taken = ""
    for sentence in sentences:
        if taken and len(taken) + len(sentence) > LONGEST:
            break
        taken = f"{taken} {sentence.strip()}".strip()
    return taken.removesuffix(":") + "." if taken.endswith(":") else taken


def text(cell):
    """A cell's source as one string; the file format allows lists of lines."""
    return "".join(cell["source"])

"""What the cells of a lesson hold for those who show it: the claims it tests, and a text for each figure."""

import ast
import re

KINDS = {
    "architecture": "diagram of a network, layers from left to right, blocks of several paths below",
    "bars": "bar chart",
    "distributions": "histograms",
    "filters": "kernels as pictures",
    "image_grid": "pictures",
    "lines": "line plot",
    "stem": "stem plot",
}
LONGEST = 240  # characters of the reading in an alternative text; screen readers cannot skip inside of it
CLAIM = re.compile(r"lesson\.claim\(\s*\"([^\"]+)\"")


def claims_of(cell):
    """Identifiers of the claims that a cell tests."""
    return CLAIM.findall(text(cell)) if cell["cell_type"] == "code" else []


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
        and (
            (node.func.value.id == "plots" and node.func.attr not in ("network_color", "use_family_styles"))
            or (node.func.value.id == "lesson" and node.func.attr.startswith("explore_"))
        )
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

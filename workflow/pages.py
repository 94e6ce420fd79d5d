"""An executed lesson as a page that opens from disk: no script, nothing from outside, a text for every picture."""

import json
import logging
import re
from html import escape
from pathlib import Path

from workflow.files import write_text

SCRIPTS = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
NO_TEXT = re.compile(r'alt="No description has been provided for this image"')
SENTENCE_END = re.compile(r"(?<=[.!?:])\s")
CLAIM = re.compile(r"lesson\.claim\(\s*[\"']([0-9]{2}-[a-z0-9-]+)[\"']")


def write_page(notebook_file):
    """Write `<name>.html` beside an executed notebook; returns its path."""
    import nbformat
    from nbconvert import HTMLExporter

    notebook_file = Path(notebook_file)
    notebook = nbformat.read(notebook_file, as_version=4)
    addresses = ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url", "widget_renderer_url")
    exporter = HTMLExporter(template_name="lab", **dict.fromkeys(addresses, ""))
    exporter.log.setLevel(logging.ERROR)  # it would warn of the pictures' missing texts, which come below
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": notebook_file.stem}})
    path = notebook_file.with_suffix(".html")
    texts = iter(picture_texts(notebook))
    html = NO_TEXT.sub(lambda match: f'alt="{escape(next(texts))}"', SCRIPTS.sub("", html))
    write_text(path, html)
    return path


def picture_texts(notebook):
    """An alternative text for each picture of a notebook: the first sentence of the text below, which reads it."""
    return [
        _sentence_below(notebook.cells[position + 1 :])
        for position, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def _sentence_below(cells):
    text = next((cell.source for cell in cells if cell.cell_type == "markdown"), "A figure of this lesson.")
    paragraph = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), text)
    return SENTENCE_END.split(re.sub(r"[*`]", "", paragraph.strip()), maxsplit=1)[0].rstrip(":")


def claim_anchors(notebook_file):
    """`{claim id: anchor}` of the cells in a notebook's page that test the claims; empty for what is no notebook."""
    try:
        cells = json.loads(Path(notebook_file).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    code = [(cell.get("id"), "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    return {claim: f"cell-id={cell}" for cell, source in code for claim in CLAIM.findall(source)}

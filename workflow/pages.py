"""An executed lesson as a page that opens from disk: no script, nothing from outside, a text for every picture."""

import json
import logging
import re
from html import escape
from pathlib import Path

from workflow.cells import alternative_text, claims_of
from workflow.files import write_text

SCRIPTS = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
NO_TEXT = re.compile(r'alt="No description has been provided for this image"')


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
    """An alternative text for each picture of a notebook."""
    return [
        alternative_text(notebook.cells, position)
        for position, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def claim_anchors(notebook_file):
    """`{claim id: anchor}` of the cells in a notebook's page that test the claims; empty for what is no notebook."""
    try:
        cells = json.loads(Path(notebook_file).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    return {claim: f"cell-id={cell.get('id')}" for cell in cells for claim in claims_of(cell)}

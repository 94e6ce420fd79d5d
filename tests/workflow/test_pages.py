"""Executed lessons as pages, and the report's links into them."""

import json
import re

import nbformat

from tests.workflow.test_ledger_and_report import claim, record
from workflow.pages import claim_anchors, write_page
from workflow.report import write_report

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def lesson(path):
    """A small executed notebook with a claim and a picture, followed by the text that reads it."""
    picture = nbformat.v4.new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"})
    cells = [
        nbformat.v4.new_code_cell('lesson.claim(\n    "04-a",\n    "It is so.",\n)', id="claimcell"),
        nbformat.v4.new_code_cell("plots.bars()", outputs=[picture], id="picturecell"),
        nbformat.v4.new_markdown_cell("## Next\n\nThe *left* bar is taller. More follows."),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_page_has_texts_for_its_pictures_and_nothing_from_outside(tmp_path):
    page = write_page(lesson(tmp_path / "04_lenet-seed0.ipynb")).read_text(encoding="utf-8")
    assert re.findall(r'<img[^>]*alt="([^"]*)"', page) == ["Bar chart. The left bar is taller. More follows."]
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_a_claim_of_the_report_leads_to_its_cell(tmp_path):
    notebook = lesson(tmp_path / "notebooks" / "04_lenet-seed0.ipynb")
    assert claim_anchors(notebook) == {"04-a": "cell-id=claimcell"}
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps(record(claims=[claim(0.1)])))
    report = write_report(tmp_path).read_text(encoding="utf-8")
    address, anchor = re.search(r'<a href="([^"#]*)#([^"]*)">04-a</a>', report).groups()
    assert f'id="{anchor}"' in write_page(notebook).read_text(encoding="utf-8")
    assert (tmp_path / address).exists()


def test_a_report_without_its_notebooks_shows_claims_without_links(tmp_path):
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps(record(claims=[claim(0.1)])))
    assert '<td class="id" data-label="claim">04-a</td>' in write_report(tmp_path).read_text(encoding="utf-8")

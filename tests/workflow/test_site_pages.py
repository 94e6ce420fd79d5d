"""What the site makes from notebooks and records: alternative texts, anchors, ledger, glossary, reference."""

import json
import re

import pytest

from workflow.cells import LONGEST
from workflow.lessons import ROOT, find_lessons
from workflow.markdown import escape
from workflow.records import MEDIA_TYPE, load_records
from workflow.site import lessons, pages, reference
from workflow.site.sources import BUDGET

PICTURE = [
    {"output_type": "display_data", "data": {"image/png": "AA", "text/plain": "<Figure>"}, "metadata": {}}
]


def code(source, outputs=()):
    return {"cell_type": "code", "id": "c", "metadata": {}, "source": source, "outputs": list(outputs)}


def markdown(source):
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": source}


@pytest.mark.parametrize(
    ("source", "reading", "expected"),
    [
        (
            'plots.lines(x, y, x_label="epoch", y_label="loss")',
            "It *falls* by $e^t$. Then it\nrises.\n\nMore.",
            "Line plot of loss against epoch. It falls by e^t. Then it rises.",
        ),
        (
            'plots.bars(a, x_label="accuracy", y_label="network")',
            "See [lesson 3](03.ipynb).",
            "Bar chart of accuracy by network. See lesson 3.",
        ),
        (
            'plots.heatmap(t, x_label="map of C3", y_label="map of S2", value_label="connected")',
            "Six see three.",
            "Heatmap of connected, map of S2 against map of C3. Six see three.",
        ),
        ("color = plots.network_color(n)\nplots.image_grid(a)", "Two shirts:", "Pictures. Two shirts."),
        ("figure", "A drawing.", "Figure. A drawing."),
    ],
)
def test_a_figure_is_described_by_its_code_and_its_reading(source, reading, expected):
    cells = [code(source, PICTURE), code("1 + 1"), markdown(reading)]
    assert lessons.alternative_text(cells, 0) == expected


def test_a_long_reading_ends_with_a_sentence():
    sentences = [f"Sentence number {i} says something of the figure." for i in range(20)]
    text = lessons.alternative_text([code("plots.lines(x)"), markdown(" ".join(sentences))], 0)
    assert text.endswith(".")
    assert len(text) < LONGEST + 20


def test_every_figure_of_the_course_has_a_text_of_its_own():
    for lesson in find_lessons():
        notebook = json.loads(lesson.notebook.read_text(encoding="utf-8"))
        shown = [c for c in lessons.page(notebook)["cells"] if lessons.has_picture(c)]
        texts = [cell["metadata"]["mystnb"]["image"]["alt"] for cell in shown]
        assert texts, lesson.name
        assert all(len(text) > 30 for text in texts), (lesson.name, min(texts, key=len))
        assert len(set(texts)) == len(texts), lesson.name


def test_a_claim_gets_an_anchor_before_its_cell_and_the_record_is_left_out():
    record = {"output_type": "execute_result", "data": {MEDIA_TYPE: {}, "text/plain": "row"}, "metadata": {}}
    two = 'lesson.claim(\n    "01-a", "A.")\nlesson.claim("01-b", "B.")'
    notebook = {"cells": [markdown("# 01 T\n"), code(two), code("lesson.record()", [record])], "nbformat": 4}
    shown = lessons.page(notebook)
    kinds = [cell["cell_type"] for cell in shown["cells"]]
    assert kinds == ["markdown", "markdown", "code", "code"]
    assert shown["cells"][1]["source"] == "(claim-01-a)=\n(claim-01-b)="
    assert shown["cells"][3]["outputs"][0]["data"] == {"text/plain": "row"}
    assert notebook["cells"][2]["outputs"][0]["data"] == {MEDIA_TYPE: {}, "text/plain": "row"}
    assert lessons.claims(notebook) == ["01-a", "01-b"]


def test_the_parts_hold_every_lesson_once():
    found = find_lessons()
    assert [lesson for _, members in lessons.parts(found) for lesson in members] == found
    trees = lessons.toctrees(found)
    assert re.findall(r"^notebooks/(\w+)$", trees, re.M) == [lesson.name for lesson in found]


def test_the_ledger_shows_every_recorded_claim_with_its_place():
    records, _ = load_records(ROOT / "reference" / BUDGET)
    claims = {
        lesson.name: lessons.claims(json.loads(lesson.notebook.read_text(encoding="utf-8")))
        for lesson in find_lessons()
    }
    page = pages.ledger_page(records, claims)
    recorded = {claim["id"] for record in records for claim in record["claims"]}
    made = {claim for of_lesson in claims.values() for claim in of_lesson}
    assert recorded & made
    for claim in recorded & made:
        assert f"| [{escape(claim)}](#claim-{claim}) |" in page, f"{claim} leads to no lesson"
    for claim in recorded - made:  # of a lesson that has changed since
        assert f"| {escape(claim)} |" in page
    assert page.index("## Does not hold") < page.index("## Holds")


def test_a_claim_whose_lesson_is_gone_is_shown_without_a_link():
    records, _ = load_records(ROOT / "reference" / BUDGET)
    page = pages.ledger_page(records[:1], {})
    assert escape(records[0]["claims"][0]["id"]) in page
    assert "](" not in page


def test_a_ledger_without_records_says_so():
    assert "No run is recorded" in pages.ledger_page([], {})


def test_glossary_entries_become_terms_with_links():
    page = pages.glossary_page("# G\n\nIntro.\n\n- **a**: one. (01)\n- **b**: two. (09)\n", {"01": "01_x"})
    assert page.startswith("# G\n\nIntro.\n")
    assert "a\n  one. ([lesson 01](notebooks/01_x.ipynb))" in page
    assert "b\n  two. (lesson 09)" in page


def test_the_glossary_keeps_every_entry():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    names = {lesson.number: lesson.name for lesson in find_lessons()}
    page = pages.glossary_page(text, names)
    entries = re.findall(r"^- \*\*(.+?)\*\*: .+ \((\d\d)\)$", text, re.M)
    assert entries
    for term, number in entries:
        link = (
            rf"\[lesson {number}\]\(notebooks/{names[number]}.ipynb\)"
            if number in names
            else f"lesson {number}"
        )
        assert re.search(rf"^{re.escape(term)}\n  .+ \({link}\)$", page, re.M), term


def test_the_reference_holds_every_public_name():
    import cnnlib
    from cnnlib import networks, training

    made = reference.api_pages()
    assert cnnlib.__name__ == "cnnlib"
    for module, name in ((networks, "networks.md"), (training, "training.md")):
        for public in module.__all__:
            assert re.search(rf"\.\. auto(class|function|data):: {public}$", made[name], re.M), public
    for row in networks.catalogue():
        assert f"| `{row}` |" in made["networks.md"]
    assert ".. autofunction:: residual_block" in made["networks.md"]


def test_escaped_words_hold_no_markup():
    assert escape("a|b *c* $d$ [e](f)") == r"a\|b \*c\* \$d\$ \[e\]\(f\)"

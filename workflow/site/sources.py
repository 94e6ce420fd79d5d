"""The sources of the site: what is written in docs/, with the lessons and the pages that are made beside it."""

import json
import shutil
from pathlib import Path

from workflow.files import write_text
from workflow.lessons import ROOT, find_lessons
from workflow.records import load_records
from workflow.site import gallery, lessons, pages, reference

DOCS = ROOT / "docs"
BUDGET = "cpu"  # the budget whose kept records the ledger shows
MARKER = "<!-- lessons -->"  # where docs/index.md wants the tables of contents


def write_sources(target):
    """Write all sources below `target`, which is emptied first; the network is not used, no notebook runs.

    Returns:
        {path relative to `target`: the committed notebook} of the lessons.
    """
    target = Path(target)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(DOCS, target, ignore=shutil.ignore_patterns("conf.py", "_static", "_build"))
    found = find_lessons()
    claims = {}
    for lesson in found:
        notebook = json.loads(lesson.notebook.read_text(encoding="utf-8"))
        claims[lesson.name] = lessons.claims(notebook)
        _write(target / "notebooks" / lesson.notebook.name, json.dumps(lessons.page(notebook)))
    index = target / "index.md"
    write_text(index, index.read_text(encoding="utf-8").replace(MARKER, lessons.toctrees(found)))
    glossary = target / "glossary.md"
    names = {lesson.number: lesson.name for lesson in found}
    write_text(glossary, pages.glossary_page(glossary.read_text(encoding="utf-8"), names))
    records, _ = load_records(ROOT / "reference" / BUDGET)
    _write(target / "ledger.md", pages.ledger_page(records, claims))
    for name, page in reference.api_pages().items():
        _write(target / "api" / name, page)
    _write(target / "gallery.md", gallery.gallery_page(target / "gallery"))
    return {f"notebooks/{lesson.notebook.name}": lesson.notebook for lesson in found}


def _write(path, words):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, words)

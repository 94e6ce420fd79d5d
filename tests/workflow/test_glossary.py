"""The glossary is in order, complete sentences apart, and points to lessons that use its terms."""

import re

from workflow.lessons import ROOT

ENTRY = re.compile(r"- \*\*(.+)\*\*: (.+) \((\d\d)\)")
SCRIPTS = {
    path.name[:2]: path.read_text(encoding="utf-8") for path in (ROOT / "notebooks/scripts").glob("*.py")
}


def entries():
    """[(term, definition, number of the lesson)] of the glossary."""
    lines = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    found = [ENTRY.fullmatch(line) for line in lines if line.startswith("- ")]
    assert all(found), "an entry reads: - **term**: definition. (NN)"
    return [match.groups() for match in found]


def missing(terms_and_lessons):
    """Terms that the lesson named with them does not contain, in any case and across line breaks."""
    return [
        (term, number)
        for term, number in terms_and_lessons
        if not _contains(SCRIPTS[number], term.removesuffix("s"))
    ]


def _contains(script, term):
    text = " ".join(re.sub(r"^# ?", "", line) for line in script.splitlines())
    return term.lower() in re.sub(r"[*`\s]+", " ", text).lower()


def test_terms_stand_in_alphabetical_order_and_once():
    terms = [term.lower() for term, _, _ in entries()]
    assert terms == sorted(set(terms))


def test_each_term_is_used_in_the_lesson_that_introduces_it():
    assert not missing([(term, number) for term, _, number in entries()])


def test_a_term_that_no_lesson_uses_is_found():
    assert missing([("kernel", "01"), ("phlogiston", "01")]) == [("phlogiston", "01")]

"""Pages made from what is recorded: the claims ledger, and the glossary with links to the lessons."""

import re

from workflow.leaderboard import leaderboard
from workflow.ledger import ORDER, make_ledger
from workflow.markdown import escape, table
from workflow.site import lessons

MEANING = {
    "does not hold": "What was said, and did not come out so. These teach most.",
    "not decided": "The interval of the measured differences contains zero, or there are fewer than three seeds.",
    "holds": "Decided by arithmetic, or by the interval of the differences over the seeds.",
}


def ledger_page(records, claims_of_lessons):
    """The ledger of kept records in MyST: the networks, and every claim with a link to its place in its lesson.

    Args:
        records: of one budget; none gives a page that says so.
        claims_of_lessons: {name of a lesson: identifiers of its claims} of the lessons that the site holds.
    """
    lines = ["# Claims ledger", ""]
    if not records:
        return "\n".join([*lines, "No run is recorded in this repository yet.", ""])
    entries = make_ledger(records)
    counts = [sum(entry.verdict == verdict for entry in entries) for verdict in ORDER]
    seeds = sorted({r["seed"] for r in records})
    processors, backends, precisions = (
        escape(" and ".join(sorted(values)))
        for values in (
            {r["provenance"]["cpu"] for r in records},
            {r["backend"] for r in records},
            {r["precision"] for r in records},
        )
    )
    lines += [
        "Each lesson states claims of the papers and tests them. This is what a run at budget "
        f"`{records[0]['budget']}` gave, with the seed{'s' if len(seeds) > 1 else ''} "
        f"{', '.join(map(str, seeds))}, on {processors} with {backends} in {precisions}: "
        f"{counts[0]} claims do not hold, {counts[1]} are not decided, {counts[2]} hold.",
        "",
        "The page is made from the records of that run; none of its numbers is typed. A claim's name leads to the",
        "place in its lesson where it is tested. A claim about training needs at least three seeds to be decided.",
        "",
    ]
    for verdict in ORDER:
        chosen = [entry for entry in entries if entry.verdict == verdict]
        if chosen:
            rows = [
                (
                    _claim_link(entry, claims_of_lessons),
                    *map(escape, (entry.statement, entry.measured, entry.source)),
                )
                for entry in chosen
            ]
            lines += [f"## {verdict.capitalize()}", "", MEANING[verdict], ""]
            lines += [*table(("claim", "statement", "measured", "source"), rows), ""]
    board = [
        (
            escape(row["label"]),
            _lesson_link(row["lesson"], claims_of_lessons),
            f"{row['accuracy']:.4f}",
            "" if row["spread"] is None else f"{row['spread']:.4f}",
            f"{row['params']:,}",
            f"{row['macs']:,}",
            f"{row['seconds']:.0f}",
        )
        for row in leaderboard(records)
    ]
    headings = ("network", "lesson", "test accuracy", "spread", "parameters", "multiply-adds", "training, s")
    lines += ["## Networks of that run", "", *table(headings, board), ""]
    return "\n".join(lines)


def _claim_link(entry, claims_of_lessons):
    if entry.identifier in claims_of_lessons.get(entry.lesson, ()):
        return f"[{escape(entry.identifier)}](#{lessons.anchor(entry.identifier)})"
    return escape(entry.identifier)


def _lesson_link(lesson, claims_of_lessons):
    return f"[{lesson[:2]}](notebooks/{lesson}.ipynb)" if lesson in claims_of_lessons else lesson[:2]


def glossary_page(markdown, names):
    """The glossary as Sphinx wants it, so that terms are found by search; lesson numbers become links.

    Args:
        markdown: docs/glossary.md, entries `- **term**: definition. (NN)`.
        names: {number of a lesson: its name}.
    """
    head, _, entries = markdown.partition("\n- **")
    terms = []
    for term, definition, number in re.findall(r"^- \*\*(.+?)\*\*: (.+) \((\d\d)\)$", "- **" + entries, re.M):
        link = (
            f"[lesson {number}](notebooks/{names[number]}.ipynb)" if number in names else f"lesson {number}"
        )
        terms += [term, f"  {definition} ({link})", ""]
    return "\n".join([head.rstrip(), "", "````{glossary}", *terms, "````", ""])

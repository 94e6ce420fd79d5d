"""Claims: statements of papers and notes, each tested by a lesson.

Two kinds. An *arithmetic* claim (a count, an identity) is decided where it is computed. A *training* claim is about
what training does; one seed gives one paired difference, which is recorded. Only the ledger, over the seeds of a
run, decides it.
"""

import math

from cnnlib.lesson.state import current, keep

RECORDED = "recorded for this seed; the ledger decides over the seeds of a run"
NOT_AT_QUICK = "not decided at this budget"


def claim(identifier, statement, *, source, measured, holds=None, difference=None):
    """State a claim and its verdict, and keep both for the record.

    Args:
        identifier: unique in the course, for instance "04-parameters". Stated again, as when a cell is run a second
            time, it replaces what was stated before.
        statement: the claim in one sentence.
        source: paper, table or note that makes it.
        measured: what was measured, in words and figures; printed for arithmetic claims, recorded for all.
        holds: arithmetic claims: whether it holds.
        difference: training claims: the paired difference of this seed, positive where it supports the
            statement.

    Raises:
        ValueError: not exactly one of `holds` and `difference` was given, or a difference that is not finite.
    """
    state = current()
    if (holds is None) == (difference is None):
        raise ValueError(
            f"claim {identifier!r} needs `holds` (arithmetic) or `difference` (training), and not both"
        )
    if difference is not None and not math.isfinite(difference):
        raise ValueError(f"claim {identifier!r}: difference={difference!r} must be a finite number")
    if difference is None:
        kind, verdict = "arithmetic", "holds" if holds else "does not hold"
    else:
        kind, verdict = "training", NOT_AT_QUICK if state.budget == "quick" else RECORDED
    keep(
        state.claims,
        "id",
        {
            "id": identifier,
            "statement": statement,
            "source": source,
            "kind": kind,
            "measured": measured,
            "difference": None if difference is None else float(difference),
            "verdict": verdict if difference is None else "not decided",
        },
    )
    print(f"claim {identifier}: {statement}")
    if difference is None:
        print(f"  measured: {measured}")
    print(f"  verdict: {verdict}")

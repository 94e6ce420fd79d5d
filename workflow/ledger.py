"""The claims ledger: each claim of a run with its verdict over the run's seeds."""

from dataclasses import dataclass

from workflow.intervals import MINIMUM_SEEDS, interval_of_the_mean

ORDER = ("does not hold", "not decided", "holds")  # failures first: they teach most


@dataclass(frozen=True)
class Entry:
    """A claim as the ledger shows it; `mean`, `low`, `high` are of the paired differences, where it has them."""

    identifier: str
    statement: str
    source: str
    lesson: str
    verdict: str
    measured: str
    seeds: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None


def make_ledger(records):
    """The entries of a run, failures first.

    An arithmetic claim holds when it held with every seed. A training claim holds when the 95% confidence interval
    (Student's t) of its paired differences over at least three seeds lies above 0, does not hold when it lies
    below, and is not decided otherwise or at budget quick.
    """
    grouped = {}
    for record in records:
        for claim in record["claims"]:
            grouped.setdefault(claim["id"], []).append((record, claim))
    entries = [_entry(group) for group in grouped.values()]
    return sorted(entries, key=lambda e: (ORDER.index(e.verdict), e.identifier))


def _entry(group):
    record, claim = group[0]
    common = {
        "identifier": claim["id"],
        "statement": claim["statement"],
        "source": claim["source"],
        "lesson": record["lesson"],
        "seeds": len(group),
    }
    if claim["kind"] == "arithmetic":
        failed = [c for _, c in group if c["verdict"] != "holds"]
        shown = failed[0] if failed else claim
        return Entry(**common, verdict="does not hold" if failed else "holds", measured=shown["measured"])
    mean, low, high = interval_of_the_mean([c["difference"] for _, c in group])
    verdict = "not decided"
    if len(group) >= MINIMUM_SEEDS and record["budget"] != "quick":
        verdict = "holds" if low > 0 else "does not hold" if high < 0 else "not decided"
    measured = (
        claim["measured"]
        if len(group) == 1
        else f"mean difference {mean:+.4f}, 95% from {low:+.4f} to {high:+.4f}"
    )
    return Entry(**common, verdict=verdict, measured=measured, mean=mean, low=low, high=high)

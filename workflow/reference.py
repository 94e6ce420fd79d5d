"""Keep the records of a run that took place under `reference/<budget>/`, beside which later runs are shown."""

from workflow.files import write_json, write_text
from workflow.leaderboard import leaderboard
from workflow.ledger import make_ledger
from workflow.lessons import UsageError
from workflow.markdown import table
from workflow.records import REFERENCE, load_records, processor, read_run


def keep_records(folder, budget, reference=REFERENCE):
    """Copy the records of a run into `reference/<budget>/` and tell in its README.md what they say.

    Returns:
        the paths that were written.

    Raises:
        UsageError: no record, an unreadable one, one of another budget, or one whose code was not committed.
    """
    records = read_run(folder)
    for record in records:
        name = f"{record['lesson']}-seed{record['seed']}"
        if record["budget"] != budget:
            raise UsageError(
                f"{name} is of budget {record['budget']}, and {budget} was to be kept; name it with BUDGET="
            )
        if record["provenance"].get("dirty", True):
            raise UsageError(f"{name} was made by code that is not committed; commit, and run it again")
    target = reference / budget
    target.mkdir(parents=True, exist_ok=True)
    paths = [target / f"{record['lesson']}-seed{record['seed']}.json" for record in records]
    for path, record in zip(paths, records, strict=True):
        write_json(path, record)
    page = target / "README.md"
    write_text(page, summary(load_records(target)[0], budget))
    return [*paths, page]


def summary(records, budget):
    """The page of a reference folder in Markdown: networks, and every claim with its verdict."""
    board = [
        (
            row["label"],
            row["lesson"],
            f"{row['accuracy']:.4f}",
            "" if row["spread"] is None else f"{row['spread']:.4f}",
            row["seeds"],
            "" if row["peer_median"] is None else f"{row['peer_median']:.3f}",
            f"{row['params']:,}",
            f"{row['macs']:,}",
            f"{row['seconds']:.0f}",
        )
        for row in leaderboard(records)
    ]
    claims = [
        (entry.verdict, entry.identifier, entry.statement, entry.seeds, entry.measured, entry.source)
        for entry in make_ledger(records)
    ]
    machines = sorted({f"{processor(r['provenance'])}, {r['backend']}, {r['precision']}" for r in records})
    headings = ("network", "lesson", "test accuracy", "spread", "seeds", "peer's median", "parameters", "MACs",
                "training, s")  # fmt: skip
    return "\n".join(
        [
            f"# Recorded results, budget {budget}",
            "",
            "Written by `make reference` from the records in this folder; nothing is typed. Spread is the standard",
            "deviation over the seeds; accuracies on other data than most come last. A training claim",
            "is decided by the 95% interval of its paired differences.",
            "",
            f"Machines: {'; '.join(machines)}.",
            "",
            *table(headings, map(_plain, board)),
            "",
            "## Claims, failures first",
            "",
            *table(("verdict", "claim", "statement", "seeds", "measured", "source"), map(_plain, claims)),
            "",
        ]
    )


def _plain(row):
    return [str(cell).replace("|", "\\|") for cell in row]

"""Two runs side by side: which results differ by more than their spread, and which claims got another verdict."""

import pandas as pd

from workflow.intervals import MINIMUM_SEEDS, interval_of_a_new_value
from workflow.ledger import make_ledger
from workflow.lessons import UsageError
from workflow.records import by_network, read_run


def compare_runs(first, second):
    """The report of a comparison as text, and whether a result left its interval: (text, bool).

    A network's test accuracies in the first run, over at least three seeds, give the interval in which a further run
    lies with 95% (Student's t, for one new value). Counts must be equal exactly, and equal digests mean equal weights.

    Raises:
        UsageError: a run without records, or records that cannot be read.
    """
    groups = [by_network(read_run(folder)) for folder in (first, second)]
    pairs = [_row(key, groups[0][key], groups[1][key]) for key in groups[0] if key in groups[1]]
    if not pairs:
        raise UsageError(f"{first} and {second} have no lesson in common")
    parts = [pd.DataFrame([row for row, _ in pairs]).to_string(index=False)]
    for key in sorted(set(groups[0]) ^ set(groups[1])):
        where = "first" if key in groups[0] else "second"
        parts.append(f"only in the {where} run: {key[0]} {key[1]}")
    parts += _changed_verdicts(*groups)
    return "\n".join(parts), any(left for _, left in pairs)


def _row(key, first, second):
    """A line of the table, and whether the result left what was to be expected."""
    accuracies = [[r["test_accuracy"] for r in group] for group in (first, second)]
    means = [sum(values) / len(values) for values in accuracies]
    interval = interval_of_a_new_value(accuracies[0])
    verdict, left = _verdict(first, second, accuracies[1], interval)
    row = {
        "lesson": key[0],
        "network": key[1],
        "first": f"{means[0]:.4f}",
        "second": f"{means[1]:.4f}",
        "difference": f"{means[1] - means[0]:+.4f}",
        "interval": "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
        "verdict": verdict,
    }
    return row, left


def _verdict(first, second, accuracies, interval):
    for count in ("params", "macs"):
        if first[0][count] != second[0][count]:
            return f"{count} changed: {first[0][count]:,} and {second[0][count]:,}", True
    digests = [{r["seed"]: r["digest"] for r in group} for group in (first, second)]
    common = digests[0].keys() & digests[1].keys()
    if common and all(digests[0][seed] == digests[1][seed] for seed in common):
        return "the same weights to the bit", False
    if interval is None:
        return f"no interval: the first run has fewer than {MINIMUM_SEEDS} seeds", False
    outside = [value for value in accuracies if not interval[0] <= value <= interval[1]]
    if outside:
        return f"left its interval: {', '.join(f'{v:.4f}' for v in outside)}", True
    return "within the spread", False


def _changed_verdicts(*groups):
    verdicts = [
        {e.identifier: e.verdict for e in make_ledger([r for group in run.values() for r in group])}
        for run in groups
    ]
    common = sorted(verdicts[0].keys() & verdicts[1].keys())
    return [
        f"claim {name}: {verdicts[0][name]} -> {verdicts[1][name]}"
        for name in common
        if verdicts[0][name] != verdicts[1][name]
    ]

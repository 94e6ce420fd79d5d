"""The networks of a run, best first, beside their peers and the results kept under `reference/`.

Accuracies on different test images say nothing beside each other: the data that most networks were tested on come
first, and `comparable` tells these rows from the others.
"""

import pandas as pd

from workflow.records import REFERENCE, by_network, load_records

COLLAPSED = 0.5  # test accuracy under which a training is said to have collapsed


def leaderboard(records):
    """One row a lesson and network, best first within its data: means over seeds, their spread, a peer's median."""
    if not records:
        return []
    peers = pd.read_csv(REFERENCE / "peers.csv").set_index("network")
    references = reference_accuracies(records[0]["budget"])
    rows = []
    for (lesson, network), group in by_network(records).items():
        accuracies = pd.Series([r["test_accuracy"] for r in group])
        peer = peers.loc[network] if network in peers.index else None
        rows.append(
            {
                "lesson": lesson,
                "network": network,
                "seeds": len(group),
                "accuracy": accuracies.mean(),
                "spread": accuracies.std() if len(group) > 1 else None,
                "top5": pd.Series([r["top5"] for r in group]).mean(),
                "params": group[0]["params"],
                "macs": group[0]["macs"],
                "activation_mb": group[0].get("activation_bytes", 0) / 2**20,
                "collapses": int((accuracies < COLLAPSED).sum()),
                "seconds": pd.Series([r["seconds"] for r in group]).median(),
                "images_per_second": pd.Series([r["images_per_second"] for r in group]).median(),
                # Multiply-adds of the forward pass only, of the images trained on.
                "gmacs_per_second": pd.Series(
                    [r["macs"] * r["images_per_second"] / 1e9 for r in group]
                ).median(),
                "peer_median": None if peer is None else peer["median"],
                "reference": references.get((lesson, network)),
                "peer": "" if peer is None else peer["peer"],
                "page": f"notebooks/{lesson}-seed{group[0]['seed']}.html",
                "data": group[0]["provenance"]["data"],
            }
        )
    main_data = pd.Series([row["data"] for row in rows]).mode()[0]
    for row in rows:
        row["comparable"] = row["data"] == main_data
        row["label"] = row["network"] if row["comparable"] else f"{row['network']} (on {row['data']})"
    return sorted(rows, key=lambda row: (not row["comparable"], row["data"], -row["accuracy"]))


def reference_accuracies(budget, reference=None):
    """`{(lesson, network): mean test accuracy}` of the kept records; empty where there are none."""
    groups = by_network(load_records((reference or REFERENCE) / budget)[0])
    return {key: pd.Series([r["test_accuracy"] for r in group]).mean() for key, group in groups.items()}

"""`report.html` of a run: results, curves, claims and provenance in one file that opens from disk."""

import base64
import io
import json
from datetime import UTC, datetime

import jinja2
import pandas as pd

from workflow.files import write_text
from workflow.leaderboard import leaderboard
from workflow.ledger import make_ledger
from workflow.lessons import ROOT
from workflow.pages import claim_anchors
from workflow.records import accelerator, by_network, load_records, processor
from workflow.results import write_results

TEMPLATE_FOLDER = ROOT / "workflow" / "templates"


def write_report(folder, wall_seconds=None):
    """Write `report.html`, `results.json` and `results.csv` from the records in `folder`, also of a half-finished run.

    Returns:
        the path of the page.
    """
    records, faults = load_records(folder)
    board = leaderboard(records)
    ledger = make_ledger(records)
    page = _environment().get_template("report.html.j2").render(
        budget=", ".join(dict.fromkeys(record["budget"] for record in records)) or folder.name,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        wall_seconds=wall_seconds,
        board=board,
        runs=_further_runs(records),
        quantities=_quantities(records),
        ledger=ledger,
        links=_claim_links(folder, ledger, records),
        # Runs without Jupyter keep no pages of their lessons.
        pages={page.relative_to(folder).as_posix() for page in folder.glob("notebooks/*.html")},
        failures=_failures(folder),
        missing=_missing(folder, records),
        faults=faults,
        figures=_figures(records, board),
        records=records,
        provenance=_provenance(records),
    )  # fmt: skip
    path = folder / "report.html"
    write_text(path, page)
    write_results(folder, board)
    return path


def _further_runs(records):
    return [{"lesson": r["lesson"], "seed": r["seed"], **run} for r in records for run in r.get("runs", [])]


def _quantities(records):
    """One row for each quantity that a lesson asserts, over the seeds of the run."""
    found = {}
    for record in records:
        for quantity in record.get("quantities", []):
            found.setdefault((record["lesson"], quantity["name"]), []).append(quantity)
    rows = []
    for (lesson, name), quantities in found.items():
        values = [quantity["value"] for quantity in quantities]
        low, high = quantities[0]["derived"] or quantities[0]["declared"]
        row = {
            "lesson": lesson,
            "name": name,
            "seeds": len(values),
            "least": min(values),
            "largest": max(values),
        }
        rows.append({**row, "low": low, "high": high, "derived": bool(quantities[0]["derived"])})
    return rows


def _claim_links(folder, ledger, records):
    """`{claim id: address}` of the cell that tests a claim, in the page of the executed lesson."""
    seed = {record["lesson"]: record["seed"] for record in reversed(records)}
    anchors = {
        lesson: claim_anchors(folder / "notebooks" / f"{lesson}-seed{first}.ipynb")
        for lesson, first in seed.items()
    }
    return {
        entry.identifier: f"notebooks/{entry.lesson}-seed{seed[entry.lesson]}.html#{anchor}"
        for entry in ledger
        if (anchor := anchors[entry.lesson].get(entry.identifier))
    }


def _failures(folder):
    files = sorted((folder / "failed").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def _missing(folder, records):
    """Jobs of the last selection without a record and without a failure: not run yet."""
    try:
        chosen = json.loads((folder / "selection.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    there = {f"{r['lesson']}-seed{r['seed']}" for r in records}
    failed = {path.stem for path in (folder / "failed").glob("*.json")}
    return [name for name in chosen if name not in there | failed]


def _provenance(records):
    """Each fact of the provenance with the values that occur in the run; one value is the normal case."""
    facts = {}
    for record in records:
        p = record["provenance"]
        packages = p["packages"]
        for name, value in {
            "commit": f"{p.get('commit')}{' with uncommitted changes' if p.get('dirty') else ''}",
            "lock file (SHA-256)": p.get("lock_sha256"),
            "data": f"{p['data']} ({p['data_sha256']})",
            "backend": f"{record['backend']} {packages.get(record['backend']) or packages.get('tensorflow-cpu')}",
            "Keras": packages.get("keras"),
            "Python": p["python"],
            "processor": processor(p),
            "accelerator": accelerator(p),
            "determinism": ", ".join(f"{k}={v}" for k, v in p["determinism"].items()) or "as the backend is",
            "threads of a job": str(record["threads"]),
            "precision": record["precision"],
            "seeds": str(record["seed"]),
        }.items():
            facts.setdefault(name, []).append(str(value))
    merged = {name: ", ".join(dict.fromkeys(values)) for name, values in facts.items()}
    walls = [
        f"{r['lesson'][:2]} seed {r['seed']}: {r['provenance']['wall_seconds']:.0f}"
        for r in records
        if "wall_seconds" in r["provenance"]
    ]
    return merged | ({"seconds of each lesson": "; ".join(walls)} if walls else {})


def _figures(records, board):
    """Pictures as data URIs with their alternative texts."""
    if not records:
        return []
    from cnnlib import networks, plots

    plots.use_family_styles(networks.styles())
    curves = {
        f"{network} ({lesson[:2]})": _mean_history(group)
        for (lesson, network), group in by_network(records).items()
    }
    comparable = [row for row in board if row["comparable"]]
    points = pd.DataFrame(comparable)[["network", "macs", "accuracy"]]
    return [
        _embed(
            plots.learning_curves(curves),
            "Learning curves of every network of the run, means over seeds: loss and accuracy by epoch",
        ),
        _embed(
            plots.accuracy_cost(points, cost="macs", cost_label="multiply-adds for one image"),
            f"Test accuracy on {comparable[0]['data']} of each network against its multiply-adds for one image",
        ),
    ]


def _mean_history(group):
    """The mean over seeds of each column and epoch; a training that stopped early counts as long as it ran."""
    return pd.concat([pd.DataFrame(record["history"]) for record in group]).groupby(level=0).mean()


def _embed(figure, text):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return {"uri": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), "alt": text}


def _environment():
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

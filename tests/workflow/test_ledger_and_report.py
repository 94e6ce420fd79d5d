import copy
import json
import math

import pytest
from scipy import stats

from workflow.intervals import interval_of_the_mean
from workflow.leaderboard import leaderboard, reference_accuracies
from workflow.ledger import make_ledger
from workflow.lessons import UsageError
from workflow.reference import keep_records
from workflow.report import write_report


def record(seed=0, budget="cpu", accuracy=0.9, claims=(), lesson="04_lenet", network="lenet5"):
    history = {
        "epoch": [1, 2],
        "train_loss": [1.0, 0.5],
        "validation_loss": [1.0, 0.6],
        "train_accuracy": [0.5, 0.8],
        "validation_accuracy": [0.5, 0.7],
    }
    provenance = {"python": "3.11", "packages": {"keras": "3"}, "cpu": "c", "cores": 2, "data": "d", "data_sha256": "0",
                  "lesson_seconds": 1.0, "determinism": {}}  # fmt: skip
    return {
        **{"schema_version": 1, "lesson": lesson, "network": network, "seed": seed, "budget": budget},
        **{"backend": "tensorflow", "threads": 2, "precision": "float32", "digest": "0" * 64},
        **{
            "test_accuracy": accuracy,
            "top5": 0.99,
            "params": 61706,
            "macs": 416520,
            "activation_bytes": 1000,
        },
        **{
            "seconds": 3.0,
            "images_per_second": 100.0,
            "history": history,
            "runs": [],
            "claims": list(claims),
        },
        "provenance": provenance,
    }


def claim(difference=None, verdict="not decided", identifier="04-a"):
    kind = "arithmetic" if difference is None else "training"
    return {"id": identifier, "statement": "It <is> so.", "source": "s", "kind": kind, "measured": "m",
            "difference": difference, "verdict": verdict}  # fmt: skip


def decide(differences, budget="cpu"):
    return make_ledger([record(seed, budget, claims=[claim(d)]) for seed, d in enumerate(differences)])[
        0
    ].verdict


def test_a_training_claim_needs_three_seeds_that_agree():
    assert decide([0.1, 0.11, 0.12]) == "holds"
    assert decide([-0.1, -0.11, -0.12]) == "does not hold"
    assert decide([0.1, -0.1, 0.05]) == "not decided"
    assert decide([0.1, 0.11]) == "not decided"
    assert decide([0.1, 0.11, 0.12], budget="quick") == "not decided"


def test_the_interval_is_students():
    values = [0.2, 0.5, 0.9, 0.4]
    mean, low, high = interval_of_the_mean(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert mean == pytest.approx(0.5)
    assert interval_of_the_mean([1.0])[1:] == (-math.inf, math.inf)


def test_an_arithmetic_claim_that_failed_once_has_failed():
    records = [
        record(s, claims=[claim(verdict=v)]) for s, v in enumerate(["holds", "does not hold", "holds"])
    ]
    assert make_ledger(records)[0].verdict == "does not hold"


def test_failures_come_first():
    claims = [claim(verdict="holds", identifier="04-a"), claim(verdict="does not hold", identifier="04-z")]
    assert [e.identifier for e in make_ledger([record(claims=claims)])] == ["04-z", "04-a"]


def test_the_leaderboard_has_mean_spread_and_the_peer():
    rows = leaderboard(
        [record(s, accuracy=a) for s, a in enumerate([0.8, 0.9])]
        + [record(lesson="05_alexnet", network="other")]
    )
    lenet = next(row for row in rows if row["network"] == "lenet5")
    assert lenet["accuracy"] == pytest.approx(0.85)
    assert lenet["spread"] == pytest.approx(0.0707, abs=1e-4)
    assert lenet["peer_median"] == 0.807
    other = next(row for row in rows if row["network"] == "other")
    assert (other["spread"], other["peer_median"]) == (None, None)


def test_an_accuracy_on_other_data_leads_no_leaderboard():
    others = record(accuracy=0.99, lesson="22_transfer", network="easier")
    others["provenance"]["data"] = "d, classes 5 to 9"
    rows = leaderboard([record(accuracy=0.8), others, record(lesson="05_alexnet", network="b", accuracy=0.9)])
    assert [row["label"] for row in rows] == ["b", "lenet5", "easier (on d, classes 5 to 9)"]
    assert [row["comparable"] for row in rows] == [True, True, False]


def test_the_report_tells_what_is_missing_and_escapes_what_it_shows(tmp_path):
    (tmp_path / "failed").mkdir()
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps(record(claims=[claim(0.1)])))
    broken = copy.deepcopy(record())
    del broken["digest"]
    (tmp_path / "05_alexnet-seed0.json").write_text(json.dumps(broken))
    (tmp_path / "06_vgg-seed0.json").write_text("{")
    failure = {"lesson": "07_nin", "seed": 0, "cell": 3, "error": "ValueError: <planted>"}
    (tmp_path / "failed" / "07_nin-seed0.json").write_text(json.dumps(failure))
    chosen = ["04_lenet-seed0", "07_nin-seed0", "08_googlenet-seed0"]
    (tmp_path / "selection.json").write_text(json.dumps(chosen))
    page = write_report(tmp_path).read_text()
    for text in (
        "It &lt;is&gt; so.",
        "&lt;planted&gt;",
        "not run yet: 08_googlenet-seed0",
        "05_alexnet-seed0.json",
        "06_vgg-seed0.json",
    ):
        assert text in page
    assert page.count("<img") == page.count(' alt="') == 2
    assert 'src="http' not in page
    assert "07_nin-seed0</li>" not in page
    assert page.count(">collapsed<") == 0
    assert "notebooks/" not in page  # a run without Jupyter keeps no pages to lead to
    (tmp_path / "notebooks").mkdir()
    for name in ("04_lenet-seed0", "07_nin-seed0"):
        (tmp_path / "notebooks" / f"{name}.html").write_text("")
    page = write_report(tmp_path).read_text()
    assert page.count('href="notebooks/04_lenet-seed0.html"') == 1
    assert page.count('href="notebooks/07_nin-seed0.html"') == 1


def test_an_empty_run_makes_a_report_too(tmp_path):
    assert "No lesson has a result yet" in write_report(tmp_path).read_text()


def kept(tmp_path, *records):
    """The records written as a run, then kept as a reference; the folder of the reference."""
    (tmp_path / "run").mkdir(exist_ok=True)
    for r in records:
        (tmp_path / "run" / f"{r['lesson']}-seed{r['seed']}.json").write_text(json.dumps(r))
    keep_records(tmp_path / "run", "cpu", tmp_path / "reference")
    return tmp_path / "reference"


def committed(**options):
    made = record(**options)
    made["provenance"]["dirty"] = False
    return made


def test_kept_records_tell_their_means_and_verdicts(tmp_path):
    claims = [claim(0.1, identifier="04-a"), claim(verdict="does not hold", identifier="04-b")]
    reference = kept(
        tmp_path, *(committed(seed=s, accuracy=a, claims=claims) for s, a in enumerate((0.8, 0.9, 0.85)))
    )
    assert reference_accuracies("cpu", reference) == {("04_lenet", "lenet5"): pytest.approx(0.85)}
    page = (reference / "cpu" / "README.md").read_text()
    assert "| lenet5 | 04_lenet | 0.8500 | 0.0500 | 3 | 0.807 |" in page
    assert page.index("| does not hold | 04-b") < page.index("| holds | 04-a |")


def test_what_cannot_be_vouched_for_is_not_kept(tmp_path):
    with pytest.raises(UsageError, match="no record"):
        keep_records(tmp_path, "cpu", tmp_path)
    with pytest.raises(UsageError, match="not committed"):
        kept(tmp_path, record())
    with pytest.raises(UsageError, match="is of budget quick"):
        kept(tmp_path, committed(budget="quick"))
    broken = committed()
    del broken["digest"]
    with pytest.raises(UsageError, match="digest"):
        kept(tmp_path, broken)


def test_the_report_has_a_column_for_the_reference_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.leaderboard.REFERENCE", tmp_path / "reference")
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "peers.csv").write_text("network,peer,runs,median,best\n")
    (tmp_path / "04_lenet-seed0.json").write_text(json.dumps(record()))
    assert ">reference<" not in write_report(tmp_path).read_text()
    kept(tmp_path, committed(accuracy=0.8765))
    page = write_report(tmp_path).read_text()
    assert ">reference<" in page
    assert "0.8765" in page


def test_results_hold_the_rows_of_the_report(tmp_path):
    for seed, accuracy in enumerate((0.8, 0.9)):
        (tmp_path / f"04_lenet-seed{seed}.json").write_text(json.dumps(record(seed, accuracy=accuracy)))
    write_report(tmp_path)
    rows = json.loads((tmp_path / "results.json").read_text())
    assert rows[0]["network"] == "lenet5"
    assert rows[0]["accuracy"] == pytest.approx(0.85)
    header, line = (tmp_path / "results.csv").read_text().splitlines()
    assert header.split(",")[:4] == ["lesson", "network", "seeds", "accuracy"]
    assert line.startswith("04_lenet,lenet5,2,0.85")


def test_the_report_tells_processors_of_one_name_apart_and_the_driver(tmp_path):
    rows = [record(seed) for seed in range(2)]
    rows[0]["provenance"] |= {"cpu_instructions": ["avx2"], "accelerator": "H", "accelerator_driver": "580.1"}
    for row in rows:
        (tmp_path / f"04_lenet-seed{row['seed']}.json").write_text(json.dumps(row))
    page = write_report(tmp_path).read_text()
    assert "c (avx2), c" in page
    assert "H (driver 580.1), none" in page

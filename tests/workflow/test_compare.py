"""Two runs side by side: what counts as a difference, and the exit status that tells it."""

import json
import subprocess
import sys

import pytest
from scipy import stats

from tests.workflow.test_ledger_and_report import claim, record
from workflow.compare import compare_runs
from workflow.intervals import interval_of_a_new_value
from workflow.lessons import ROOT, UsageError


def run_folder(path, accuracies, **changes):
    path.mkdir()
    for seed, accuracy in enumerate(accuracies):
        made = {
            **record(seed, accuracy=accuracy),
            "digest": f"{hash((path.name, seed)) & 0xFFFF:064x}",
            **changes,
        }
        (path / f"{made['lesson']}-seed{seed}.json").write_text(json.dumps(made))
    return path


def test_the_interval_is_students_for_one_new_value():
    low, high = interval_of_a_new_value([0.88, 0.90, 0.89])
    expected = stats.t.interval(0.95, 2, loc=0.89, scale=0.01 * (4 / 3) ** 0.5)
    assert (low, high) == pytest.approx(expected)
    assert interval_of_a_new_value([0.88, 0.90]) is None


def test_a_result_within_the_spread_and_one_that_left_it(tmp_path):
    first = run_folder(tmp_path / "first", [0.88, 0.90, 0.89])
    text, left = compare_runs(first, run_folder(tmp_path / "near", [0.87]))
    assert "within the spread" in text
    assert not left
    text, left = compare_runs(first, run_folder(tmp_path / "far", [0.70]))
    assert "left its interval: 0.7000" in text
    assert left


def test_equal_digests_mean_equal_weights_and_other_counts_are_told(tmp_path):
    first = run_folder(tmp_path / "first", [0.9], digest="1" * 64)
    text, left = compare_runs(first, run_folder(tmp_path / "same", [0.9], digest="1" * 64))
    assert "the same weights to the bit" in text
    assert not left
    text, left = compare_runs(first, run_folder(tmp_path / "other", [0.9], params=61_707))
    assert "params changed: 61,706 and 61,707" in text
    assert left


def test_changed_verdicts_and_missing_lessons_are_listed(tmp_path):
    first = run_folder(tmp_path / "first", [0.9], claims=[claim(verdict="holds")])
    second = run_folder(tmp_path / "second", [0.9], claims=[claim(verdict="does not hold")])
    (second / "05_alexnet-seed0.json").write_text(json.dumps(record(lesson="05_alexnet", network="alexnet")))
    text, _ = compare_runs(first, second)
    assert "claim 04-a: holds -> does not hold" in text
    assert "only in the second run: 05_alexnet alexnet" in text


def test_runs_that_cannot_be_compared_are_refused(tmp_path):
    first = run_folder(tmp_path / "first", [0.9])
    with pytest.raises(UsageError, match="no record"):
        compare_runs(first, run_folder(tmp_path / "empty", []))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "05_alexnet-seed0.json").write_text(
        json.dumps(record(lesson="05_alexnet", network="a"))
    )
    with pytest.raises(UsageError, match="no lesson in common"):
        compare_runs(first, tmp_path / "other")
    (first / "06_vgg-seed0.json").write_text("{")
    with pytest.raises(UsageError, match="06_vgg-seed0"):
        compare_runs(first, first)


def test_the_command_ends_with_status_1_where_a_result_left_its_interval(tmp_path):
    first = run_folder(tmp_path / "first", [0.88, 0.90, 0.89])
    far = run_folder(tmp_path / "far", [0.70])
    command = [sys.executable, "-m", "workflow.course", "compare", str(first)]
    assert subprocess.run([*command, str(first)], cwd=ROOT, capture_output=True).returncode == 0
    assert subprocess.run([*command, str(far)], cwd=ROOT, capture_output=True).returncode == 1
    done = subprocess.run([*command, str(tmp_path / "nowhere")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is no folder of a run" in done.stderr

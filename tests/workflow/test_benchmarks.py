"""The benchmarks' tables, and that they train what the lessons train. Their times are nobody's promise."""

import json

import pytest

from benchmarks import machine, sides, small_forms, stability, to_target, tune
from workflow.lessons import ROOT


@pytest.mark.parametrize("network", small_forms.SMALL_FORMS)
def test_a_small_form_is_the_network_of_its_lesson(network):
    form = small_forms.SMALL_FORMS[network]
    recorded = json.loads((ROOT / "reference" / "cpu" / f"{form.lesson}-seed0.json").read_text())
    model = small_forms.build(network, small_forms.parameters_of(network, "cpu"))
    assert recorded["network"] == network
    assert sum(v.value.shape.num_elements() for v in model.trainable_variables) == recorded["params"]


def test_recipes_come_from_the_budget_unless_told_otherwise():
    parameters = small_forms.parameters_of("nin", "cpu", "epochs=5")
    assert parameters["epochs"] == 5
    assert parameters["starts"] == 5
    assert small_forms.parameters_of("nin", "quick")["starts"] == 3
    assert small_forms.recipe_of("nin", parameters).schedule == "one_cycle"


def test_the_stability_table_counts_collapses_and_judges_the_spread():
    table = stability.table(
        {"nin": [0.8, 0.82, 0.1], "densenet_cifar": [0.85, 0.86, 0.87], "vgg11": [0.9, 0.91]}
    )
    assert list(table.collapsed) == [1, 0, 0]
    assert list(table["at most half"]) == [False, True, ""]
    assert list(table["peer's"]) == ["0.235", "0.068", ""]


def test_a_run_that_misses_the_median_counts_with_its_full_time():
    pair = {"d2l": {"seconds": 60.0, "accuracy": 0.5}, "ours": {"seconds": 12.0, "accuracy": 0.83}}
    row = to_target.table({"lenet5": [pair, pair]}).iloc[0]
    assert row["d2l's recipe, fit: reached"] == "0 of 2"
    assert row["ours: reached"] == "2 of 2"
    assert row["ratio"] == "5.00 (5.00 to 5.00)"


def test_tuning_marks_the_quickest_setting_that_suffices():
    rows = [
        {"validation accuracy": accuracy, "seconds": seconds}
        for accuracy, seconds in [(0.80, 3.0), (0.83, 9.0), (0.82, 7.0)]
    ]
    assert list(tune.table("lenet5", rows).chosen != "") == [False, False, True]
    assert not (tune.table("lenet5", rows[:1]).chosen != "").any()


def test_a_network_that_is_not_there_is_one_sentence(capsys):
    with pytest.raises(SystemExit):
        stability.main(["--networks", "nim"])
    assert "--networks: 'nim' must be one of lenet5, alexnet" in capsys.readouterr().err


def test_a_side_that_fails_ends_with_its_last_words():
    assert sides.run_side("-c", "print([1])") == [1]
    with pytest.raises(SystemExit, match=r"(?s)ended with status 1.*nothing to train"):
        sides.run_side("-c", "raise ValueError('nothing to train')")


def test_the_spread_is_the_median_with_its_range():
    assert machine.spread([3, 1, 2]) == "2.00 (1.00 to 3.00)"

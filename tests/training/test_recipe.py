import numpy as np
import pytest

from cnnlib.training import Recipe
from cnnlib.training.optimizers import learning_rates

WRONG = {
    "epochs": [0, -1, 2.5, True, "3"],
    "batch_size": [0, 1.5, None],
    "optimizer": ["rmsprop", "SGD", None],
    "schedule": ["linear", ""],
    "learning_rate": [0, -0.1, float("nan"), "1e-3", True],
    "momentum": [1.0, -0.1],
    "weight_decay": [-1e-4, None],
    "label_smoothing": [1.0, -0.1],
    "step_factor": [0, 1],
    "warmup_fraction": [0, 1, 2],
    "milestones": [(), (0.5, 0.5), (0.75, 0.5), (0, 0.5), (0.5, 1.0)],
    "clip_norm": [0, -1, float("nan")],
    "plateau_patience": [0, 1.5],
    "early_stopping_patience": [0, 0.5],
    "auxiliary_weight": [-1],
    "nesterov": [True],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_values_out_of_range_name_the_setting_the_value_and_the_bound(name, value):
    with pytest.raises(ValueError, match=f"{name}=") as caught:
        Recipe(**{"epochs": 1, name: value})
    assert repr(value) in str(caught.value)
    assert "must be" in str(caught.value)


def test_a_recipe_cannot_be_changed():
    recipe = Recipe(epochs=1)
    with pytest.raises(AttributeError):
        recipe.epochs = 2


rates = learning_rates


def test_one_cycle_rises_to_the_peak_and_falls_to_nothing():
    values = rates(Recipe(epochs=1, learning_rate=0.1, schedule="one_cycle", warmup_fraction=0.25), 100)
    assert values[0] == pytest.approx(0.1 / 25)
    assert np.argmax(values) == 25
    assert values[25] == pytest.approx(0.1)
    assert values[-1] == pytest.approx(0, abs=1e-8)
    assert all(np.diff(values[:26]) > 0)
    assert all(np.diff(values[25:]) < 0)


def test_step_lowers_the_rate_at_the_milestones():
    values = rates(
        Recipe(epochs=1, learning_rate=1.0, schedule="step", milestones=(0.5, 0.75), step_factor=0.1), 100
    )
    assert values[50] == pytest.approx(1.0)
    assert values[51] == pytest.approx(0.1)
    assert values[76] == pytest.approx(0.01)


def test_cosine_is_halfway_in_the_middle():
    values = rates(Recipe(epochs=1, learning_rate=0.2, schedule="cosine"), 100)
    assert values[50] == pytest.approx(0.1)
    assert values[100] == pytest.approx(0, abs=1e-8)


def test_the_table_shows_only_what_is_used():
    settings = set(Recipe(epochs=1, optimizer="adamw", schedule="one_cycle").table().index)
    assert {"epochs", "learning_rate", "warmup_fraction"} <= settings
    assert not {"momentum", "milestones", "plateau_patience"} & settings

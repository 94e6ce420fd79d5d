import keras
import numpy as np
import pytest

from cnnlib.training import Recipe
from cnnlib.training.losses import classification_loss, correct_in_top, cross_entropy
from cnnlib.training.optimizers import settings_of

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(7, 5)).astype("float32")
LABELS = RANDOM.integers(0, 5, 7).astype("int32")


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def numpy_cross_entropy(smoothing):
    logs = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    target = (1 - smoothing) * np.eye(5)[LABELS] + smoothing / 5
    return -(target * logs).sum(axis=1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_the_formula(smoothing):
    assert np.allclose(
        number(cross_entropy(LABELS, LOGITS, smoothing)), numpy_cross_entropy(smoothing), atol=1e-5
    )


def test_auxiliary_outputs_count_with_their_weight():
    outputs = {"scores": LOGITS, "auxiliary_4a": 2 * LOGITS}
    value = number(
        classification_loss(LABELS, outputs, None, settings_of(Recipe(epochs=1, auxiliary_weight=0.3)))
    )
    expected = numpy_cross_entropy(0) + 0.3 * number(cross_entropy(LABELS, 2 * LOGITS))
    assert np.allclose(value, expected, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_counts_the_label_among_the_largest(k):
    expected = [label in np.argsort(row)[-k:] for row, label in zip(LOGITS, LABELS, strict=True)]
    assert np.array_equal(number(correct_in_top(LABELS, LOGITS, k)), np.array(expected, "float32"))


@pytest.mark.parametrize("k", [1, 5])
def test_scores_that_are_not_numbers_are_never_right(k):
    broken = np.full((2, 3), np.nan, "float32")
    assert not number(correct_in_top(np.array([0, 1], "int32"), broken, k)).any()


def test_equal_scores_are_right_by_chance_only():
    labels, constant = np.arange(4, dtype="int32"), np.zeros((4, 4), "float32")
    assert number(correct_in_top(labels, constant, 1)).tolist() == [1, 0, 0, 0]
    assert number(correct_in_top(labels, constant, 2)).tolist() == [1, 1, 0, 0]

"""Exercises of lesson 16, capsules."""

import numpy as np

from cnnlib.lesson.quiz import exercise


def _squash(s):
    length = np.linalg.norm(s, axis=-1, keepdims=True)
    return s * length / (1 + length**2)


@exercise(
    "16-1",
    hint="the square of the length over one more than it",
    wrong_answers=(1, 0.75, 3, 0.3),
)
def squashed_length():
    return 3**2 / (1 + 3**2)


@exercise(
    "16-2",
    hint="a matrix of 8 x 16 for each pair of capsules",
    wrong_answers=(11_520, 128, 147_456, 184_320),
)
def weights_of_the_matrices():
    return 1152 * 10 * 8 * 16


@exercise(
    "16-3",
    hint="the class that is there lacks 0.1 to its margin; the others count half, and one lies within its margin",
    wrong_answers=(0.05, 0.01, 0.04, 0.02),
)
def margin_loss_of_three():
    return (0.9 - 0.8) ** 2 + 0.5 * (0.3 - 0.1) ** 2 + 0


def _judge_squash(answer, right):
    if not callable(answer):
        return "a function of vectors (N,d) is expected"
    vectors = np.random.default_rng(0).normal(size=(5, 4)) * np.array([[0.1], [1], [3], [10], [0]])
    with np.errstate(all="ignore"):
        result = np.asarray(answer(vectors.copy()))
    if result.shape != vectors.shape:
        return f"vectors of shape {vectors.shape} should keep it, not become {result.shape}"
    if not np.isfinite(result).all():
        return "the zero vector has no direction: take care not to divide by its length"
    if not np.allclose(result, right(vectors), atol=1e-6):
        return "the numbers are not right: |s|^2 / (1 + |s|^2) times s / |s|, for each row by itself"
    return None


@exercise(
    "16-4",
    hint="s times |s| / (1 + |s|^2) is the same, and needs no division by |s|",
    wrong_answers=(
        0.9,
        lambda s: s / np.linalg.norm(s, axis=-1, keepdims=True),
        lambda s: s * np.linalg.norm(s) / (1 + np.linalg.norm(s) ** 2),
        lambda s: s / (1 + np.linalg.norm(s, axis=-1, keepdims=True)),
        lambda s: np.linalg.norm(s, axis=-1),
    ),
    judge=_judge_squash,
)
def squash_rows():
    def squash(s):
        length = np.linalg.norm(s, axis=-1, keepdims=True)
        return s * length / (1 + length**2)

    return squash


def _judge_step(answer, right):
    if not callable(answer):
        return "a function of (predictions, agreement) is expected"
    random = np.random.default_rng(0)
    predictions, agreement = random.normal(size=(6, 3, 4)), random.normal(size=(6, 3))
    result = answer(predictions.copy(), agreement.copy())
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "two arrays are expected: the capsules above and the new agreement"
    above, new = (np.asarray(part) for part in result)
    expected_above, expected_new = right(predictions, agreement)
    if above.shape != (3, 4) or not np.allclose(above, expected_above):
        return "the capsules above are not right: softmax over them, weighted sum over those below, squash"
    if new.shape != (6, 3) or not np.allclose(new, expected_new):
        return "the new agreement is not right: the old one plus prediction times outcome"
    return None


def _step(axis=1, squash=_squash, keep=1):
    """A round of routing, with its softmax over `axis`, and a share of the old agreement that is kept."""

    def routing_step(predictions, agreement):
        weights = np.exp(agreement) / np.exp(agreement).sum(axis=axis, keepdims=True)
        above = squash(np.einsum("ij,ijd->jd", weights, predictions))
        return above, keep * agreement + np.einsum("ijd,jd->ij", predictions, above)

    return routing_step


@exercise(
    "16-5",
    hint="weights = softmax(agreement) over axis 1; above = squash(np.einsum('ij,ijd->jd', weights, predictions))",
    wrong_answers=(
        3,
        lambda predictions, agreement: agreement,
        _step(axis=0),
        _step(squash=lambda s: s),
        _step(keep=0),
    ),
    judge=_judge_step,
)
def round_of_routing():
    def routing_step(predictions, agreement):
        weights = np.exp(agreement) / np.exp(agreement).sum(axis=1, keepdims=True)
        s = np.einsum("ij,ijd->jd", weights, predictions)
        length = np.linalg.norm(s, axis=1, keepdims=True)
        above = s * length / (1 + length**2)
        return above, agreement + np.einsum("ijd,jd->ij", predictions, above)

    return routing_step

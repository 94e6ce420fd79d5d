"""Exercises of lesson 15, anti-aliasing."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "15-1",
    hint="the 8 gets the weight 2 of 4 at its own place",
    wrong_answers=(8, 2, 16, 3),
)
def peak_after_the_blur():
    return float(np.convolve([0, 8, 0, 0], [1, 2, 1], mode="same").max() / 4)


@exercise(
    "15-2",
    hint="at every second sample nobody can tell waves apart that add up to half a cycle a sample",
    wrong_answers=(0.4, 0.2, 0.8, 0.9),
)
def alias_of_a_wave():
    return 0.5 - 0.4


@exercise(
    "15-3",
    hint="as many multiplications for each place, and how many times as many places?",
    wrong_answers=(2, 1, 9, 16),
)
def growth_of_the_work():
    return (28 * 28) / (14 * 14)


def _judge_blur_pool(answer, right):
    if not callable(answer):
        return "a function of (signal, weights) is expected"
    random = np.random.default_rng(0)
    for count, weights in ((8, (1, 1)), (9, (1, 2, 1)), (12, (1, 3, 3, 1))):
        signal = random.normal(size=count)
        result, expected = np.asarray(answer(signal.copy(), weights)), right(signal, weights)
        if result.shape != expected.shape:
            return f"{count} samples and {len(weights)} weights should give {len(expected)} numbers, not {result.shape}"
        if not np.allclose(result, expected):
            return "the numbers are not right: weigh, add up, divide by the sum of the weights, keep every second"
    return None


@exercise(
    "15-4",
    hint="np.convolve(signal, weights, mode='valid') / sum(weights), and then [::2]",
    wrong_answers=(
        0,
        lambda signal, weights: np.convolve(signal, weights, mode="valid")[::2],
        lambda signal, weights: np.convolve(signal, weights, mode="valid") / sum(weights),
        lambda signal, weights: np.convolve(signal, weights, mode="valid")[1::2] / sum(weights),
        lambda signal, weights: np.convolve(signal, weights, mode="same")[::2] / sum(weights),
    ),
    judge=_judge_blur_pool,
)
def blur_and_subsample():
    def blur_pool(signal, weights):
        return np.convolve(signal, weights, mode="valid")[::2] / sum(weights)

    return blur_pool


def _judge_consistency(answer, right):
    if not callable(answer):
        return "a function of two arrays is expected"
    random = np.random.default_rng(0)
    pairs = [random.integers(0, 4, (2, count)) for count in (10, 37)] + [np.ones((2, 5), int)]
    for pair in pairs:
        if abs(float(answer(*pair)) - right(*pair)) > 1e-9:
            return "the share of places at which both arrays hold the same class is expected, between 0 and 1"
    return None


@exercise(
    "15-5",
    hint="the mean of a comparison: np.mean(a == b)",
    wrong_answers=(
        1.0,
        lambda a, b: (a == b).sum(),
        lambda a, b: np.mean(a != b),
        lambda a, b: float(a.mean() == b.mean()),
    ),
    judge=_judge_consistency,
)
def share_of_equal_answers():
    def consistency_of(answers, answers_moved):
        return float(np.mean(np.asarray(answers) == np.asarray(answers_moved)))

    return consistency_of

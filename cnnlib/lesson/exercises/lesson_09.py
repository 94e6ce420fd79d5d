"""Exercises of lesson 09, batch normalisation."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "09-1",
    hint="the two convolutions have 6 and 16 biases, the two dense layers in front of a normalisation 120 and 84",
    wrong_answers=(22, 236, 452, 10),
)
def dead_biases():
    return 6 + 16 + 120 + 84


@exercise(
    "09-2",
    hint="the mean is 4, the variance is the mean of 9, 1, 1 and 9; divide by its root, times 2, plus 10",
    wrong_answers=(3 / 5**0.5, 10 + 6 / 5, 10 + 6 / (20 / 3) ** 0.5, 16),
)
def the_seven():
    values = np.array([1, 3, 5, 7])
    return 2 * (7 - values.mean()) / values.std() + 10


@exercise(
    "09-3",
    hint="average = 0.9 * average + 0.1 * 4, three times",
    wrong_answers=(4, 0.4, 2.916, 1.2),
)
def average_after_three_steps():
    average = 0.0
    for _ in range(3):
        average = 0.9 * average + 0.1 * 4
    return average


def _judge_normalise(answer, right):
    if not callable(answer):
        return "a function of (images, gamma, beta, epsilon) is expected"
    random = np.random.default_rng(0)
    images = random.normal(size=(6, 5, 4, 3)) * [0.5, 1, 3] + [0, 2, -1]
    gamma, beta = np.array([1.0, 2.0, 0.5]), np.array([0.0, -1.0, 3.0])
    result = np.asarray(answer(images.copy(), gamma, beta, 1e-3))
    if result.shape != images.shape:
        return f"images {images.shape} should keep their shape, not become {result.shape}"
    if not np.allclose(result, right(images, gamma, beta, 1e-3)):
        return "the numbers are not right: one mean and one variance for each channel, over images, rows and columns"
    return None


def _wrong_normalise(axes, power):
    def normalise(images, gamma, beta, epsilon):
        mean, variance = images.mean(axes, keepdims=True), images.var(axes, keepdims=True)
        return gamma * (images - mean) / (variance + epsilon) ** power + beta

    return normalise


@exercise(
    "09-4",
    hint="images.mean(axis=(0, 1, 2)), images.var(axis=(0, 1, 2)), and divide by the root of variance + epsilon",
    wrong_answers=(
        "over N, H, W",
        _wrong_normalise((1, 2, 3), 0.5),
        _wrong_normalise((0, 1, 2), 1.0),
        _wrong_normalise(0, 0.5),
        lambda images, gamma, beta, epsilon: images * gamma + beta,
    ),
    judge=_judge_normalise,
)
def batch_normalisation():
    def normalise(images, gamma, beta, epsilon):
        mean, variance = images.mean(axis=(0, 1, 2)), images.var(axis=(0, 1, 2))
        return gamma * (images - mean) / np.sqrt(variance + epsilon) + beta

    return normalise


def _judge_fold(answer, right):
    if not callable(answer):
        return "a function of (kernel, bias, gamma, beta, mean, variance, epsilon) is expected"
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(3, 3, 4, 5)), random.normal(size=5)
    gamma, beta, mean = (random.normal(size=5) for _ in range(3))
    given = (kernel, bias, gamma, beta, mean, random.uniform(0.5, 2, 5), 1e-3)
    result = answer(*(np.copy(part) for part in given))
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "two arrays are expected: kernel and bias"
    for name, mine, expected in zip(("kernel", "bias"), result, right(*given), strict=True):
        if np.shape(mine) != expected.shape:
            return f"the {name} should keep its shape {expected.shape}, not become {np.shape(mine)}"
        if not np.allclose(mine, expected):
            return f"the {name} is not right: each output channel is multiplied by gamma / sqrt(variance + epsilon)"
    return None


def _fold_without_mean(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, bias * scale + beta


def _fold_without_bias(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, beta - mean * scale


def _fold_by_variance(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / (variance + epsilon)
    return kernel * scale, (bias - mean) * scale + beta


@exercise(
    "09-5",
    hint="with scale = gamma / sqrt(variance + epsilon): kernel * scale, and (bias - mean) * scale + beta",
    wrong_answers=(0.0, _fold_without_mean, _fold_without_bias, _fold_by_variance, lambda *given: given[:2]),
    judge=_judge_fold,
)
def folded_convolution():
    def fold(kernel, bias, gamma, beta, mean, variance, epsilon):
        scale = gamma / np.sqrt(variance + epsilon)
        return kernel * scale, (bias - mean) * scale + beta

    return fold

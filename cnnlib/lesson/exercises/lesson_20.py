"""Exercises of lesson 20, loss landscapes."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "20-1",
    hint="after the multiplication both have the same norm",
    wrong_answers=(4, 3, 12, 9),
)
def factor_of_a_filter():
    return 3 / 12


@exercise(
    "20-2",
    hint="(left - 2 * middle + right) / step ** 2",
    wrong_answers=(0.6, 0.06, 3, 0.3),
)
def curvature_from_three_losses():
    return (0.43 - 2 * 0.40 + 0.43) / 0.1**2


@exercise(
    "20-3",
    hint="the curve is stretched by 10; a second derivative is divided by the stretch twice",
    wrong_answers=(10, 100, 0.1, 1),
)
def factor_of_the_curvature():
    return 1 / 10**2


def _judge_filters(answer, right):
    if not callable(answer):
        return "a function of (drawn, kernel) is expected"
    random = np.random.default_rng(0)
    for shape in ((3, 3, 2, 5), (1, 1, 4, 4)):
        drawn, kernel = random.normal(size=(2, *shape))
        given = drawn.copy(), kernel.copy()
        result = np.asarray(answer(*given))
        if result.shape != shape:
            return f"arrays of shape {shape} should keep it, not become {result.shape}"
        if not np.allclose(result, right(drawn, kernel)):
            return "the numbers are not right: one norm for each channel out, over the first three axes"
    return None


@exercise(
    "20-4",
    hint="np.sqrt((kernel**2).sum(axis=(0, 1, 2))) is a vector with the norm of each filter",
    wrong_answers=(
        1.0,
        lambda drawn, kernel: drawn * np.linalg.norm(kernel) / np.linalg.norm(drawn),
        lambda drawn, kernel: drawn * np.sqrt((kernel**2).sum((0, 1, 2))),
        lambda drawn, kernel: drawn * (kernel**2).sum((0, 1, 2)) / (drawn**2).sum((0, 1, 2)),
        lambda drawn, kernel: kernel,
    ),
    judge=_judge_filters,
)
def filters_of_equal_norm():
    def normalise_filters(drawn, kernel):
        def norms(array):
            return np.sqrt((array**2).sum(axis=(0, 1, 2)))

        return drawn * norms(kernel) / norms(drawn)

    return normalise_filters


def _judge_curvature(answer, right):
    if not callable(answer):
        return "a function of (loss, weights, direction, step) is expected"
    random = np.random.default_rng(0)
    for size in (1, 4):
        matrix = random.normal(size=(size, size))

        def loss(weights, matrix=matrix):
            return float(weights @ matrix @ weights + weights.sum())

        weights, direction = random.normal(size=(2, size))
        expected = right(loss, weights, direction, 0.5)
        result = float(answer(loss, weights.copy(), direction.copy(), 0.5))
        if not np.isclose(result, expected):
            return "the number is not right: a quadratic d'Hd must come out for every step"
    return None


@exercise(
    "20-5",
    hint="the losses at weights - step * direction, weights, weights + step * direction; see 20-2",
    wrong_answers=(
        2.0,
        lambda loss, w, d, h: (loss(w + h * d) - loss(w - h * d)) / (2 * h),
        lambda loss, w, d, h: (loss(w + h * d) - 2 * loss(w) + loss(w - h * d)) / h,
        lambda loss, w, d, h: loss(w + h * d) - 2 * loss(w) + loss(w - h * d),
        lambda loss, w, d, h: (loss(w + d) - 2 * loss(w) + loss(w - d)) / h**2,
    ),
    judge=_judge_curvature,
)
def second_difference():
    def curvature_along(loss, weights, direction, step):
        left, middle, right = (loss(weights + offset * direction) for offset in (-step, 0, step))
        return (left - 2 * middle + right) / step**2

    return curvature_along


@exercise(
    "20-6",
    hint="the mean over all axes",
    wrong_answers=(300, 30, 0, 1),
)
def mean_curvature():
    return 300 / 100

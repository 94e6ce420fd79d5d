"""Exercises of lesson 21, images of any size."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "21-1",
    hint="a level of n has n bins along each of two sides",
    wrong_answers=(10, 24, 16, 50),
)
def bins_of_a_pyramid():
    return 4**2 + 3**2 + 2**2 + 1**2


@exercise(
    "21-2",
    hint="the ceiling of 11 / 3, and its floor",
    wrong_answers=((3, 4), (4, 4), (3, 3), 4),
)
def window_and_stride():
    return (4, 3)


@exercise(
    "21-3",
    hint="50 bins for each channel; every unit has a weight for each number, and a bias",
    wrong_answers=(12_800 * 4_096, 12_800 * 4_097, 50 * 256, 37_752_832),
)
def parameters_of_the_first_dense_layer():
    return (50 * 256 + 1) * 4_096


def _floor_to_ceiling(side, n):
    return [(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]


def _judge_bins(answer, right):
    if not callable(answer):
        return "a function of (side, n) is expected"
    for side, n in ((13, 6), (10, 6), (7, 3), (9, 2), (5, 5), (4, 1)):
        result = [tuple(int(place) for place in pair) for pair in answer(side, n)]
        if len(result) != n:
            return f"{side} places in {n} bins should give {n} pairs, not {len(result)}"
        if result != right(side, n):
            return f"the bins of {side} places in {n} are not right: floor of i * a / n, ceiling of (i + 1) * a / n"
    return None


@exercise(
    "21-4",
    hint="floor is i * side // n, and the ceiling of p / q is -(-p // q)",
    wrong_answers=(
        6,
        lambda side, n: [(i * (side // n), i * (side // n) - (-side // n)) for i in range(n)],
        lambda side, n: [(i * side // n, (i + 1) * side // n) for i in range(n)],
        lambda side, n: _floor_to_ceiling(side, n)[:-1],
    ),
    judge=_judge_bins,
)
def bins_by_floor_and_ceiling():
    def bins_of(side, n):
        return [(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]

    return bins_of


def _judge_pyramid(answer, right):
    if not callable(answer):
        return "a function of (maps, levels) is expected"
    random = np.random.default_rng(0)
    for shape, levels in (((13, 13, 2), (6, 3, 2, 1)), ((7, 10, 3), (2, 1))):
        maps = random.normal(size=shape)
        result, expected = np.asarray(answer(maps.copy(), levels)), right(maps, levels)
        if result.shape != expected.shape:
            return f"maps {shape} and levels {levels} should give {len(expected)} numbers, not {result.shape}"
        if not np.allclose(result, expected):
            return "the numbers are not right: level by level, row by row, each bin with all of its channels"
    return None


def _pooled(reduce, order):
    def pyramid(maps, levels):
        height, width, _ = maps.shape
        return np.concatenate(
            [
                reduce(maps[a:b, c:d], axis=(0, 1))
                for n in order(levels)
                for a, b in _floor_to_ceiling(height, n)
                for c, d in _floor_to_ceiling(width, n)
            ]
        )

    return pyramid


@exercise(
    "21-5",
    hint="three loops, over levels, rows of bins and columns of bins; maps[a:b, c:d].max(axis=(0, 1)); np.concatenate",
    wrong_answers=(
        50,
        _pooled(np.mean, list),
        _pooled(np.max, lambda levels: sorted(levels)),
        lambda maps, levels: np.array([maps.max()] * sum(n * n for n in levels) * maps.shape[2]),
        lambda maps, levels: maps.max(axis=2).ravel(),
    ),
    judge=_judge_pyramid,
)
def pyramid_of_maxima():
    def pyramid(maps, levels):
        def bins_of(side, n):
            return [(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]

        height, width, _ = maps.shape
        return np.concatenate(
            [
                maps[a:b, c:d].max(axis=(0, 1))
                for n in levels
                for a, b in bins_of(height, n)
                for c, d in bins_of(width, n)
            ]
        )

    return pyramid


@exercise(
    "21-6",
    hint="16 - 7 + 1 along each side",
    wrong_answers=(81, 10, 256, 49),
)
def windows_of_a_canvas():
    return (16 - 7 + 1) ** 2

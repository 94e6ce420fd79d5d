"""Exercises of lesson 19, compression."""

import heapq

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "19-1",
    hint="1/2 times 1 bit, 1/4 times 2 bits, ...",
    wrong_answers=(2, 1.5, -1.75, 1.2130),
)
def entropy_of_four_symbols():
    probabilities = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    return float(-(probabilities * np.log2(probabilities)).sum())


@exercise(
    "19-2",
    hint="32 bits for each of a million, over 10 bits for each of a hundred thousand",
    wrong_answers=(3.2, 10, 64, 6.4),
)
def ratio_of_a_layer():
    return 1_000_000 * 32 / (100_000 * (5 + 5))


@exercise(
    "19-3",
    hint="join 5 and 8, then the two smallest of 10, 12, 13, 25, 40, and so on; add up the joined counts",
    wrong_answers=(300, 2.26, 219, 600),
)
def bits_of_a_hundred_symbols():
    counts, total = [40, 25, 12, 10, 8, 5], 0
    while len(counts) > 1:
        counts.sort(reverse=True)
        joined = counts.pop() + counts.pop()
        counts.append(joined)
        total += joined
    return total


def _judge_prune(answer, right):
    if not callable(answer):
        return "a function of (weights, share) is expected"
    random = np.random.default_rng(0)
    for shape, share in (((3, 4), 0.5), ((5, 5), 0.3), ((10,), 0.0), ((2, 3, 4), 0.9)):
        weights = random.normal(size=shape)
        given = weights.copy()
        result = np.asarray(answer(given, share))
        if not np.array_equal(given, weights):
            return "the given array should stay as it is: work on a copy"
        if result.shape != shape:
            return f"weights of shape {shape} should keep it, not become {result.shape}"
        if (result == 0).sum() != round(share * weights.size):
            return f"{round(share * weights.size)} of {weights.size} weights should be zero, not {(result == 0).sum()}"
        if not np.array_equal(result, right(weights, share)):
            return "the smallest magnitudes should be zero, and the others what they were"
    return None


def _pruned(key):
    def prune(weights, share):
        result = weights.copy()
        order = np.argsort(key(weights), axis=None)
        result.flat[order[: round(share * weights.size)]] = 0
        return result

    return prune


@exercise(
    "19-4",
    hint="order = np.argsort(np.abs(weights), axis=None); the first round(share * weights.size) of it go",
    wrong_answers=(
        0.5,
        _pruned(lambda weights: weights),
        _pruned(lambda weights: -np.abs(weights)),
        lambda weights, share: np.where(np.abs(weights) < share, 0, weights),
        lambda weights, share: np.abs(_pruned(np.abs)(weights, share)),
        lambda weights, share: weights.ravel(),
    ),
    judge=_judge_prune,
)
def prune_by_magnitude():
    def prune(weights, share):
        result = weights.copy()
        order = np.argsort(np.abs(weights), axis=None)
        result.flat[order[: round(share * weights.size)]] = 0
        return result

    return prune


def _judge_gaps(answer, right):
    if not callable(answer):
        return "a function of one row is expected"
    random = np.random.default_rng(0)
    rows = [np.array([0, 0, 0.7, 0, 0, 0, -0.2, 0.5, 0]), np.array([1.0, 0, 1]), np.zeros(4)]
    rows.append(random.normal(size=50) * (random.random(50) < 0.2))
    for row in rows:
        result, expected = np.asarray(answer(row.copy())), right(row)
        if result.shape != expected.shape:
            return f"{len(expected)} weights are not zero, so {len(expected)} numbers are expected, not {result.shape}"
        if not np.array_equal(result, expected):
            return (
                f"for the row {row[:9]} ... the distances are not right; count the zeros between two weights"
            )
    return None


@exercise(
    "19-5",
    hint="places = np.flatnonzero(row); np.diff(places, prepend=-1) is one too many",
    wrong_answers=(
        [2, 3, 0],
        lambda row: np.diff(np.flatnonzero(row), prepend=-1),
        lambda row: np.diff(np.flatnonzero(row)) - 1,
        lambda row: np.flatnonzero(row),
        lambda row: np.diff(np.flatnonzero(row), prepend=0) - 1,
    ),
    judge=_judge_gaps,
)
def zeros_in_front():
    def gaps(row):
        return np.diff(np.flatnonzero(row), prepend=-1) - 1

    return gaps


def _judge_mean_length(answer, right):
    if not callable(answer):
        return "a function of counts is expected"
    random = np.random.default_rng(0)
    tables = [[1, 1], [40, 25, 12, 10, 8, 5], [1, 2, 4, 8, 16, 32], [7] * 8]
    tables += [random.integers(1, 100, size=20).tolist()]
    for counts in tables:
        if abs(float(answer(list(counts))) - right(list(counts))) > 1e-9:
            return (
                f"for the counts {counts} it should be {right(list(counts)):.4f} bits for a symbol on average"
            )
    return None


def _entropy(counts):
    shares = np.array(counts) / np.sum(counts)
    return -(shares * np.log2(shares)).sum()


def _joined(take, divide=True):
    def mean_length(counts):
        left, total = list(counts), 0
        while len(left) > 1:
            left.sort(reverse=True)
            joined = take(left)
            left.append(joined)
            total += joined
        return total / sum(counts) if divide else total

    return mean_length


@exercise(
    "19-6",
    hint="a heap (heapq) gives the two smallest counts; push their sum, and add it to a total; divide by sum(counts)",
    wrong_answers=(
        2.26,
        _entropy,
        lambda counts: np.ceil(np.log2(len(counts))),
        lambda counts: np.ceil(_entropy(counts)),
        _joined(lambda left: left.pop() + left.pop(), divide=False),
        _joined(lambda left: left.pop(0) + left.pop(0)),
    ),
    judge=_judge_mean_length,
)
def huffman_mean_length():
    def mean_length(counts):
        heap, total = list(counts), 0
        heapq.heapify(heap)
        while len(heap) > 1:
            joined = heapq.heappop(heap) + heapq.heappop(heap)
            heapq.heappush(heap, joined)
            total += joined
        return total / sum(counts)

    return mean_length

"""Exercises of lesson 23, the comparison."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "23-1",
    hint="the root of p (1 - p) / n, with p the share of right answers and n the number of images",
    wrong_answers=(0.8, 0.00016, 0.0064, 0.004, 0.016),
)
def spread_of_an_accuracy():
    return float(np.sqrt(0.8 * 0.2 / 2500))


@exercise(
    "23-2",
    hint="the majority errs when two of the three do, in three ways, or all three",
    wrong_answers=(0.1, 0.001, 0.027, 0.03, 0.3),
)
def error_of_a_majority():
    return 3 * 0.1**2 * 0.9 + 0.1**3


@exercise(
    "23-3",
    hint="multiply-adds a second are multiply-adds an image times images a second",
    wrong_answers=(10, 0.2, 0.5, 5),
)
def ratio_of_rates():
    return (500 * 40) / (50 * 200)


def _judge_front(answer, right):
    if not callable(answer):
        return "a function of (costs, accuracies) is expected"
    random = np.random.default_rng(0)
    cases = [([1, 2, 3], [0.5, 0.7, 0.6]), ([3, 1, 2], [0.9, 0.9, 0.8]), ([1, 1, 2], [0.6, 0.7, 0.7])]
    cases += [(random.integers(1, 9, 8), random.integers(1, 9, 8) / 10) for _ in range(20)]
    for costs, accuracies in cases:
        expected = right(np.array(costs), np.array(accuracies))
        result = [int(i) for i in answer(np.array(costs), np.array(accuracies))]
        if result != expected:
            return (
                f"costs {list(costs)} and accuracies {list(accuracies)} should give {expected}, not {result}"
            )
    return None


def _dominated(i, costs, accuracies):
    as_good = (costs <= costs[i]) & (accuracies >= accuracies[i])
    better = (costs < costs[i]) | (accuracies > accuracies[i])
    return bool((as_good & better).any())


@exercise(
    "23-4",
    hint="network j beats network i if cost_j <= cost_i and accuracy_j >= accuracy_i and one of the two is strict",
    wrong_answers=(
        0,
        lambda costs, accuracies: [int(np.argmax(accuracies))],
        lambda costs, accuracies: list(range(len(costs))),
        lambda costs, accuracies: [
            i for i in range(len(costs)) if not ((costs < costs[i]) & (accuracies > accuracies[i])).any()
        ],
    ),
    judge=_judge_front,
)
def networks_that_nothing_beats():
    def front(costs, accuracies):
        return [i for i in range(len(costs)) if not _dominated(i, costs, accuracies)]

    return front


def _judge_ensemble(answer, right):
    if not callable(answer):
        return "a function of an array (members, images, classes) is expected"
    random = np.random.default_rng(0)
    for members, images, classes in ((1, 4, 3), (3, 50, 2), (4, 60, 10)):
        probabilities = random.dirichlet(np.full(classes, 0.3), size=(members, images))
        result, expected = np.asarray(answer(probabilities.copy())), right(probabilities)
        if result.shape != expected.shape:
            return f"{images} images should give {images} classes, not an array of shape {result.shape}"
        if not np.array_equal(result, expected):
            return "the class with the largest mean over the members is expected, for each image"
    return None


@exercise(
    "23-5",
    hint="the mean over axis 0, then the position of the largest along the classes",
    wrong_answers=(
        0,
        lambda probabilities: probabilities.mean(axis=0),
        lambda probabilities: probabilities.max(axis=0).argmax(axis=1),
        lambda probabilities: probabilities[0].argmax(axis=1),
        lambda probabilities: probabilities.mean(axis=1).argmax(axis=1),
    ),
    judge=_judge_ensemble,
)
def answers_of_an_ensemble():
    def ensemble_answers(probabilities):
        return np.asarray(probabilities).mean(axis=0).argmax(axis=-1)

    return ensemble_answers

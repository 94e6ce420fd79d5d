"""Exercises of lesson 14, augmentation and texture."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "14-1",
    hint="how many shifts are there from -4 to 4, in each direction?",
    wrong_answers=(81, 128, 18, 50),
)
def pictures_of_one():
    return 2 * 9 * 9


@exercise(
    "14-2",
    hint="turn a little grid of numbers with np.rot90 and look at its corner",
    wrong_answers=((27, 0), (0, 0), (0, 28), 27),
)
def source_of_the_corner():
    rows, columns = np.mgrid[:28, :28]
    return int(np.rot90(rows)[0, 0]), int(np.rot90(columns)[0, 0])


@exercise(
    "14-3",
    hint="each label is a list of a one and zeros; their weighted mean is the target",
    wrong_answers=([0, 1, 0, 0, 0], [0, 0.3, 0, 0.7, 0], [0.7, 0, 0.3, 0, 0], 0.7 * 1 + 0.3 * 3),
)
def mixed_target():
    return 0.7 * np.eye(5)[1] + 0.3 * np.eye(5)[3]


def _judge_kernel(answer, right):
    if not callable(answer):
        return "a function of a kernel is expected"
    random = np.random.default_rng(0)
    for shape in ((3, 3, 2, 4), (5, 4, 1, 1)):
        kernel = random.normal(size=shape)
        result, expected = np.asarray(answer(kernel.copy())), right(kernel)
        if result.shape != shape:
            return f"a kernel of {shape} should keep its shape, not become {result.shape}"
        if not np.allclose(result, result[:, ::-1]):
            return "the result is not its own mirror image from left to right"
        if not np.allclose(result, expected):
            return "it is symmetric, but not the nearest one: each pair of weights should keep its mean"
    return None


@exercise(
    "14-4",
    hint="the mean of the kernel and its mirror image kernel[:, ::-1]",
    wrong_answers=(
        1,
        lambda kernel: kernel,
        lambda kernel: kernel[:, ::-1],
        lambda kernel: (kernel + kernel[::-1]) / 2,
        lambda kernel: kernel + kernel[:, ::-1],
        lambda kernel: 0 * kernel,
    ),
    judge=_judge_kernel,
)
def symmetric_kernel():
    def mirror_symmetric(kernel):
        return (kernel + kernel[:, ::-1]) / 2

    return mirror_symmetric


def _judge_erased(answer, right):
    if not callable(answer):
        return "a function of (picture, top, left, height, width) is expected"
    picture = np.random.default_rng(0).random((6, 8, 3)) + 0.1
    for rectangle in ((1, 2, 3, 4), (4, 6, 9, 9), (-2, -1, 3, 4), (0, 0, 6, 8), (-5, 2, 3, 3)):
        given = picture.copy()
        result = np.asarray(answer(given, *rectangle))
        if not np.array_equal(given, picture):
            return "the picture that was given must stay as it is: work on a copy"
        if result.shape != picture.shape or not np.allclose(result, right(picture, *rectangle)):
            return f"the rectangle {rectangle} is not what should be black, and nothing else"
    return None


def _without_clipping(picture, top, left, height, width):
    result = picture.copy()
    result[top : top + height, left : left + width] = 0
    return result


def _in_place(picture, top, left, height, width):
    picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 0
    return picture


@exercise(
    "14-5",
    hint="a negative place counts from the end in NumPy: take max(place, 0) for all four limits",
    wrong_answers=(
        "black",
        _without_clipping,
        _in_place,
        lambda picture, top, left, height, width: _without_clipping(
            picture, max(top, 0), max(left, 0), height, width
        ),
        lambda picture, *rectangle: picture.copy(),
    ),
    judge=_judge_erased,
)
def black_rectangle():
    def erased(picture, top, left, height, width):
        result = picture.copy()
        result[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 0
        return result

    return erased

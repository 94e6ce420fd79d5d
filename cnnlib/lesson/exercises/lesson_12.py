"""Exercises of lesson 12, factorised Inception."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "12-1",
    hint="49 weights for each pair of channels against three times 9",
    wrong_answers=(27 / 49, 0.28, 1 - 9 / 49, 5 / 7),
)
def three_for_seven():
    return 1 - 3 * 9 / 49


@exercise(
    "12-2",
    hint="192 * 64, then 9 * 64 * 96, then 9 * 96 * 96",
    wrong_answers=(12_288, 55_296, 138_240, 150_784),
)
def weights_of_the_double_path():
    return 192 * 64 + 9 * 64 * 96 + 9 * 96 * 96


@exercise(
    "12-3",
    hint="only the two 1x7 reach along a row; each adds six pixels",
    wrong_answers=(7, 14, 25, 28),
)
def pixels_of_a_row():
    return 1 + 6 + 6


def _judge_separable(answer, right):
    if not callable(answer):
        return "a function of a 2-D array is expected"
    random = np.random.default_rng(0)
    for kernel in (np.outer([1.0, 2, 1], [-1.0, 0, 1, 2]), random.normal(size=(5, 5)), np.eye(4) + 0.3):
        result = answer(kernel.copy())
        if not isinstance(result, tuple | list) or len(result) != 2:
            return "two arrays are expected: the column and the row"
        column, row = (np.asarray(part, dtype=float) for part in result)
        if column.shape != kernel.shape[:1] or row.shape != kernel.shape[1:]:
            return f"for a {kernel.shape} array the column has {kernel.shape[0]} and the row {kernel.shape[1]} numbers"
        best = np.linalg.norm(kernel - np.outer(*right(kernel)))
        if np.linalg.norm(kernel - np.outer(column, row)) > best + 1e-6:
            return "a nearer product exists: think of the largest singular value"
    return None


def _means(kernel):
    return kernel.mean(axis=1), kernel.mean(axis=0)


def _middle(kernel):
    return kernel[:, len(kernel[0]) // 2], kernel[len(kernel) // 2]


def _without_value(kernel):
    columns, _, rows = np.linalg.svd(kernel)
    return columns[:, 0], rows[0]


@exercise(
    "12-4",
    hint="np.linalg.svd gives columns, values and rows; take the first of each, and put the value into one of them",
    wrong_answers=(1.0, _means, _middle, _without_value),
    judge=_judge_separable,
)
def nearest_product():
    def separable(kernel):
        columns, values, rows = np.linalg.svd(kernel)
        return values[0] * columns[:, 0], rows[0]

    return separable


def _judge_factorised(answer, right):
    if not callable(answer):
        return "a function of (x, filters, n) is expected"
    import keras
    from keras import layers

    def as_model(block):
        images = keras.Input((9, 8, 3))
        return keras.Model(images, block(images, 6, 5))

    mine, expected = as_model(answer), as_model(right)
    if tuple(mine.output_shape) != (None, 9, 8, 6):
        return f"(9, 8, 3) with 6 filters should become (9, 8, 6), not {mine.output_shape[1:]}"
    kernels = [layer.kernel_size for layer in mine.layers if isinstance(layer, layers.Conv2D)]
    if kernels != [(1, 5), (5, 1)]:
        return f"the kernels should be (1, 5) and (5, 1), not {kernels}"
    if len(mine.weights) != 2:
        return "two kernels and nothing else: leave out the biases"
    expected.set_weights(mine.get_weights())
    images = np.random.default_rng(0).normal(size=(4, 9, 8, 3)).astype("float32")
    if not np.allclose(mine.predict_on_batch(images), expected.predict_on_batch(images), atol=1e-4):
        return "with equal weights its outputs differ: a ReLU follows each of the two convolutions"
    return None


def _chain(kernels, **options):
    def factorised(x, filters, n):
        from keras import layers

        for kernel in kernels(n):
            x = layers.Conv2D(
                filters, kernel, **{"padding": "same", "activation": "relu", "use_bias": False, **options}
            )(x)
        return x

    return factorised


@exercise(
    "12-5",
    hint="two Conv2D, with kernel_size=(1, n) and (n, 1), padding='same', use_bias=False, activation='relu'",
    wrong_answers=(
        5,
        _chain(lambda n: [(n, n)]),
        _chain(lambda n: [(n, 1), (1, n)]),
        _chain(lambda n: [(1, n), (n, 1)], use_bias=True),
        _chain(lambda n: [(1, n), (n, 1)], activation=None),
        _chain(lambda n: [(1, n), (n, 1)], padding="valid"),
    ),
    judge=_judge_factorised,
)
def thin_windows():
    return _chain(lambda n: [(1, n), (n, 1)])

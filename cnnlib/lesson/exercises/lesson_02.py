"""Exercises of lesson 02, pooling and receptive fields."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "02-1",
    hint="from the output: r = 3 after the last layer, then (r - 1) * 2 + 3, then (r - 1) * 2 + 7",
    wrong_answers=(13, 11, 17, 7),
)
def field_of_a_stem():
    field = 3
    field = (field - 1) * 2 + 3
    return (field - 1) * 2 + 7


@exercise(
    "02-2",
    hint="floor((n - k) / s) + 1 with n = 112, k = 3, s = 2",
    wrong_answers=(56, 54, 55.5),
)
def overlapping_side():
    return (112 - 3) // 2 + 1


def _judge_max_pool_gradient(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    maps, error = random.normal(size=(6, 8)), random.normal(size=(3, 4))
    result = np.asarray(answer(maps.copy(), error.copy()))
    if result.shape != maps.shape:
        return f"maps of shape (6, 8) have a gradient of that shape, not {result.shape}"
    if np.count_nonzero(result) != error.size:
        return f"each of the {error.size} windows has one winner; {np.count_nonzero(result)} numbers are not zero"
    if not np.allclose(result, right(maps, error)):
        return "the shape is right, the numbers are not: the winner of a window gets the window's error"
    return None


def _average_gradient(maps, error):
    return np.kron(error, np.ones((2, 2))) / 4


def _first_gets_all(maps, error):
    return np.kron(error, [[1, 0], [0, 0]])


def _ones_at_winners(maps, error):
    largest = maps.reshape(maps.shape[0] // 2, 2, maps.shape[1] // 2, 2).max(axis=(1, 3))
    return (maps == np.kron(largest, np.ones((2, 2)))).astype(float)


@exercise(
    "02-3",
    hint="np.kron(x, np.ones((2, 2))) draws x twice as large; compare the maps with their enlarged maxima",
    wrong_answers=(0.25, _average_gradient, _first_gets_all, _ones_at_winners, lambda maps, error: error),
    judge=_judge_max_pool_gradient,
)
def gradient_of_max_pooling():
    def max_pool_gradient(maps, error):
        height, width = maps.shape
        largest = maps.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))
        winners = maps == np.kron(largest, np.ones((2, 2)))
        return winners * np.kron(error, np.ones((2, 2)))

    return max_pool_gradient


FIELD_STACKS = (
    [(3, 1, 1)],
    [(3, 1, 1), (3, 1, 1), (3, 1, 1)],
    [(7, 2, 1), (3, 2, 1), (3, 1, 1)],
    [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
    [(5, 2, 1), (2, 2, 1), (3, 1, 3), (1, 1, 1)],
)


def _judge_field(answer, right):
    if not callable(answer):
        return "a function is expected"
    for stack in FIELD_STACKS:
        result = answer(list(stack))
        if result != right(stack):
            return f"the stack {stack} sees {right(stack)} pixels, not {result}"
    return None


def _wrong_direction(stack):
    size = 1
    for kernel, stride, dilation in stack:
        size = (size - 1) * stride + dilation * (kernel - 1) + 1
    return size


def _without_dilation(stack):
    size = 1
    for kernel, stride, _ in reversed(stack):
        size = (size - 1) * stride + kernel
    return size


@exercise(
    "02-4",
    hint="the recurrence from the output to the input; a dilated kernel reaches over d * (k - 1) + 1 pixels",
    wrong_answers=(19, _wrong_direction, _without_dilation),
    judge=_judge_field,
)
def field_with_dilation():
    def field(stack):
        size = 1
        for kernel, stride, dilation in reversed(stack):
            size = (size - 1) * stride + dilation * (kernel - 1) + 1
        return size

    return field


def _judge_wide_view(answer, right):
    if not callable(answer):
        return "a function that returns a model is expected"
    from cnnlib import inspect

    model = answer(4)
    if tuple(model.input_shape) != (None, 40, 40, 4) or tuple(model.output_shape) != (None, 10, 10, 4):
        return f"it should map (40, 40, 4) to (10, 10, 4), not {model.input_shape[1:]} to {model.output_shape[1:]}"
    if model.count_params() != 27 * 4**2:
        return f"with 4 channels it should have 27 * 16 = 432 weights, not {model.count_params()}"
    seen = inspect.receptive_field(model, model.layers[-1]).size
    return None if seen == (31, 31) else f"its last layer should see 31x31 pixels, not {seen[0]}x{seen[1]}"


def _view(channels, kernels, dilations, use_bias=False):
    import keras

    return keras.Sequential(
        [keras.Input((40, 40, channels))]
        + [
            keras.layers.Conv2D(channels, k, dilation_rate=d, use_bias=use_bias)
            for k, d in zip(kernels, dilations, strict=True)
        ]
    )


def _strided(channels):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((40, 40, channels)),
            layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False),
            layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False),
            layers.Conv2D(channels, 3, padding="same", use_bias=False),
        ]
    )


@exercise(
    "02-5",
    hint="three 3x3 layers lose 2 * (d1 + d2 + d3) pixels a side; 40 - 10 = 30",
    wrong_answers=(
        31,
        lambda channels: _view(channels, (3, 3, 3), (1, 2, 4)),
        lambda channels: _view(channels, (3, 3, 3), (5, 5, 5), use_bias=True),
        lambda channels: _view(channels, (31,), (1,)),
        _strided,
    ),
    judge=_judge_wide_view,
)
def model_with_a_wide_view():
    import keras
    from keras import layers

    def wide_view(channels):
        return keras.Sequential(
            [keras.Input((40, 40, channels))]
            + [layers.Conv2D(channels, 3, dilation_rate=d, use_bias=False) for d in (2, 4, 9)]
        )

    return wide_view

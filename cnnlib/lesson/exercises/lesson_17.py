"""Exercises of lesson 17, lightweight networks."""

import keras
import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "17-1",
    hint="a kernel sees the 32 / 4 channels of its group only, and there are 64 kernels",
    wrong_answers=(51_200, 12_864, 3_200, 800),
)
def weights_of_a_grouped_convolution():
    return 5 * 5 * (32 // 4) * 64


@exercise(
    "17-2",
    hint="the ratio of the costs is 1/D + 1/k^2 with D = 72 and k = 3; the factor is one over that",
    wrong_answers=(1 / 8, 9, 72, 1 / 72 + 1 / 9),
)
def how_much_cheaper_a_separable_convolution_is():
    return 1 / (1 / 72 + 1 / 3**2)


@exercise(
    "17-3",
    hint="write the channels in 3 rows, one a group, and read them by columns",
    wrong_answers=(4, 1, 6, 2),
)
def channel_at_a_place_after_the_shuffle():
    return int(np.arange(12).reshape(3, 4).T.ravel()[4])


@exercise(
    "17-4",
    hint="seconds are multiply-adds divided by multiply-adds a second, for each network",
    wrong_answers=(25, 0.02, 45, 50),
)
def milliseconds_of_the_faster_network():
    return 1000 * min(600e6 / 30e9, 100e6 / 4e9)


def _judge_shuffle(answer, right):
    if not callable(answer):
        return "a function of (x, groups) is expected"
    random = np.random.default_rng(0)
    for shape, groups in (((2, 3, 3, 12), 3), ((1, 2, 4, 12), 4), ((2, 2, 2, 6), 1)):
        x = random.normal(size=shape)
        result = np.asarray(answer(x.copy(), groups))
        if result.shape != shape:
            return f"the shape {shape} should stay, not become {result.shape}"
        if not np.array_equal(result, right(x, groups)):
            return f"with {shape[-1]} channels in {groups} groups the order is not that of the shuffle"
    return None


@exercise(
    "17-5",
    hint="reshape the last axis to (groups, C // groups), swap the last two axes, reshape back",
    wrong_answers=(
        0,
        lambda x, groups: x,
        lambda x, groups: x.reshape(*x.shape[:-1], -1, groups).swapaxes(-1, -2).reshape(x.shape),
        lambda x, groups: x[..., ::-1],
        lambda x, groups: x.reshape(*x.shape[:-1], groups, -1).swapaxes(-1, -2),
    ),
    judge=_judge_shuffle,
)
def deal_the_channels_out():
    def shuffle(x, groups):
        apart = x.reshape(*x.shape[:-1], groups, -1)
        return apart.swapaxes(-1, -2).reshape(x.shape)

    return shuffle


def _judge_separable(answer, right):
    if not callable(answer):
        return "a function of (x, filters, stride) is expected"
    for side, channels, filters, stride in ((7, 4, 6, 1), (8, 5, 3, 2)):
        x = keras.Input((side, side, channels))
        built, expected = (keras.Model(x, make(x, filters, stride)) for make in (answer, right))
        if built.output_shape != expected.output_shape:
            return (
                f"maps of {side} x {side} at stride {stride} should become {expected.output_shape[1:]}, "
                f"not {built.output_shape[1:]}"
            )
        shapes = [[tuple(w.shape) for w in model.weights] for model in (built, expected)]
        if shapes[0] != shapes[1]:
            return f"the weights should have the shapes {shapes[1]}, not {shapes[0]}"
        built.set_weights(expected.get_weights())
        image = np.random.default_rng(0).normal(size=(1, side, side, channels)).astype("float32")
        mine, theirs = (keras.ops.convert_to_numpy(model(image)) for model in (built, expected))
        if not np.allclose(mine, theirs, rtol=1e-2, atol=1e-2):
            return "the function is another one: zeros on all four sides, and no activation"
    return None


def _separable(x, filters, stride, *, padding=1, activation=None, bias=False, first="depthwise"):
    """The right answer and, with other options, wrong ones."""
    if first == "pointwise":
        x = keras.layers.Conv2D(filters, 1, use_bias=False)(x)
    if padding:
        x = keras.layers.ZeroPadding2D(padding)(x)
    x = keras.layers.DepthwiseConv2D(
        3, strides=stride, use_bias=bias, activation=activation, padding="valid" if padding else "same"
    )(x)
    return x if first == "pointwise" else keras.layers.Conv2D(filters, 1, use_bias=bias)(x)


@exercise(
    "17-6",
    hint="ZeroPadding2D(1), DepthwiseConv2D(3, strides=stride), Conv2D(filters, 1), the last two with use_bias=False",
    wrong_answers=(
        0,
        lambda x, filters, stride: _separable(x, filters, stride, bias=True),
        lambda x, filters, stride: _separable(x, filters, stride, activation="relu"),
        lambda x, filters, stride: _separable(x, filters, stride, first="pointwise"),
        lambda x, filters, stride: _separable(x, filters, stride, padding=0),
        lambda x, filters, stride: keras.layers.Conv2D(filters, 3, strides=stride, padding="same")(x),
    ),
    judge=_judge_separable,
)
def separable_convolution():
    def separable(x, filters, stride):
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.DepthwiseConv2D(3, strides=stride, use_bias=False)(x)
        return keras.layers.Conv2D(filters, 1, use_bias=False)(x)

    return separable

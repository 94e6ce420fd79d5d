"""Exercises of lesson 08, GoogLeNet."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "08-1",
    hint="the paths end with 192, 208, 48 and 64 maps; the reductions stay inside their paths",
    wrong_answers=(624, 464, 448, 112),
)
def channels_of_4a():
    return 192 + 208 + 48 + 64


@exercise(
    "08-2",
    hint="for each place: 5*5*192*32 directly; 192*16 and then 5*5*16*32 with the reduction",
    wrong_answers=(12, 12.0, 9.0, 0.1033, 153_600),
)
def saving_of_the_reduction():
    direct = 5 * 5 * 192 * 32
    reduced = 192 * 16 + 5 * 5 * 16 * 32
    return direct / reduced


@exercise(
    "08-3",
    hint="with r channels it costs 192*r + 25*r*32 for each place; set this equal to 25*192*32",
    wrong_answers=(192, 154, 32, 16, 800),
)
def reduction_that_saves_nothing():
    return 5 * 5 * 192 * 32 / (192 + 5 * 5 * 32)


def _judge_parameters(answer, right):
    if not callable(answer):
        return "a function of (channels_in, row) is expected"
    for channels_in, row in ((192, (64, 96, 128, 16, 32, 32)), (7, (1, 2, 3, 4, 5, 6))):
        count = answer(channels_in, row)
        if count != right(channels_in, row):
            return f"for {channels_in} channels in and the row {row} the count is not {count!r}"
    return None


@exercise(
    "08-4",
    hint="six convolutions; four of them read channels_in, the 3x3 reads its reduction, and so does the 5x5",
    wrong_answers=(
        163_696,
        lambda c, r: c * (r[0] + r[1] + r[3] + r[5]) + 9 * r[1] * r[2] + 25 * r[3] * r[4],
        lambda c, r: (c + 1) * (r[0] + r[5]) + (9 * c + 1) * r[2] + (25 * c + 1) * r[4],
        lambda c, r: (c + 1) * (r[0] + r[1] + r[3]) + (9 * r[1] + 1) * r[2] + (25 * r[3] + 1) * r[4],
        lambda c, r: 1 / 0,
    ),
    judge=_judge_parameters,
)
def parameters_of_a_module():
    def parameters(channels_in, row):
        one, reduce3, three, reduce5, five, pooled = row
        ones = (channels_in + 1) * (one + reduce3 + reduce5 + pooled)
        return ones + (9 * reduce3 + 1) * three + (25 * reduce5 + 1) * five

    return parameters


def _judge_naive(answer, right):
    if not callable(answer):
        return "a function of (x, one, three, five) is expected"
    import keras

    def as_model(module):
        images = keras.Input((9, 9, 4))
        return keras.Model(images, module(images, 3, 5, 2))

    mine, expected = as_model(answer), as_model(right)
    if tuple(mine.output_shape) != (None, 9, 9, 14):
        return f"(9, 9, 4) with 3, 5 and 2 maps should become (9, 9, 14), not {mine.output_shape[1:]}"
    if {tuple(v.shape) for v in mine.weights} != {tuple(v.shape) for v in expected.weights}:
        return "there should be three convolutions, of 1x1, 3x3 and 5x5, each on the module's input"
    by_shape = {tuple(v.shape): v for v in mine.weights}
    for variable in expected.weights:
        variable.assign(by_shape[tuple(variable.shape)])
    images = np.random.default_rng(0).normal(size=(4, 9, 9, 4)).astype("float32")
    if not np.allclose(mine.predict_on_batch(images), expected.predict_on_batch(images), atol=1e-4):
        return "with equal weights its outputs differ: look at ReLU, pooling and the order of the paths"
    return None


def _naive_with(pooling_first=False, activation="relu"):
    from keras import layers

    def module(x, one, three, five):
        paths = [
            layers.Conv2D(filters, side, padding="same", activation=activation)(x)
            for filters, side in ((one, 1), (three, 3), (five, 5))
        ]
        pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
        return layers.Concatenate()([pooled, *paths] if pooling_first else [*paths, pooled])

    return module


def _without_pooling(x, one, three, five):
    from keras import layers

    return layers.Concatenate()(
        [
            layers.Conv2D(n, k, padding="same", activation="relu")(x)
            for n, k in ((one, 1), (three, 3), (five, 5))
        ]
    )


def _in_a_row(x, one, three, five):
    from keras import layers

    for filters, side in ((one, 1), (three, 3), (five, 5)):
        x = layers.Conv2D(filters, side, padding="same", activation="relu")(x)
    return layers.Concatenate()([x, x, x, x, x, x, x])


@exercise(
    "08-5",
    hint="pad all of them to keep the size, give the pooling strides=1, and end with layers.Concatenate()",
    wrong_answers=(
        14,
        lambda x, one, three, five: _naive_with(pooling_first=True)(x, one, three, five),
        lambda x, one, three, five: _naive_with(activation=None)(x, one, three, five),
        _without_pooling,
        _in_a_row,
    ),
    judge=_judge_naive,
)
def naive_inception():
    from keras import layers

    def naive(x, one, three, five):
        paths = [
            layers.Conv2D(filters, side, padding="same", activation="relu")(x)
            for filters, side in ((one, 1), (three, 3), (five, 5))
        ]
        paths.append(layers.MaxPooling2D(3, strides=1, padding="same")(x))
        return layers.Concatenate()(paths)

    return naive

"""Exercises of lesson 07, network in network."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "07-1",
    hint="(192 + 1) * 160 and (160 + 1) * 96: a 1x1 kernel has one weight for each channel in, and a bias",
    wrong_answers=(46_080, 46_592, 15_456, 242_096),
)
def weights_of_two_1x1():
    return (192 + 1) * 160 + (160 + 1) * 96


@exercise(
    "07-2",
    hint="the average has no weights; a dense layer on the flattened 6x6x1000 maps has 36,000 inputs",
    wrong_answers=(36_000_000, 1_001_000, 36_001, 1_000),
)
def weights_that_the_average_saves():
    return (6 * 6 * 1000 + 1) * 1000


@exercise(
    "07-3",
    hint="add up the 49 values of the map and divide by 49",
    wrong_answers=(9.8, 0.2, 19.6, 0.5),
)
def score_of_a_map():
    class_map = np.zeros((7, 7))
    class_map[2, 3] = class_map[2, 4] = 9.8
    return class_map.mean()


def _judge_mlpconv(answer, right):
    if not callable(answer):
        return "a function of (x, channels, kernel_size) is expected"
    import keras
    from keras import layers

    def as_model(block):
        images = keras.Input((9, 9, 4))
        return keras.Model(images, block(images, (8, 6, 5), 5))

    mine, expected = as_model(answer), as_model(right)
    if tuple(mine.output_shape) != (None, 9, 9, 5):
        return f"(9, 9, 4) with channels (8, 6, 5) should become (9, 9, 5), not {mine.output_shape[1:]}"
    sides = [layer.kernel_size[0] for layer in mine.layers if isinstance(layer, layers.Conv2D)]
    if sides != [5, 1, 1]:
        return f"the kernels should have sides 5, 1, 1, not {sides}"
    expected.set_weights(mine.get_weights())
    images = np.random.default_rng(0).normal(size=(4, 9, 9, 4)).astype("float32")
    if not np.allclose(mine.predict_on_batch(images), expected.predict_on_batch(images), atol=1e-4):
        return "with equal weights its outputs differ: a ReLU follows each of the three convolutions"
    return None


def _mlpconv_without_relu(x, channels, kernel_size):
    from keras import layers

    for filters, side in zip(channels, (kernel_size, 1, 1), strict=True):
        x = layers.Conv2D(filters, side, padding="same")(x)
    return x


def _three_large(x, channels, kernel_size):
    from keras import layers

    for filters in channels:
        x = layers.Conv2D(filters, kernel_size, padding="same", activation="relu")(x)
    return x


def _unpadded(x, channels, kernel_size):
    from keras import layers

    for filters, side in zip(channels, (kernel_size, 1, 1), strict=True):
        x = layers.Conv2D(filters, side, activation="relu")(x)
    return x


@exercise(
    "07-4",
    hint="three Conv2D in a row, kernel sizes kernel_size, 1 and 1, all padded, all with ReLU",
    wrong_answers=(5, _mlpconv_without_relu, _three_large, _unpadded),
    judge=_judge_mlpconv,
)
def block_of_nin():
    from keras import layers

    def mlpconv(x, channels, kernel_size):
        for filters, side in zip(channels, (kernel_size, 1, 1), strict=True):
            x = layers.Conv2D(filters, side, padding="same", activation="relu")(x)
        return x

    return mlpconv


def _judge_pointwise(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    maps, weights, bias = random.normal(size=(3, 5, 4)), random.normal(size=(4, 6)), random.normal(size=6)
    result = np.asarray(answer(maps.copy(), weights.copy(), bias.copy()))
    if result.shape != (3, 5, 6):
        return f"maps (3, 5, 4) and weights (4, 6) should give (3, 5, 6), not {result.shape}"
    if not np.allclose(result, right(maps, weights, bias)):
        return "the shape is right, the numbers are not: weigh the channels of each place, then add the bias"
    return None


@exercise(
    "07-5",
    hint="a matrix product over the last axis, at all places at once: maps @ weights",
    wrong_answers=(
        "a dense layer",
        lambda maps, weights, bias: maps @ weights,
        lambda maps, weights, bias: maps.mean(axis=(0, 1)) @ weights + bias,
        lambda maps, weights, bias: np.maximum(maps @ weights + bias, 0),
        lambda maps, weights, bias: maps @ weights.T + bias,
    ),
    judge=_judge_pointwise,
)
def pointwise_convolution():
    def pointwise(maps, weights, bias):
        return maps @ weights + bias

    return pointwise

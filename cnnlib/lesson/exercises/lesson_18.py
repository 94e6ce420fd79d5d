"""Exercises of lesson 18, ConvNeXt."""

import keras
import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "18-1",
    hint="depthwise 49 C + C, normalisation 2 C, up C * 4 C + 4 C, down 4 C * C + C, scale C",
    wrong_answers=(78_432, 78_720, 79_008, 4_800, 516_480),
)
def parameters_of_a_block():
    c = 96
    return (7 * 7 * c + c) + 2 * c + (c * 4 * c + 4 * c) + (4 * c * c + c) + c


def _judge_gelu(answer, right):
    fits = isinstance(answer, int | float) and abs(answer - right) < 1e-3
    return None if fits else "that is not the value: x times the probability of a number below x"


@exercise(
    "18-2",
    hint="GELU(x) is x times the probability that a normal random number is below x",
    wrong_answers=(1, 0.1587, 0.5, 1.8413, "0.84"),
    judge=_judge_gelu,
)
def gelu_of_one():
    return 1 * 0.8413


@exercise(
    "18-3",
    hint="patches of 4x4 at the entrance, then three layers that halve the maps",
    wrong_answers=(14, 56, 28, 3.5, 49),
)
def side_of_the_last_maps():
    return 224 // 4 // 2**3


def _judge_layer_norm(answer, right):
    if not callable(answer):
        return "a function of (x, epsilon) is expected"
    random = np.random.default_rng(0)
    for shape, epsilon in (((2, 3, 4, 5), 1e-6), ((1, 2, 2, 8), 0.5)):
        x = random.normal(2.0, 3.0, size=shape)
        result = np.asarray(answer(x.copy(), epsilon))
        if result.shape != shape:
            return f"the shape {shape} should stay, not become {result.shape}"
        if not np.allclose(result, right(x, epsilon)):
            return "the values are not right: mean and variance of the last axis, the root of variance plus epsilon"
    return None


@exercise(
    "18-4",
    hint="x.mean(axis=-1, keepdims=True) and x.var(axis=-1, keepdims=True)",
    wrong_answers=(
        0,
        lambda x, epsilon: (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon),
        lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + epsilon),
        lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + epsilon),
        lambda x, epsilon: x.mean(-1),
    ),
    judge=_judge_layer_norm,
)
def normalise_over_the_channels():
    def layer_normalised(x, epsilon):
        mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + epsilon)

    return layer_normalised


def _judge_block(answer, right):
    if not callable(answer):
        return "a function of a Keras tensor x is expected"
    for side, channels in ((9, 4), (7, 6)):
        x = keras.Input((side, side, channels))
        built, expected = (keras.Model(x, make(x)) for make in (answer, right))
        if built.output_shape != expected.output_shape:
            return f"the shape {expected.output_shape[1:]} should stay, not become {built.output_shape[1:]}"
        shapes = [[tuple(w.shape) for w in model.weights] for model in (built, expected)]
        if shapes[0] != shapes[1]:
            return f"the weights should have the shapes {shapes[1]}, not {shapes[0]}"
        random = np.random.default_rng(0)
        values = [random.normal(0, 0.5, size=shape).astype("float32") for shape in shapes[1]]
        built.set_weights(values)
        expected.set_weights(values)
        image = random.normal(size=(1, side, side, channels)).astype("float32")
        mine, theirs = (
            keras.ops.convert_to_numpy(model(image)).astype("float32") for model in (built, expected)
        )
        if not np.allclose(mine, theirs, rtol=1e-2, atol=1e-2):
            return (
                "the function is another one: mind the epsilon, GELU behind the wide layer only, and the sum"
            )
    return None


def _block(x, *, activation="gelu", end=None, add=True, size=7):
    """The right answer and, with other options, wrong ones."""
    channels = x.shape[-1]
    y = keras.layers.DepthwiseConv2D(size, padding="same")(x)
    y = keras.layers.LayerNormalization(epsilon=1e-6)(y)
    y = keras.layers.Dense(4 * channels, activation=activation)(y)
    y = keras.layers.Dense(channels, activation=end)(y)
    return keras.layers.Add()([x, y]) if add else y


@exercise(
    "18-5",
    hint="keep x for the sum; Dense(4 * C, activation='gelu') and then Dense(C) act on the channels of each place",
    wrong_answers=(
        0,
        lambda x: _block(x, activation="relu"),
        lambda x: _block(x, end="gelu"),
        lambda x: _block(x, add=False),
        lambda x: _block(x, size=3),
        lambda x: keras.layers.GlobalAveragePooling2D()(_block(x)),
    ),
    judge=_judge_block,
)
def block_upside_down():
    def inverted_bottleneck(x):
        channels = x.shape[-1]
        y = keras.layers.DepthwiseConv2D(7, padding="same")(x)
        y = keras.layers.LayerNormalization(epsilon=1e-6)(y)
        y = keras.layers.Dense(4 * channels, activation="gelu")(y)
        y = keras.layers.Dense(channels)(y)
        return keras.layers.Add()([x, y])

    return inverted_bottleneck

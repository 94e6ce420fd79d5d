"""Exercises of lesson 11, DenseNet."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "11-1",
    hint="the block hands 128 + 12 * 32 channels to the transition, which keeps one half",
    wrong_answers=(512, 128, 192),
)
def channels_behind_a_transition():
    return (128 + 12 * 32) // 2


@exercise(
    "11-2",
    hint="the normalisation stands in front of the convolution, so it has 256 scales and 256 shifts",
    wrong_answers=(256 * 128, 256 * 128 + 2 * 128, 256 * 128 + 4 * 256, (256 + 1) * 128),
)
def parameters_of_a_transition():
    return 2 * 256 + 256 * 128


@exercise(
    "11-3",
    hint="layer l has l sources: 1 + 2 + ... + 24",
    wrong_answers=(24, 276, 576),
)
def connections_of_a_block():
    return 24 * (24 + 1) // 2


def _judge_dense_block(answer, right):
    if not callable(answer):
        return "a function is expected"
    import keras

    model, expected = (_as_model(block) for block in (answer, right))
    if model.output_shape != expected.output_shape:
        return f"(8, 8, 6) should become (8, 8, 18) with 3 layers of growth 4, not {model.output_shape[1:]}"
    mine, theirs = [[tuple(w.shape) for w in m.get_weights()] for m in (model, expected)]
    if mine != theirs:
        return f"its weights should have the shapes {theirs}, not {mine}: BN, then a 3x3 convolution without bias"
    random = np.random.default_rng(0)
    weights = [random.uniform(0.2, 1, size=shape) for shape in theirs]
    model.set_weights(weights)
    expected.set_weights(weights)
    pictures = random.normal(size=(2, 8, 8, 6)).astype("float32")
    one, other = (keras.ops.convert_to_numpy(m(pictures, training=False)) for m in (model, expected))
    if not np.allclose(one, other, rtol=1e-2, atol=1e-2):
        return "with equal weights its maps differ: BN, ReLU, convolution, and old channels first"
    return None


def _as_model(block):
    import keras

    inputs = keras.Input((8, 8, 6))
    return keras.Model(inputs, block(inputs, 3, 4))


def _block_of(layer_function, old_first=True):
    def block(x, layers, growth):
        import keras

        for _ in range(layers):
            parts = [x, layer_function(x, growth)]
            x = keras.layers.Concatenate()(parts if old_first else parts[::-1])
        return x

    return block


def _pre_activation(x, growth):
    import keras

    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.layers.Conv2D(growth, 3, padding="same", use_bias=False)(x)


def _without_relu(x, growth):
    import keras

    x = keras.layers.BatchNormalization()(x)
    return keras.layers.Conv2D(growth, 3, padding="same", use_bias=False)(x)


def _with_bias(x, growth):
    import keras

    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.layers.Conv2D(growth, 3, padding="same")(x)


def _plain_stack(x, layers, growth):
    for _ in range(layers):
        x = _pre_activation(x, growth)
    return x


@exercise(
    "11-4",
    hint="in a loop: new = convolution(relu(bn(x))), then x = Concatenate()([x, new])",
    wrong_answers=(
        "dense",
        _plain_stack,
        _block_of(_without_relu),
        _block_of(_with_bias),
        _block_of(_pre_activation, old_first=False),
    ),
    judge=_judge_dense_block,
)
def block_of_dense_layers():
    import keras

    def dense_block(x, layers, growth):
        for _ in range(layers):
            new = keras.layers.BatchNormalization()(x)
            new = keras.layers.ReLU()(new)
            new = keras.layers.Conv2D(growth, 3, padding="same", use_bias=False)(new)
            x = keras.layers.Concatenate()([x, new])
        return x

    return dense_block


def _judge_block_memory(answer, right):
    if not callable(answer):
        return "a function is expected"
    for case in ((16, 1, 12), (16, 4, 12), (64, 6, 32), (128, 24, 32)):
        result = answer(*case)
        if result != right(*case):
            return f"with first, layers, growth = {case} a block keeps {right(*case)} channels, not {result}"
    return None


@exercise(
    "11-5",
    hint="a layer that reads c channels keeps c + c + growth + (c + growth), and c grows",
    wrong_answers=(
        100,
        lambda first, layers, growth: first + layers * growth,
        lambda first, layers, growth: first + layers * (3 * first + 2 * growth),
        lambda first, layers, growth: sum(3 * (first + i * growth) + 2 * growth for i in range(layers)),
    ),
    judge=_judge_block_memory,
)
def channels_kept_by_a_block():
    def block_memory(first, layers, growth):
        kept, channels = first, first
        for _ in range(layers):
            kept += 2 * channels + growth + (channels + growth)
            channels += growth
        return kept

    return block_memory

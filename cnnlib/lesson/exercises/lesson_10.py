"""Exercises of lesson 10, ResNet."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "10-1",
    hint="6n + 2 = 110: three stages of n blocks, two convolutions each, and two layers more",
    wrong_answers=(54, 36, 17, 18.5),
)
def blocks_of_110_layers():
    return (110 - 2) // 6


@exercise(
    "10-2",
    hint="a 1x1 convolution from c to d channels has c * d weights, its normalisation 2 * d",
    wrong_answers=(172_032, 173_056, 174_720, 354_304),
)
def weights_of_the_projections():
    return sum(c * d + 2 * d for c, d in ((64, 128), (128, 256), (256, 512)))


@exercise(
    "10-3",
    hint="two choices at each of the 54 blocks",
    wrong_answers=(54, 108, 54**2, 2**53, 55),
)
def ways_through_54_blocks():
    return 2**54


def _judge_zero_padded(answer, right):
    if not callable(answer):
        return "a function of (maps, channels) is expected"
    random = np.random.default_rng(0)
    for shape in ((2, 6, 8, 3), (1, 7, 5, 3)):
        maps = random.random(shape)
        result, expected = np.asarray(answer(maps.copy(), 6)), right(maps, 6)
        if result.shape != expected.shape:
            return f"maps of shape {shape} with 6 channels should become {expected.shape}, not {result.shape}"
        if not np.allclose(result, expected):
            return (
                "the shape is right, the numbers are not: every second pixel, old channels first, then zeros"
            )
    return None


def _averaged(maps, channels):
    even = maps[:, : maps.shape[1] // 2 * 2, : maps.shape[2] // 2 * 2]
    means = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
    return np.concatenate([means, np.zeros((*means.shape[:3], channels - maps.shape[3]))], axis=3)


def _zeros_in_front(maps, channels):
    kept = maps[:, ::2, ::2]
    return np.concatenate([np.zeros((*kept.shape[:3], channels - maps.shape[3])), kept], axis=3)


def _repeated(maps, channels):
    kept = maps[:, ::2, ::2]
    return np.concatenate([kept, kept], axis=3)[..., :channels]


@exercise(
    "10-4",
    hint="maps[:, ::2, ::2], then np.concatenate with zeros along the last axis",
    wrong_answers=(
        0,
        _averaged,
        _zeros_in_front,
        _repeated,
        lambda maps, channels: maps[:, ::2, ::2],
        lambda maps, channels: 1 / 0,
    ),
    judge=_judge_zero_padded,
)
def shortcut_of_option_a():
    def zero_padded(maps, channels):
        kept = maps[:, ::2, ::2]
        zeros = np.zeros((*kept.shape[:3], channels - maps.shape[3]), maps.dtype)
        return np.concatenate([kept, zeros], axis=3)

    return zero_padded


def _judge_bottleneck(answer, right):
    if not callable(answer):
        return "a function of a Keras tensor is expected"
    import keras

    def as_model(block):
        maps = keras.Input((6, 6, 16))
        return keras.Model(maps, block(maps))

    mine, expected = as_model(answer), as_model(right)
    if tuple(mine.output_shape) != (None, 6, 6, 16):
        return f"(6, 6, 16) should stay (6, 6, 16), not become {mine.output_shape[1:]}"
    shapes = [[tuple(v.shape) for v in model.weights] for model in (mine, expected)]
    if sorted(shapes[0]) != sorted(shapes[1]):
        return "the weights should be those of 1x1-4, 3x3-4 and 1x1-16 without bias and three normalisations"
    random = np.random.default_rng(0)
    weights = [random.uniform(0.5, 1.5, shape) * random.choice([-1, 1]) for shape in shapes[1]]
    weights = [np.abs(w) if w.ndim == 1 else random.normal(size=w.shape) for w in weights]
    for model in (mine, expected):
        _assign_in_order(model, weights)
    maps = random.normal(size=(4, 6, 6, 16)).astype("float32")
    mine_out, expected_out = mine.predict_on_batch(maps), expected.predict_on_batch(maps)
    if not np.allclose(mine_out, expected_out, rtol=1e-3, atol=1e-3):
        return "with equal weights its outputs differ: look at the ReLUs and at the addition"
    return None


def _assign_in_order(model, weights):
    """Give the k-th weight of each shape the k-th array of that shape."""
    waiting = list(weights)
    for variable in model.weights:
        place = next(i for i, array in enumerate(waiting) if array.shape == tuple(variable.shape))
        variable.assign(waiting.pop(place))


def _bottleneck_with(*, inner=(True, True, False), last=True, add=True, narrow=4):
    from keras import layers

    def block(a):
        filters = a.shape[-1]
        z = a
        for i, (count, side) in enumerate(((filters // narrow, 1), (filters // narrow, 3), (filters, 1))):
            z = layers.Conv2D(count, side, padding="same", use_bias=False)(z)
            z = layers.BatchNormalization()(z)
            z = layers.ReLU()(z) if inner[i] else z
        z = layers.Add()([z, a]) if add else z
        return layers.ReLU()(z) if last else z

    return block


@exercise(
    "10-5",
    hint="k is a.shape[-1] // 4; no ReLU between the third normalisation and the addition",
    wrong_answers=(
        16,
        lambda a: _bottleneck_with(inner=(True, True, True), last=False)(a),
        lambda a: _bottleneck_with(add=False)(a),
        lambda a: _bottleneck_with(inner=(False, False, False))(a),
        lambda a: _bottleneck_with(narrow=2)(a),
        lambda a: _bottleneck_with(last=False)(a),
    ),
    judge=_judge_bottleneck,
)
def bottleneck_block():
    from keras import layers

    def bottleneck(a):
        filters = a.shape[-1]
        z = layers.Conv2D(filters // 4, 1, use_bias=False)(a)
        z = layers.ReLU()(layers.BatchNormalization()(z))
        z = layers.Conv2D(filters // 4, 3, padding="same", use_bias=False)(z)
        z = layers.ReLU()(layers.BatchNormalization()(z))
        z = layers.Conv2D(filters, 1, use_bias=False)(z)
        z = layers.BatchNormalization()(z)
        return layers.ReLU()(layers.Add()([z, a]))

    return bottleneck

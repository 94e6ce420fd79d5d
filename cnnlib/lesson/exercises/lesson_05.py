"""Exercises of lesson 05, AlexNet."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "05-1",
    hint="an unpadded window of 11 at stride 4 fits floor((224 - 11) / 4) + 1 times",
    wrong_answers=(55, 56, 54.25),
)
def side_of_the_first_maps():
    return (224 - 11) // 4 + 1


@exercise(
    "05-2",
    hint="each of the 384 kernels sees only the 192 channels of its own tower, and has one bias",
    wrong_answers=(3 * 3 * 384 * 384 + 384, 3 * 3 * 192 * 384, 3 * 3 * 192 * 192 + 192),
)
def weights_of_a_grouped_convolution():
    return 3 * 3 * (384 // 2) * 384 + 384


def _judge_lrn(answer, right):
    if not callable(answer):
        return "a function is expected"
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 8)) * 100
    result = np.asarray(answer(x.copy()))
    if result.shape != x.shape:
        return f"the shape should stay {x.shape}, not become {result.shape}"
    if np.allclose(result, right(x)):
        return None
    inner, expected = result[..., 2:-2], right(x)[..., 2:-2]
    if np.allclose(inner, expected):
        return "the inner channels are right; at the borders the sum runs over the channels that exist"
    return "the shape is right, the numbers are not: divide by (2 + 1e-4 * sum of squares) ** 0.75"


def _multiplied(x):
    energy = sum(np.pad(x**2, [(0, 0)] * 3 + [(2, 2)])[..., i : i + x.shape[-1]] for i in range(5))
    return x * (2 + 1e-4 * energy) ** 0.75


def _without_borders(x):
    energy = sum(np.roll(x**2, i, axis=-1) for i in range(-2, 3))
    return x / (2 + 1e-4 * energy) ** 0.75


@exercise(
    "05-3",
    hint="pad the squares with two channels of zeros on each side, then add five slices",
    wrong_answers=(0.75, _multiplied, _without_borders, lambda x: x[..., 2:-2]),
    judge=_judge_lrn,
)
def numpy_lrn():
    def local_response_normalization(x):
        channels = x.shape[-1]
        squares = np.pad(x**2, [(0, 0), (0, 0), (0, 0), (2, 2)])
        energy = sum(squares[..., i : i + channels] for i in range(5))
        return x / (2 + 1e-4 * energy) ** 0.75

    return local_response_normalization


def _judge_ten_views(answer, right):
    if not callable(answer):
        return "a function is expected"
    pictures = np.random.default_rng(0).random((3, 12, 10, 1))
    result, expected = np.asarray(answer(pictures.copy(), 8)), right(pictures, 8)
    if result.shape != expected.shape:
        return f"3 pictures of 12x10 cropped to 8 should give {expected.shape}, not {result.shape}"
    missing = [i for i, view in enumerate(expected) if not any(np.array_equal(view, v) for v in result)]
    if missing:
        plain = sum(i < 5 for i in missing)
        return f"{plain} of the 5 crops and {len(missing) - plain} of the 5 mirrored ones are missing"
    return None


def _five_twice(images, size):
    h, w = images.shape[1] - size, images.shape[2] - size
    corners = [(0, 0), (0, w), (h, 0), (h, w), (h // 2, w // 2)]
    views = [images[:, y : y + size, x : x + size] for y, x in corners]
    return np.stack(views * 2)


def _upside_down(images, size):
    views = _five_twice(images, size)[:5]
    return np.concatenate([views, views[:, :, ::-1]])


@exercise(
    "05-4",
    hint="five (top, left) corners, two of them from each side and the middle; mirrored means [:, :, ::-1]",
    wrong_answers=(10, _five_twice, _upside_down, lambda images, size: images[:, :size, :size]),
    judge=_judge_ten_views,
)
def ten_crops():
    def ten_views(images, size):
        bottom, right = images.shape[1] - size, images.shape[2] - size
        corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
        crops = np.stack([images[:, top : top + size, left : left + size] for top, left in corners])
        return np.concatenate([crops, crops[:, :, :, ::-1]])

    return ten_views


def _judge_stem(answer, right):
    if not callable(answer):
        return "a function that returns a model is expected"
    model = answer()
    if tuple(model.input_shape) != (None, 224, 224, 3):
        return f"it should take (224, 224, 3), not {model.input_shape[1:]}"
    if tuple(model.output_shape) != (None, 55, 55, 96):
        return f"it should give (55, 55, 96), not {model.output_shape[1:]}: look at padding and strides"
    if model.count_params() != 14_208:
        return f"it should have 14,208 parameters, not {model.count_params():,}"
    pictures = np.random.default_rng(0).normal(size=(2, 224, 224, 3)).astype("float32")
    expected = right()
    expected.set_weights(model.get_weights())
    if not np.allclose(model.predict_on_batch(pictures), expected.predict_on_batch(pictures), atol=1e-4):
        return "with equal weights it is another function: look at the ReLU, the pooling and its padding"
    return None


def _stem(activation="relu", pooling="MaxPooling2D", kernel=7):
    import keras

    return keras.Sequential(
        [
            keras.Input((224, 224, 3)),
            keras.layers.ZeroPadding2D(1),
            keras.layers.Conv2D(96, kernel, strides=2, activation=activation),
            getattr(keras.layers, pooling)(3, strides=2, padding="same"),
        ]
    )


@exercise(
    "05-5",
    hint="ZeroPadding2D(1), then 96 kernels of 7x7 at stride 2, ReLU, MaxPooling2D(3, 2, padding='same')",
    wrong_answers=(
        96,
        lambda: _stem(activation=None, pooling="AveragePooling2D"),
        lambda: _stem(pooling="AveragePooling2D"),
        lambda: _stem(kernel=11),
    ),
    judge=_judge_stem,
)
def stem_of_zfnet():
    import keras
    from keras import layers

    def zfnet_stem():
        return keras.Sequential(
            [
                keras.Input((224, 224, 3)),
                layers.ZeroPadding2D(1),
                layers.Conv2D(96, 7, strides=2, activation="relu"),  # 110, 110, 96
                layers.MaxPooling2D(3, strides=2, padding="same"),  # 55, 55, 96
            ]
        )

    return zfnet_stem


@exercise(
    "05-6",
    hint="weights, gradients and momentum: three numbers of 4 bytes for each of 62,378,344 parameters",
    wrong_answers=(62_378_344 * 4 / 1e6, 62_378_344 * 4 * 2 / 1e6, 62_378_344 * 4 * 3 / 2**20),
)
def megabytes_of_training():
    return 62_378_344 * 4 * 3 / 1e6

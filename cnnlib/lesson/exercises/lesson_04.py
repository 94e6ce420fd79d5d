"""Exercises of lesson 04, LeNet."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "04-1",
    hint="every one of the 28 * 28 * 6 units has 5 * 5 weights and a bias, shared or not",
    wrong_answers=(156, 28 * 28 * 25 * 6, 28 * 28 * 26),
)
def connections_of_c1():
    return 28 * 28 * 6 * (5 * 5 + 1)


@exercise(
    "04-2",
    hint="the first convolution keeps the size, the second takes 4 pixels, each pooling halves",
    wrong_answers=(5, 8, 7),
)
def pooled_height():
    after_first_block = 32 // 2
    return (after_first_block - 5 + 1) // 2


def _judge_subsample(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    maps, coefficient, bias = random.random((6, 8, 3)), random.random(3), random.random(3)
    result = np.asarray(answer(maps.copy(), coefficient.copy(), bias.copy()))
    if result.shape != (3, 4, 3):
        return f"maps of shape (6, 8, 3) should become (3, 4, 3), not {result.shape}"
    if not np.allclose(result, right(maps, coefficient, bias)):
        return "the shape is right, the numbers are not: add four, times coefficient, plus bias"
    return None


@exercise(
    "04-3",
    hint="reshape to (H/2, 2, W/2, 2, C) and sum over the axes of length 2",
    wrong_answers=(
        3,
        lambda maps, coefficient, bias: maps[::2, ::2] * coefficient + bias,
        lambda maps, coefficient, bias: maps,
        lambda maps, coefficient, bias: 1 / 0,
    ),
    judge=_judge_subsample,
)
def numpy_subsampling():
    def subsample(maps, coefficient, bias):
        height, width, channels = maps.shape
        windows = maps.reshape(height // 2, 2, width // 2, 2, channels)
        return windows.sum(axis=(1, 3)) * coefficient + bias

    return subsample


def _judge_tanh_lenet(answer, right):
    if not callable(answer):
        return "a function that returns a model is expected"
    from keras import layers

    model = answer()
    if tuple(model.output_shape) != (None, 10) or tuple(model.input_shape) != (None, 28, 28, 1):
        return (
            f"it should map (28, 28, 1) to 10 scores, not {model.input_shape[1:]} to {model.output_shape[1:]}"
        )
    if model.count_params() != 61_706:
        return f"it should have 61,706 parameters, not {model.count_params():,}"
    kinds = [type(layer) for layer in model.layers]
    if layers.AveragePooling2D in kinds or kinds.count(layers.MaxPooling2D) != 2:
        return "it should have two max poolings and no other"
    pictures = np.random.default_rng(0).normal(size=(8, 28, 28, 1)).astype("float32")
    expected = right()
    expected.set_weights(model.get_weights())
    if not np.allclose(model.predict_on_batch(pictures), expected.predict_on_batch(pictures), atol=1e-4):
        return (
            "with equal weights its scores differ: look at the activations (tanh inside, none on the scores)"
        )
    return None


def _relu_lenet():
    from cnnlib import networks

    return networks.build("lenet5", activation="relu", pooling="max")


def _average_lenet():
    from cnnlib import networks

    return networks.build("lenet5", activation="tanh")


@exercise(
    "04-4",
    hint='copy the model of the section "The block" and change activation and pooling',
    wrong_answers=("lenet5", _relu_lenet, _average_lenet),
    judge=_judge_tanh_lenet,
)
def lenet_with_tanh():
    import keras
    from keras import layers

    def tanh_lenet():
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(6, 5, padding="same", activation="tanh"),
                layers.MaxPooling2D(2),
                layers.Conv2D(16, 5, activation="tanh"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(120, activation="tanh"),
                layers.Dense(84, activation="tanh"),
                layers.Dense(10),
            ]
        )

    return tanh_lenet


@exercise(
    "04-5",
    hint="48,120 + 10,164 + 850, divided by all 61,706",
    wrong_answers=(0.78, 59_134, 0.96),
)
def share_of_dense_layers():
    return (48_120 + 10_164 + 850) / 61_706

"""Exercises of lesson 01, convolution."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "01-1",
    hint="floor((n + 2p - k) / s) + 1 with n = 31, p = 2, k = 5, s = 2",
    wrong_answers=(14, 15, 31, 15.5),
)
def strided_side():
    return (31 + 2 * 2 - 5) // 2 + 1


@exercise(
    "01-2",
    hint="each of the 128 kernels sees 64 / 4 channels, and has one bias",
    wrong_answers=((3 * 3 * 64 + 1) * 128, 3 * 3 * 16 * 128, (3 * 3 * 16 + 1) * 32),
)
def grouped_parameters():
    return (3 * 3 * (64 // 4) + 1) * 128


@exercise(
    "01-3",
    hint="Keras correlates: the kernel's one cell says where the new pixel looks, so it must look to the left",
    wrong_answers=(
        [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[0, 1, 0], [0, 0, 0], [0, 0, 0]],
    ),
)
def kernel_that_moves_right():
    return [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


def _judge_dilated(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    for dilation in (1, 2, 3):
        signal, kernel = random.normal(size=12), random.normal(size=4)
        result = np.asarray(answer(signal.copy(), kernel.copy(), dilation))
        expected = right(signal, kernel, dilation)
        if result.shape != expected.shape:
            return f"12 samples, 4 cells and dilation {dilation} should give {expected.shape}, not {result.shape}"
        if not np.allclose(result, expected):
            return (
                f"the numbers are wrong at dilation {dilation}: is the kernel turned, or the distance wrong?"
            )
    return None


def _turned(signal, kernel, dilation):
    spread = np.zeros((len(kernel) - 1) * dilation + 1)
    spread[::dilation] = kernel
    return np.convolve(signal, spread, mode="valid")


@exercise(
    "01-4",
    hint="put dilation - 1 zeros between the kernel's cells and use np.correlate, or add slices of the signal",
    wrong_answers=(
        4,
        _turned,
        lambda signal, kernel, dilation: np.correlate(signal, kernel, "valid"),
        lambda signal, kernel, dilation: np.correlate(signal, kernel, "valid")[::dilation],
    ),
    judge=_judge_dilated,
)
def dilated_correlation():
    def dilated(signal, kernel, dilation):
        places = len(signal) - (len(kernel) - 1) * dilation
        return sum(weight * signal[i * dilation : i * dilation + places] for i, weight in enumerate(kernel))

    return dilated


def _judge_gradients(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    picture, kernel, error = (random.normal(size=size) for size in ((6, 7), (3, 3), (4, 5)))
    results = answer(picture.copy(), kernel.copy(), error.copy())
    if not isinstance(results, (tuple, list)) or len(results) != 2:
        return "two arrays are expected, the input gradient and the kernel gradient"
    for name, result, expected in zip(
        ("input", "kernel"), results, right(picture, kernel, error), strict=True
    ):
        if np.shape(result) != expected.shape:
            return f"the {name} gradient should be {expected.shape}, not {np.shape(result)}"
        if not np.allclose(result, expected):
            return f"the shape of the {name} gradient is right, its numbers are not"
    return None


def _gradients(picture, kernel, error, rotate=True):
    rows, columns = error.shape
    k = len(kernel)
    padded = np.pad(error, k - 1)
    used = kernel[::-1, ::-1] if rotate else kernel
    input_gradient = sum(
        used[a, b] * padded[a : a + picture.shape[0], b : b + picture.shape[1]]
        for a in range(k)
        for b in range(k)
    )
    kernel_gradient = [
        [np.sum(picture[a : a + rows, b : b + columns] * error) for b in range(k)] for a in range(k)
    ]
    return input_gradient, np.array(kernel_gradient)


@exercise(
    "01-5",
    hint="spread each error over its window for the input; sum window times error over all places for the kernel",
    wrong_answers=(
        5,
        lambda picture, kernel, error: kernel,
        lambda picture, kernel, error: _gradients(picture, kernel, error, rotate=False),
        lambda picture, kernel, error: (
            _gradients(picture, kernel, error)[0],
            _gradients(picture, kernel, error)[1][::-1, ::-1],
        ),
        lambda picture, kernel, error: (error, _gradients(picture, kernel, error)[1]),
    ),
    judge=_judge_gradients,
)
def gradients_of_a_convolution():
    def gradients(picture, kernel, error):
        k = len(kernel)
        input_gradient, kernel_gradient = np.zeros(picture.shape), np.zeros(kernel.shape)
        for (i, j), value in np.ndenumerate(error):
            input_gradient[i : i + k, j : j + k] += value * kernel
            kernel_gradient += value * picture[i : i + k, j : j + k]
        return input_gradient, kernel_gradient

    return gradients


def _judge_two_layers(answer, right):
    if not callable(answer):
        return "a function that returns a model is expected"
    from keras import layers

    model = answer()
    if tuple(model.input_shape) != (None, 28, 28, 1) or tuple(model.output_shape) != (None, 14, 14, 10):
        return f"it should map (28, 28, 1) to (14, 14, 10), not {model.input_shape[1:]} to {model.output_shape[1:]}"
    if any(isinstance(layer, layers.Dense) for layer in model.layers):
        return "it should have no dense layer: a 1x1 convolution does its work"
    if model.count_params() != 298:
        return f"it should have 208 + 90 parameters, not {model.count_params():,}"
    pictures = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32")
    expected = right()
    expected.set_weights(model.get_weights())
    if not np.allclose(model.predict_on_batch(pictures), expected.predict_on_batch(pictures), atol=1e-4):
        return "with equal weights it is another function: look at the padding and the ReLU"
    return None


def _same_padded():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 5, strides=2, padding="same", activation="relu"),
            layers.Conv2D(10, 1),
        ]
    )


def _with_dense():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.ZeroPadding2D(2),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Dense(10),
        ]
    )


@exercise(
    "01-6",
    hint="ZeroPadding2D(2), Conv2D(8, 5, strides=2, activation='relu'), Conv2D(10, 1)",
    wrong_answers=(298, _same_padded, _with_dense),
    judge=_judge_two_layers,
)
def model_of_two_layers():
    import keras
    from keras import layers

    def two_layers():
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.ZeroPadding2D(2),
                layers.Conv2D(8, 5, strides=2, activation="relu"),  # 14, 14, 8
                layers.Conv2D(10, 1),  # 14, 14, 10
            ]
        )

    return two_layers

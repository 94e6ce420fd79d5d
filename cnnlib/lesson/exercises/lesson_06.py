"""Exercises of lesson 06, VGG."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "06-1",
    hint="three layers of 3 * 3 * 64 * 64 weights, against one of 7 * 7 * 64 * 64; biases are left out",
    wrong_answers=(110_592 / 7, 200_704, 49 / 27, 0.5),
)
def weights_of_the_stack():
    return 3 * (3 * 3 * 64 * 64) / (7 * 7 * 64 * 64)


@exercise(
    "06-2",
    hint="the first dense layer reads the 7 * 7 * 512 numbers of the last pool; count biases too",
    wrong_answers=(123_642_856, 0.74, 0.11),
)
def dense_share_of_vgg16():
    dense = (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    return dense / 138_357_544


@exercise(
    "06-3",
    hint="five pools halve the picture five times; then a 7x7 kernel without padding is laid on the rest",
    wrong_answers=(12, 7, 1, 8),
)
def side_of_the_score_map():
    return 384 // 2**5 - 7 + 1


def _judge_kernel(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    maps, weights = random.normal(size=(3, 4, 5)), random.normal(size=(60, 7))
    kernel = np.asarray(answer(weights.copy(), 3, 4, 5))
    if kernel.shape != (3, 4, 5, 7):
        return f"weights (60, 7) should become a kernel (3, 4, 5, 7), not {kernel.shape}"
    by_convolution = np.einsum("hwc,hwcu->u", maps, kernel)
    if not np.allclose(by_convolution, maps.ravel() @ weights):
        return (
            "the shape is right, the outputs are not those of the dense layer: look at the order of the axes"
        )
    return None


@exercise(
    "06-4",
    hint="Flatten counts channels fastest, then width, then height; a kernel has its axes in that order",
    wrong_answers=(
        "reshape",
        lambda weights, height, width, channels: weights.reshape(height * width, channels, -1),
        lambda weights, height, width, channels: weights.reshape(channels, height, width, -1).transpose(
            1, 2, 0, 3
        ),
        lambda weights, height, width, channels: weights.T.reshape(height, width, channels, -1),
        lambda weights, height, width, channels: 1 / 0,
    ),
    judge=_judge_kernel,
)
def kernel_of_a_dense_layer():
    def kernel_of(weights, height, width, channels):
        return weights.reshape(height, width, channels, weights.shape[1])

    return kernel_of


def _as_model(block, filters=6, count=3):
    import keras

    images = keras.Input((12, 12, 4))
    return keras.Model(images, block(images, filters, count))


def _judge_block(answer, right):
    if not callable(answer):
        return "a function of (x, filters, count) is expected"
    from keras import layers

    mine, expected = _as_model(answer), _as_model(right)
    if tuple(mine.output_shape) != tuple(expected.output_shape):
        return f"(12, 12, 4) should become {expected.output_shape[1:]}, not {mine.output_shape[1:]}"
    convolutions = [layer for layer in mine.layers if isinstance(layer, layers.Conv2D)]
    if len(convolutions) != 3 or any(layer.kernel_size != (3, 3) for layer in convolutions):
        return f"with count=3 there should be three 3x3 convolutions, not {[c.kernel_size for c in convolutions]}"
    if mine.count_params() != expected.count_params():
        return f"it should have {expected.count_params():,} parameters, not {mine.count_params():,}"
    expected.set_weights(mine.get_weights())
    images = np.random.default_rng(0).normal(size=(4, 12, 12, 4)).astype("float32")
    one, other = mine.predict_on_batch(images), expected.predict_on_batch(images)
    if not np.allclose(one, other, atol=1e-4):
        return "with equal weights its outputs differ: a ReLU after each convolution, then max pooling"
    return None


def _block_without_relu(x, filters, count):
    from keras import layers

    for _ in range(count):
        x = layers.Conv2D(filters, 3, padding="same")(x)
    return layers.MaxPooling2D(2)(x)


def _block_without_pool(x, filters, count):
    from keras import layers

    for _ in range(count):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def _block_of_two(x, filters, count):
    from keras import layers

    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(2)(x)


@exercise(
    "06-5",
    hint="a loop over `count` convolutions of 3x3 with padding and ReLU, then a 2x2 max pooling",
    wrong_answers=(3, _block_without_relu, _block_without_pool, _block_of_two),
    judge=_judge_block,
)
def block_of_vgg():
    from keras import layers

    def vgg_block(x, filters, count):
        for _ in range(count):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        return layers.MaxPooling2D(2)(x)

    return vgg_block

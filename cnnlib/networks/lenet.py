"""LeNet: alternating convolutions and subsampling, then dense layers (LeCun et al., 1998)."""

import keras
from keras import layers

from cnnlib.layers import (
    PartiallyConnectedConv2D,
    RadialBasisFunctionOutput,
    TrainableSubsampling2D,
    digit_codes,
    hadamard_codes,
    scaled_tanh,
)
from cnnlib.networks.common import Variant, check_choice, pad, scale_channels, scores

PAPER = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998"

# Table I of the paper: for each map of C3, the maps of S2 that it sees. 6 see three, 9 see four, 1 sees all.
C3_CONNECTIONS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)


def lenet5(
    input_shape,
    classes,
    width=1.0,
    *,
    activation="sigmoid",
    pooling="average",
    batch_norm=False,
    first_padding="same",
    filters=(6, 16),
    units=(120, 84),
    convolution_activation=True,
):
    """The modern LeNet-5: 6@5x5 (padded), 16@5x5, dense 120, 84; `classes` logits.

    Args:
        activation: a Keras activation's name; "sigmoid", "tanh" and "relu" are the course's.
        pooling: "average" or "max", 2x2 at stride 2.
        batch_norm: BatchNorm before every activation.
        first_padding: "same" or "valid"; the second convolution is never padded.
        filters, units: channels of the convolutions and of the dense layers at width 1.
        convolution_activation: False leaves the convolutions linear, as Caffe's example network does.

    Raises:
        ValueError: an unknown activation, pooling or padding.
    """
    check_choice("pooling", pooling, ("average", "max"))
    check_choice("first_padding", first_padding, ("same", "valid"))
    pool = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}[pooling]
    inputs = x = keras.Input(input_shape, name="images")

    def activate(x, name):
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
        return layers.Activation(activation, name=f"{name}_activation")(x)

    for i, channels in enumerate(filters, start=1):
        padding = first_padding if i == 1 else "valid"
        channels = scale_channels(channels, width)
        x = layers.Conv2D(channels, 5, padding=padding, name=f"stage{i}_conv")(x)  # (28,28,6); (10,10,16)
        x = activate(x, f"stage{i}") if convolution_activation else x
        x = pool(2, name=f"stage{i}_pool")(x)  # (14,14,6); (5,5,16)
    x = layers.Flatten(name="flatten")(x)  # 400
    for i, count in enumerate(units, start=1):
        x = layers.Dense(scale_channels(count, width), name=f"dense{i}")(x)
        x = activate(x, f"dense{i}")
    return keras.Model(inputs, scores(x, classes))


def lenet5_1998(input_shape, classes, width=1.0, *, stem="paper", codes="digits"):
    """LeNet-5 as published: scaled tanh, trainable subsampling, the sparse C3, distances to fixed codes.

    `scores` are minus the squared distances of F6 to the codes. Weights start as LeCun's uniform, not at the
    paper's +-2.4 / fan-in.

    Args:
        width: scales C5, and F6 with codes="hadamard"; C1 and C3 stand in the table of connections, and a
            picture has 84 pixels.
        stem: "small" puts two zeros around the image, as the paper does with the 28x28 digits.
        codes: "digits" (7x12 pictures of ten digits, our own drawings) or "hadamard" (far apart, any number).

    Raises:
        ValueError: more than ten classes with codes="digits".
    """
    check_choice("stem", stem, ("paper", "small"))
    check_choice("codes", codes, ("digits", "hadamard"))
    if codes == "digits" and classes > 10:
        raise ValueError(
            f"classes={classes!r}: there are pictures of ten digits; take codes='hadamard' for more"
        )
    table = (
        digit_codes()[:classes] if codes == "digits" else hadamard_codes(classes, scale_channels(84, width))
    )
    inputs = keras.Input(input_shape, name="images")
    x = pad(inputs, 2 if stem == "small" else 0, name="stem_pad")

    def squash(x, name):
        return layers.Activation(scaled_tanh, name=f"{name}_activation")(x)

    def convolution(filters, name):
        return layers.Conv2D(filters, 5, kernel_initializer="lecun_uniform", name=name)

    x = squash(convolution(6, "c1")(x), "c1")  # (28,28,6)
    x = squash(TrainableSubsampling2D(2, name="s2")(x), "s2")  # (14,14,6)
    x = squash(PartiallyConnectedConv2D(C3_CONNECTIONS, 5, name="c3")(x), "c3")  # (10,10,16)
    x = squash(TrainableSubsampling2D(2, name="s4")(x), "s4")  # (5,5,16)
    x = squash(convolution(scale_channels(120, width), "c5")(x), "c5")  # (1,1,120)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(table.shape[1], kernel_initializer="lecun_uniform", name="f6")(x)
    x = squash(x, "f6")
    return keras.Model(inputs, RadialBasisFunctionOutput(table, name="scores")(x))


def lenet_300_100(input_shape, classes, width=1.0, *, activation="relu", units=(300, 100)):
    """Dense layers only, 300 and 100 units at width 1: the small network of the compression papers."""
    inputs = keras.Input(input_shape, name="images")
    x = layers.Flatten(name="flatten")(inputs)
    for i, count in enumerate(units, start=1):
        x = layers.Dense(scale_channels(count, width), name=f"dense{i}")(x)
        x = layers.Activation(activation, name=f"dense{i}_activation")(x)
    return keras.Model(inputs, scores(x, classes))


def _variant(build, params, macs, minimum_size, *, input_shape=(28, 28, 1), minimum_size_small=None, error=None,
             **options):  # fmt: skip
    return Variant("lenet", build, input_shape, 10, params, macs, PAPER, 1998, minimum_size=minimum_size,
                   minimum_size_small=minimum_size_small, top1_error=error, dataset="MNIST",
                   options=options)  # fmt: skip


_CAFFE = {"filters": (20, 50), "units": (500,), "pooling": "max", "activation": "relu"}

# fmt: off
VARIANTS = {
    "lenet5":        _variant(lenet5, 61_706, 416_520, 12),
    "lenet5_1998":   _variant(lenet5_1998, 60_000, 326_520, 32, input_shape=(32, 32, 1), minimum_size_small=28,
                              error=0.95),
    "lenet5_bn":     _variant(lenet5, 44_878, 281_640, 16, batch_norm=True, first_padding="valid"),
    "lenet5_caffe":  _variant(lenet5, 431_080, 2_293_000, 16, first_padding="valid",
                              convolution_activation=False, **_CAFFE),
    "lenet_300_100": _variant(lenet_300_100, 266_610, 266_200, 1),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"lenet": ("#000000", "s"), "batchnorm-lenet": ("#595959", "*")}

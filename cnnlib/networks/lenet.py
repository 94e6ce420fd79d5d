"""LeNet: alternating convolutions and subsampling, then dense layers (LeCun et al., 1998)."""

from functools import partial
from typing import Literal

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
from cnnlib.networks.common import Variant, batch_norm, pad, scale_channels, scores
from cnnlib.networks.hints import Activation, Count, Counts, Normalization, Shape, Stem, checked

PAPER = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998"

# Table I of the paper: for each map of C3, the maps of S2 that it sees. 6 see three, 9 see four, 1 sees all.
C3_CONNECTIONS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)


@checked
def lenet5(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    activation: Activation = "sigmoid",
    pooling: Literal["average", "max"] = "average",
    normalization: Normalization = "none",
    first_padding: Literal["same", "valid"] = "same",
    filters: Counts = (6, 16),
    dense_units: tuple[Count, ...] = (120, 84),
    convolution_activation: bool = True,
) -> keras.Model:
    """The modern LeNet-5: 6@5x5 (padded), 16@5x5, dense 120, 84; `classes` logits.

    Args:
        activation: a Keras activation's name; "sigmoid", "tanh" and "relu" are the course's.
        pooling: "average" or "max", 2x2 at stride 2.
        normalization: "batch" is BatchNorm before every activation.
        first_padding: "same" or "valid"; the second convolution is never padded.
        filters, dense_units: channels of the convolutions and of the dense layers at width 1.
        convolution_activation: False leaves the convolutions linear, as Caffe's example network does.

    Raises:
        ValueError: an unknown activation, pooling or padding.
    """
    pool = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}[pooling]
    inputs = x = keras.Input(input_shape, name="images")

    def activate(x, name):
        x = batch_norm(x, f"{name}_bn") if normalization == "batch" else x
        return layers.Activation(activation, name=f"{name}_activation")(x)

    for i, channels in enumerate(filters, start=1):
        padding = first_padding if i == 1 else "valid"
        channels = scale_channels(channels, width)
        x = layers.Conv2D(channels, 5, padding=padding, name=f"stage{i}_conv")(x)  # (28,28,6); (10,10,16)
        x = activate(x, f"stage{i}") if convolution_activation else x
        x = pool(2, name=f"stage{i}_pool")(x)  # (14,14,6); (5,5,16)
    x = layers.Flatten(name="flatten")(x)  # 400
    for i, units in enumerate(dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), name=f"dense{i}")(x)
        x = activate(x, f"dense{i}")
    return keras.Model(inputs, scores(x, classes))


@checked
def lenet5_1998(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    stem: Stem = "paper",
    codes: Literal["digits", "hadamard"] = "digits",
) -> keras.Model:
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
    if codes == "digits" and classes > 10:
        raise ValueError(
            f"classes={classes!r}: there are pictures of ten digits; take codes='hadamard' for more."
        )
    units = 84 if codes == "digits" else scale_channels(84, width)
    table = digit_codes()[:classes] if codes == "digits" else hadamard_codes(classes, units)
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


@checked
def lenet_300_100(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    activation: Activation = "relu",
    dense_units: tuple[Count, ...] = (300, 100),
) -> keras.Model:
    """Dense layers only, 300 and 100 units at width 1: the small network of the compression papers."""
    inputs = keras.Input(input_shape, name="images")
    x = layers.Flatten(name="flatten")(inputs)
    for i, units in enumerate(dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), name=f"dense{i}")(x)
        x = layers.Activation(activation, name=f"dense{i}_activation")(x)
    return keras.Model(inputs, scores(x, classes))


_row = partial(Variant, family="lenet", build=lenet5, input_shape=(28, 28, 1), classes=10, paper=PAPER, year=1998,
               dataset="MNIST")  # fmt: skip
_CAFFE = {"filters": (20, 50), "dense_units": (500,), "pooling": "max", "activation": "relu",
          "first_padding": "valid", "convolution_activation": False}  # fmt: skip
# fmt: off
VARIANTS = {
    "lenet5": _row(params=61_706, macs=416_520, minimum_size=12),
    "lenet5_1998": _row(build=lenet5_1998, params=60_000, macs=326_520, minimum_size=32, minimum_size_small=28,
                        input_shape=(32, 32, 1), top1_error=0.95),  # the paper counts connections: 340,908
    "lenet5_bn": _row(params=44_878, macs=281_640, minimum_size=16,
                      options={"normalization": "batch", "first_padding": "valid"}),
    "lenet5_caffe": _row(params=431_080, macs=2_293_000, minimum_size=16, options=_CAFFE),
    "lenet_300_100": _row(build=lenet_300_100, params=266_610, macs=266_200),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"lenet": ("#000000", "s"), "batchnorm-lenet": ("#595959", "*")}

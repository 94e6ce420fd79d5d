"""MobileNet: a convolution split into one per channel and one per pixel (Howard et al., 2017)."""

from typing import Literal

import keras
from keras import KerasTensor, layers

from cnnlib.networks.common import Variant, batch_norm, check_sides, conv_bn, scale_channels, scores
from cnnlib.networks.hints import Rate, Shape, StemStride, checked

PAPER = "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam: MobileNets, 2017"

# (channels, stride) of the thirteen separable blocks (table 1).
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


@checked
def mobilenet_v1(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    activation: Literal["relu", "relu6"] = "relu",
    padding: Literal["symmetric", "bottom_right"] = "symmetric",
    epsilon: float = 1e-3,
    stem_stride: StemStride = None,
    dropout: Rate = 0.0,
) -> keras.Model:
    """MobileNet v1: a 3x3 convolution, thirteen depthwise separable blocks, global pooling.

    Args:
        activation: "relu" or "relu6" (as in keras.applications).
        padding: of strided layers. "symmetric" zeros, one on each side; "bottom_right", one row and column at
            the end, as in keras.applications (whose first convolution pads an odd image on both sides).
        epsilon: BatchNorm's, above 0.
        stem_stride: stride of the first convolution, 2 (the paper, the default) or 1 for small images.
        dropout: rate before `scores`, in [0, 1).
    """
    ceiling = 6.0 if activation == "relu6" else None
    inputs = keras.Input(input_shape, name="images")
    x = _stem(inputs, scale_channels(32, width), stem_stride or 2, padding, epsilon)  # (112,112,32)
    x = layers.ReLU(ceiling, name="stem_conv_relu")(x)
    for i, (filters, stride) in enumerate(BLOCKS, start=1):  # (112,112,64); ... (7,7,1024)
        x = separable_block(
            x,
            scale_channels(filters, width),
            stride=stride,
            ceiling=ceiling,
            padding=padding,
            epsilon=epsilon,
            name=f"block{i}",
        )
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, scores(x, classes), name="mobilenet_v1")


def separable_block(
    x: KerasTensor,
    filters: int,
    *,
    name: str,
    stride: int = 1,
    ceiling: float | None = None,
    padding: str = "symmetric",
    epsilon: float = 1e-3,
) -> KerasTensor:
    """3x3 depthwise (`{name}_depthwise`) and 1x1 pointwise, each with BatchNorm and ReLU up to `ceiling`.

    x (N, H, W, C) -> (N, ceil(H / stride), ceil(W / stride), filters); floored with "bottom_right".
    """
    zeros = 1
    if padding == "bottom_right" and stride == 2:
        check_sides(x, 2, name, " or padding='symmetric'")
        zeros = ((0, 1), (0, 1))
    x = layers.ZeroPadding2D(zeros, name=f"{name}_depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        3, strides=stride, use_bias=False, depthwise_initializer=he_depthwise(3), name=f"{name}_depthwise"
    )(x)
    x = batch_norm(x, f"{name}_depthwise_bn", epsilon=epsilon)
    x = layers.ReLU(ceiling, name=f"{name}_depthwise_relu")(x)
    x = conv_bn(x, filters, 1, epsilon=epsilon, name=f"{name}_pointwise")
    return layers.ReLU(ceiling, name=f"{name}_pointwise_relu")(x)


def he_depthwise(size: int) -> keras.initializers.Initializer:
    """He's initialization of a depthwise kernel: size^2 inputs a channel (Keras' counts all the channels)."""
    return keras.initializers.RandomNormal(stddev=2**0.5 / size)


def _stem(x, filters, stride, padding, epsilon):
    if padding == "symmetric":
        return conv_bn(x, filters, 3, stride=stride, epsilon=epsilon, name="stem_conv")
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal",
                      name="stem_conv")(x)  # fmt: skip
    return batch_norm(x, "stem_conv_bn", epsilon=epsilon)


VARIANTS = {
    "mobilenet_v1": Variant(family="mobilenet", build=mobilenet_v1, input_shape=(224, 224, 3), classes=1000,
                            params=4_231_976, macs=568_740_352, paper_macs="569M", paper=PAPER, year=2017,
                            top1_error=29.4),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"mobilenet": ("#004D38", "8")}

"""MobileNet: a convolution split into one per channel and one per pixel (Howard et al., 2017)."""

import keras
from keras import layers

from cnnlib.networks.common import Variant, check_choice, conv_bn, scale_channels, scores

PAPER = "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam: MobileNets, 2017"

# (channels, stride) of the thirteen separable blocks (table 1).
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def mobilenet_v1(
    input_shape,
    classes,
    width=1.0,
    *,
    activation="relu",
    padding="symmetric",
    epsilon=1e-3,
    stem_stride=2,
    dropout=0.0,
):
    """MobileNet v1: a 3x3 convolution, thirteen depthwise separable blocks, global pooling.

    Args:
        activation: "relu" or "relu6" (as in keras.applications).
        padding: of strided layers. "symmetric" zeros, one on each side; "bottom_right", one row and column at
            the end, as in keras.applications (whose first convolution pads an odd image on both sides).
        epsilon: BatchNorm's, above 0.
        stem_stride: stride of the first convolution, 2 (the paper) or 1 for small images.
        dropout: rate before `scores`, in [0, 1).
    """
    check_choice("activation", activation, ("relu", "relu6"))
    check_choice("padding", padding, ("symmetric", "bottom_right"))
    check_choice("stem_stride", stem_stride, (1, 2))
    ceiling = 6.0 if activation == "relu6" else None
    inputs = keras.Input(input_shape, name="images")
    x = _stem(inputs, scale_channels(32, width), stem_stride, padding, epsilon)  # (112,112,32)
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


def separable_block(x, filters, *, name, stride=1, ceiling=None, padding="symmetric", epsilon=1e-3):
    """3x3 depthwise (`{name}_depthwise`) and 1x1 pointwise, each with BatchNorm and ReLU up to `ceiling`.

    x (N, H, W, C) -> (N, ceil(H / stride), ceil(W / stride), filters); floored with "bottom_right".
    """
    if padding == "bottom_right" and stride == 2 and any(n is not None and n < 2 for n in x.shape[1:3]):
        raise ValueError(
            f"input_shape is too small: {name} with padding='bottom_right' halves maps of at least 2x2 pixels, and "
            f"gets {x.shape[1]}x{x.shape[2]}; give larger images or padding='symmetric'"
        )
    zeros = ((0, 1), (0, 1)) if stride == 2 and padding == "bottom_right" else 1
    x = layers.ZeroPadding2D(zeros, name=f"{name}_depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        3, strides=stride, use_bias=False, depthwise_initializer=he_depthwise(3), name=f"{name}_depthwise"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_depthwise_bn")(x)
    x = layers.ReLU(ceiling, name=f"{name}_depthwise_relu")(x)
    x = conv_bn(x, filters, 1, epsilon=epsilon, name=f"{name}_pointwise")
    return layers.ReLU(ceiling, name=f"{name}_pointwise_relu")(x)


def he_depthwise(size):
    """He's initialisation of a depthwise kernel: size^2 inputs a channel (Keras' counts all the channels)."""
    return keras.initializers.RandomNormal(stddev=2**0.5 / size)


def _stem(x, filters, stride, padding, epsilon):
    if padding == "symmetric":
        return conv_bn(x, filters, 3, stride=stride, epsilon=epsilon, name="stem_conv")
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal",
                      name="stem_conv")(x)  # fmt: skip
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name="stem_conv_bn")(x)


VARIANTS = {
    "mobilenet_v1": Variant("mobilenet", mobilenet_v1, (224, 224, 3), 1000,
                            4_231_976, 568_740_352, PAPER, 2017, minimum_size=1, top1_error=29.4),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"mobilenet": ("#004D38", "8")}

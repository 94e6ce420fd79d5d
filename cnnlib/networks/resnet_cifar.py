"""ResNet for CIFAR's 32x32 images: 6n + 2 layers in three thin stages, and its plain twins."""

import contextlib
import sys

import keras
from keras import layers

from cnnlib.networks.common import Variant, conv_bn, convolution, scale_channels, scores
from cnnlib.networks.residual import residual_stage
from cnnlib.networks.resnet import PAPER, check_options, end_of_stages


def resnet_cifar(
    input_shape,
    classes,
    width=1.0,
    *,
    depth=20,
    residual=True,
    shortcut="A",
    preactivation=False,
    relu_position="after_addition",
    antialias=False,
    batch_norm=True,
    zero_init_residual=False,
    stem_stride=1,
):
    """3x3-16, three stages of n = (depth - 2) / 6 basic blocks of 16, 32, 64 channels, global pooling.

    `depth` counts the layers with weights; other options as in `resnet.resnet`. `stem_stride=2` is a scaled
    form for a slow machine: it halves the image at once.

    Raises:
        ValueError: `depth` is not 6n + 2 with n >= 1, or an option is not one of its values.
    """
    if not isinstance(depth, int) or depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth={depth!r} must be 6n + 2 with n of at least 1: 8, 14, 20, ...")
    parts = {"residual": residual, "shortcut": shortcut, "preactivation": preactivation, "width": width,
             "relu_position": relu_position, "antialias": antialias, "batch_norm": batch_norm,
             "zero_init_residual": zero_init_residual}  # fmt: skip
    check_options("basic", {"stride_in": "3x3", "groups": 1, **parts}, stem_stride=stem_stride)
    inputs = keras.Input(input_shape, name="images")
    convolve = conv_bn if batch_norm else convolution
    x = convolve(inputs, scale_channels(16, width), 3, stride=stem_stride, name="stem_conv")
    x = layers.ReLU(name="stem_conv_relu")(x)  # (32,32,16)
    for i, filters in enumerate((16, 32, 64)):  # (32,32,16); (16,16,32); (8,8,64)
        x = residual_stage(
            x,
            filters,
            (depth - 2) // 6,
            block="basic",
            stride=1 if i == 0 else 2,
            name=f"stage{i + 2}",
            **parts,
        )
    x = end_of_stages(x, preactivation, batch_norm)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    with _recursion_as_deep_as(depth):
        return keras.Model(inputs, scores(x, classes), name="resnet_cifar")


@contextlib.contextmanager
def _recursion_as_deep_as(depth):
    """Keras sorts a graph by recursion, one call an operation: 1202 layers pass Python's limit of 1,000."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 10 * depth))  # a layer is at most 4 operations
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _row(params, macs, error, depth, residual=True):
    return Variant(
        "resnet_cifar",
        resnet_cifar,
        (32, 32, 3),
        10,
        params,
        macs,
        PAPER,
        2016,
        minimum_size=1,
        top1_error=error,
        dataset="CIFAR-10",
        options={"depth": depth, "residual": residual},
    )


# Counts are those of option A, whose shortcuts have no weights: a plain twin's count is the same.
# fmt: off
VARIANTS = {
    "plain20_cifar":    _row(269_722, 40_551_040, None, 20, residual=False),
    "plain32_cifar":    _row(464_154, 68_862_592, None, 32, residual=False),
    "plain44_cifar":    _row(658_586, 97_174_144, None, 44, residual=False),
    "plain56_cifar":    _row(853_018, 125_485_696, None, 56, residual=False),
    "plain110_cifar":   _row(1_727_962, 252_887_680, None, 110, residual=False),
    "resnet20_cifar":   _row(269_722, 40_551_040, 8.75, 20),
    "resnet32_cifar":   _row(464_154, 68_862_592, 7.51, 32),
    "resnet44_cifar":   _row(658_586, 97_174_144, 7.17, 44),
    "resnet56_cifar":   _row(853_018, 125_485_696, 6.97, 56),
    "resnet110_cifar":  _row(1_727_962, 252_887_680, 6.43, 110),
    "resnet1202_cifar": _row(19_421_274, 2_829_238_912, 7.93, 1202),
}
# fmt: on

"""ResNet for CIFAR's 32x32 images: 6n + 2 layers in three thin stages, and its plain twins."""

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from typing import Literal

import keras
from keras import layers

from cnnlib.networks.common import Variant, conv_bn_relu, scale_channels, scores
from cnnlib.networks.hints import Normalization, Shape, StemStride, checked
from cnnlib.networks.residual import Relu, Shortcut, stages
from cnnlib.networks.resnet import PAPER


@checked
def resnet_cifar(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    depth: int = 20,
    block: Literal["basic", "preactivation"] = "basic",
    shortcut: Shortcut = "A",
    normalization: Normalization = "batch",
    relu_position: Relu = "after_addition",
    antialias: bool = False,
    zero_init_residual: bool = False,
    stem_stride: StemStride = None,
) -> keras.Model:
    """3x3-16, three stages of n = (depth - 2) / 6 blocks of 16, 32, 64 channels, global pooling.

    `depth` counts the layers with weights; other options as in `resnet.resnet`. `stem_stride=2` is a scaled
    form for a slow machine: it halves the image at once.

    Raises:
        ValueError: `depth` is not 6n + 2 with n >= 1, or an option is not one of its values.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth={depth!r} must be 6n + 2 with n of at least 1: 8, 14, 20, ...")
    inputs = keras.Input(input_shape, name="images")
    x = conv_bn_relu(inputs, scale_channels(16, width), 3, stride=stem_stride or 1, normalization=normalization,
                     name="stem_conv")  # fmt: skip
    x = stages(x, 16, ((depth - 2) // 6,) * 3, block=block, width=width, shortcut=shortcut,
               normalization=normalization, relu_position=relu_position, antialias=antialias,
               zero_init_residual=zero_init_residual)  # (32,32,16); (16,16,32); (8,8,64)  # fmt: skip
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    with _recursion_as_deep_as(depth):
        return keras.Model(inputs, scores(x, classes), name="resnet_cifar")


@contextlib.contextmanager
def _recursion_as_deep_as(depth: int) -> Iterator[None]:
    """Keras sorts a graph by recursion, one call an operation: 1202 layers pass Python's limit of 1,000."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 10 * depth))  # a layer is at most 4 operations
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# Counts are those of option A, whose shortcuts have no weights: a plain twin's count is the same.
_DEPTHS = {  # depth: params, macs, error of the residual net
    20: (269_722, 40_551_040, 8.75),
    32: (464_154, 68_862_592, 7.51),
    44: (658_586, 97_174_144, 7.17),
    56: (853_018, 125_485_696, 6.97),
    110: (1_727_962, 252_887_680, 6.43),
    1202: (19_421_274, 2_829_238_912, 7.93),
}
_row = partial(Variant, family="resnet_cifar", build=resnet_cifar, input_shape=(32, 32, 3), classes=10, paper=PAPER,
               year=2016, minimum_size=1, dataset="CIFAR-10")  # fmt: skip
VARIANTS = {
    f"plain{depth}_cifar": _row(params=params, macs=macs, options={"depth": depth, "shortcut": "none"})
    for depth, (params, macs, _) in _DEPTHS.items()
    if depth < 1202
} | {
    f"resnet{depth}_cifar": _row(params=params, macs=macs, top1_error=error, options={"depth": depth})
    for depth, (params, macs, error) in _DEPTHS.items()
}

"""DenseNet: every layer of a block sees the feature maps of all layers before it (Huang et al., 2017)."""

from functools import partial

import keras
from keras import KerasTensor, layers

from cnnlib.networks.common import (
    Variant,
    batch_norm,
    check_sides,
    convolution,
    first_stride,
    max_pool,
    scale_channels,
    scores,
)
from cnnlib.networks.hints import Count, Counts, Rate, Shape, Stem, StemStride, checked

PAPER = "Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks, 2017"


@checked
def densenet(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    depths: Counts = (6, 12, 24, 16),
    growth: Count = 32,
    initial: Count | None = None,
    bottleneck: bool = True,
    compression: float = 0.5,
    dropout: Rate = 0.0,
    stem: Stem = "paper",
    stem_stride: StemStride = None,
) -> keras.Model:
    """Dense blocks of `depths` layers, each adding `growth` channels, with halving transitions between them.

    Args:
        initial: channels of the stem; default twice the growth.
        bottleneck: a 1x1 to 4 * growth channels before each 3x3 (the B of DenseNet-BC).
        compression: share of the channels that a transition keeps, in (0, 1] (below 1: the C).
        dropout: rate after each convolution of a block, in [0, 1); the paper uses 0.2 without augmentation.
        stem: "paper" (7x7, max pool) or "small" (3x3).
        stem_stride: 1 or 2, default 2.

    Raises:
        ValueError: an option out of its range, or an input that the transitions halve to nothing.
    """
    if not 0 < compression <= 1:
        raise ValueError(f"compression={compression!r} must be above 0 and at most 1.")
    k = scale_channels(growth, width)
    first = 2 * k if initial is None else scale_channels(initial, width)
    inputs = keras.Input(input_shape, name="images")
    x = _stem(inputs, first, stem, first_stride(stem, stem_stride, 2))  # (56,56,64)
    for i, depth in enumerate(depths, start=1):  # (56,56,256); (28,28,512); (14,14,1024); (7,7,1024)
        for j in range(1, depth + 1):
            x = dense_layer(x, k, bottleneck=bottleneck, dropout=dropout, name=f"block{i}_layer{j}")
        if i < len(depths):
            x = transition(x, compression, dropout=dropout, name=f"transition{i}")
    x = _bn_relu(x, "end")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(x, classes), name="densenet")


@checked
def densenet_cifar(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    depth: int = 40,
    growth: Count = 12,
    bottleneck: bool = False,
    compression: float = 1.0,
    dropout: Rate = 0.0,
    stem_stride: StemStride = None,
) -> keras.Model:
    """Three equal dense blocks on a 3x3 stem: the paper's networks for 32x32 images (table 2).

    `depth` counts the layers with weights: 3n + 4, or 6n + 4 with `bottleneck`. The stem has 16 channels, or
    twice the growth in DenseNet-BC (bottleneck and compression below 1). `stem_stride` is 1 by default; other
    options as in `densenet`.
    """
    per_layer = 6 if bottleneck else 3
    if depth < per_layer + 4 or (depth - 4) % per_layer:
        raise ValueError(
            f"depth={depth!r} must be {per_layer}n + 4 with n of at least 1 (bottleneck={bottleneck})"
        )
    initial = 2 * growth if bottleneck and compression < 1 else 16
    return densenet(
        input_shape,
        classes,
        width,
        depths=((depth - 4) // per_layer,) * 3,
        growth=growth,
        initial=initial,
        bottleneck=bottleneck,
        compression=compression,
        dropout=dropout,
        stem="small",
        stem_stride=stem_stride or 1,
    )


@checked
def dense_layer(
    x: KerasTensor, growth: int, *, name: str, bottleneck: bool = True, dropout: Rate = 0.0
) -> KerasTensor:
    """BN-ReLU-3x3 (after BN-ReLU-1x1 with `bottleneck`), concatenated to its input.

    x (N, H, W, C) -> (N, H, W, C + growth): the input's channels first.
    """
    y = x
    for i, (filters, size) in enumerate([(4 * growth, 1)] * bottleneck + [(growth, 3)], start=1):
        y = convolution(_bn_relu(y, f"{name}_conv{i}"), filters, size, use_bias=False, name=f"{name}_conv{i}")
        if dropout:
            y = layers.Dropout(dropout, name=f"{name}_conv{i}_dropout")(y)
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def transition(x: KerasTensor, compression: float, *, name: str, dropout: float = 0.0) -> KerasTensor:
    """BN-ReLU-1x1 and 2x2 average pooling: (N, H, W, C) -> (N, H // 2, W // 2, floor(compression * C))."""
    check_sides(x, 2, name, ", fewer blocks or stem_stride=1")
    channels = int(x.shape[-1] * compression)
    x = convolution(_bn_relu(x, f"{name}_conv"), channels, 1, use_bias=False, name=f"{name}_conv")
    if dropout:
        x = layers.Dropout(dropout, name=f"{name}_conv_dropout")(x)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def _bn_relu(x, name):
    return layers.ReLU(name=f"{name}_relu")(batch_norm(x, f"{name}_bn"))


def _stem(x, filters, stem, stride):
    if stem == "small":  # no BatchNorm here: the first dense layer begins with one
        return convolution(x, filters, 3, stride=stride, use_bias=False, name="stem_conv")
    x = convolution(x, filters, 7, stride=stride, use_bias=False, name="stem_conv")  # (112,112,64)
    return max_pool(_bn_relu(x, "stem_conv"), 3, 2, padding=1, name="stem_pool")


_row = partial(Variant, family="densenet", build=densenet, input_shape=(224, 224, 3), classes=1000, paper=PAPER,
               year=2017, minimum_size=29, minimum_size_small=15)  # fmt: skip
_cifar = partial(Variant, family="densenet", build=densenet_cifar, input_shape=(32, 32, 3), classes=10, paper=PAPER,
                 year=2017, minimum_size=4, dataset="CIFAR-10")  # errors with flips and crops (C10+)  # fmt: skip
_BC = {"bottleneck": True, "compression": 0.5}
# fmt: off
VARIANTS = {
    "densenet121": _row(params=7_978_856, macs=2_834_161_664, top1_error=25.02, top5_error=7.71,
                        options={"depths": (6, 12, 24, 16)}),
    "densenet161": _row(params=28_681_000, macs=7_727_907_072, top1_error=22.2,
                        options={"depths": (6, 12, 36, 24), "growth": 48}),
    "densenet169": _row(params=14_149_480, macs=3_359_843_328, top1_error=23.80, top5_error=6.85,
                        options={"depths": (6, 12, 32, 32)}),
    "densenet201": _row(params=20_013_928, macs=4_291_365_888, top1_error=22.58, top5_error=6.34,
                        options={"depths": (6, 12, 48, 32)}),
    "densenet_cifar": _cifar(params=1_019_722, macs=264_812_928, top1_error=5.24, options={"depth": 40, "growth": 12}),
    "densenet100_k12_cifar": _cifar(params=6_979_642, macs=1_769_516_448, top1_error=4.10,
                                    options={"depth": 100, "growth": 12}),
    "densenet100_k24_cifar": _cifar(params=27_249_082, macs=6_889_347_744, top1_error=3.74,
                                    options={"depth": 100, "growth": 24}),
    "densenet_bc100_k12_cifar": _cifar(params=769_162, macs=287_929_692, top1_error=4.51,
                                       options={"depth": 100, "growth": 12, **_BC}),
    "densenet_bc250_k24_cifar": _cifar(params=15_324_406, macs=5_418_785_724, top1_error=3.62,
                                       options={"depth": 250, "growth": 24, **_BC}),
    "densenet_bc190_k40_cifar": _cifar(params=25_624_430, macs=9_301_945_740, top1_error=3.46,
                                       options={"depth": 190, "growth": 40, **_BC}),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"densenet": ("#8B3A6B", "p")}

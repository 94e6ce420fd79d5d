"""DenseNet: every layer of a block sees the feature maps of all layers before it (Huang et al., 2017)."""

import keras
from keras import layers

from cnnlib.networks.common import Variant, check_stem, convolution, max_pool, scale_channels, scores

PAPER = "Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks, 2017"


def densenet(
    input_shape,
    classes,
    width=1.0,
    *,
    blocks=(6, 12, 24, 16),
    growth=32,
    initial=None,
    bottleneck=True,
    compression=0.5,
    dropout=0.0,
    stem="paper",
    stem_stride=2,
):
    """Dense blocks of `blocks` layers, each adding `growth` channels, with halving transitions between them.

    Args:
        initial: channels of the stem; default twice the growth.
        bottleneck: a 1x1 to 4 * growth channels before each 3x3 (the B of DenseNet-BC).
        compression: share of the channels that a transition keeps, in (0, 1] (below 1: the C).
        dropout: rate after each convolution of a block, in [0, 1); the paper uses 0.2 without augmentation.
        stem: "paper" (7x7 stride 2, max pool) or "small" (one 3x3 of `stem_stride` 1 or 2).

    Raises:
        ValueError: an option out of its range, or an input that the transitions halve to nothing.
    """
    _check(blocks, growth, compression, stem, stem_stride)
    k = scale_channels(growth, width)
    first = 2 * k if initial is None else scale_channels(initial, width)
    inputs = keras.Input(input_shape, name="images")
    x = _stem(inputs, first, stem, stem_stride)  # (56,56,64)
    for i, depth in enumerate(blocks, start=1):  # (56,56,256); (28,28,512); (14,14,1024); (7,7,1024)
        for j in range(1, depth + 1):
            x = dense_layer(x, k, bottleneck=bottleneck, dropout=dropout, name=f"block{i}_layer{j}")
        if i < len(blocks):
            x = transition(x, compression, dropout=dropout, name=f"transition{i}")
    x = _bn_relu(x, "end")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(x, classes), name="densenet")


def densenet_cifar(
    input_shape,
    classes,
    width=1.0,
    *,
    depth=40,
    growth=12,
    bottleneck=False,
    compression=1.0,
    dropout=0.0,
    stem_stride=1,
):
    """Three equal dense blocks on a 3x3 stem: the paper's networks for 32x32 images (table 2).

    `depth` counts the layers with weights: 3n + 4, or 6n + 4 with `bottleneck`. The stem has 16 channels, or
    twice the growth in DenseNet-BC (bottleneck and compression below 1). Options as in `densenet`.
    """
    per_layer = 6 if bottleneck else 3
    if not isinstance(depth, int) or depth < per_layer + 4 or (depth - 4) % per_layer:
        raise ValueError(
            f"depth={depth!r} must be {per_layer}n + 4 with n of at least 1 (bottleneck={bottleneck})"
        )
    initial = 2 * growth if bottleneck and compression < 1 else 16
    return densenet(
        input_shape,
        classes,
        width,
        blocks=((depth - 4) // per_layer,) * 3,
        growth=growth,
        initial=initial,
        bottleneck=bottleneck,
        compression=compression,
        dropout=dropout,
        stem="small",
        stem_stride=stem_stride,
    )


def dense_layer(x, growth, *, name, bottleneck=True, dropout=0.0):
    """BN-ReLU-3x3 (after BN-ReLU-1x1 with `bottleneck`), concatenated to its input.

    x (N, H, W, C) -> (N, H, W, C + growth): the input's channels first.
    """
    y = x
    for i, (filters, size) in enumerate([(4 * growth, 1)] * bottleneck + [(growth, 3)], start=1):
        y = convolution(_bn_relu(y, f"{name}_conv{i}"), filters, size, use_bias=False, name=f"{name}_conv{i}")
        if dropout:
            y = layers.Dropout(dropout, name=f"{name}_conv{i}_dropout")(y)
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def transition(x, compression, *, name, dropout=0.0):
    """BN-ReLU-1x1 and 2x2 average pooling: (N, H, W, C) -> (N, H // 2, W // 2, floor(compression * C))."""
    if any(side is not None and side < 2 for side in x.shape[1:3]):
        raise ValueError(
            f"input_shape is too small: {name} halves maps of at least 2x2 pixels, and gets {x.shape[1]}x"
            f"{x.shape[2]}; give larger images, fewer blocks or stem_stride=1"
        )
    x = convolution(
        _bn_relu(x, f"{name}_conv"), int(x.shape[-1] * compression), 1, use_bias=False, name=f"{name}_conv"
    )
    if dropout:
        x = layers.Dropout(dropout, name=f"{name}_conv_dropout")(x)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def _bn_relu(x, name):
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _stem(x, filters, stem, stem_stride):
    if stem == "small":  # no BatchNorm here: the first dense layer begins with one
        return convolution(x, filters, 3, stride=stem_stride, use_bias=False, name="stem_conv")
    x = convolution(x, filters, 7, stride=2, use_bias=False, name="stem_conv")  # (112,112,64)
    return max_pool(_bn_relu(x, "stem_conv"), 3, 2, padding=1, name="stem_pool")


def _check(blocks, growth, compression, stem, stem_stride):
    if not blocks or any(not isinstance(depth, int) or depth < 1 for depth in blocks):
        raise ValueError(f"blocks={blocks!r} must be a sequence of whole numbers of at least 1")
    if not isinstance(growth, int) or growth < 1:
        raise ValueError(f"growth={growth!r} must be an integer of at least 1")
    if not 0 < compression <= 1:
        raise ValueError(f"compression={compression!r} must be above 0 and at most 1")
    check_stem(stem, stem_stride)


def _imagenet(params, macs, top1, top5, blocks, growth=32):
    return Variant(
        "densenet",
        densenet,
        (224, 224, 3),
        1000,
        params,
        macs,
        PAPER,
        2017,
        minimum_size=29,
        minimum_size_small=15,
        top1_error=top1,
        top5_error=top5,
        options={"blocks": blocks, "growth": growth},
    )


def _cifar(params, macs, error, depth, growth, **options):
    return Variant(
        "densenet",
        densenet_cifar,
        (32, 32, 3),
        10,
        params,
        macs,
        PAPER,
        2017,
        minimum_size=4,
        top1_error=error,
        dataset="CIFAR-10",
        options={"depth": depth, "growth": growth, **options},
    )


BC = {"bottleneck": True, "compression": 0.5}
# fmt: off
VARIANTS = {
    "densenet121": _imagenet(7_978_856, 2_834_161_664, 25.02, 7.71, (6, 12, 24, 16)),
    "densenet161": _imagenet(28_681_000, 7_727_907_072, 22.2, None, (6, 12, 36, 24), growth=48),
    "densenet169": _imagenet(14_149_480, 3_359_843_328, 23.80, 6.85, (6, 12, 32, 32)),
    "densenet201": _imagenet(20_013_928, 4_291_365_888, 22.58, 6.34, (6, 12, 48, 32)),
    "densenet_cifar": _cifar(1_019_722, 264_812_928, 5.24, 40, 12),  # errors with flips and crops (C10+)
    "densenet100_k12_cifar": _cifar(6_979_642, 1_769_516_448, 4.10, 100, 12),
    "densenet100_k24_cifar": _cifar(27_249_082, 6_889_347_744, 3.74, 100, 24),
    "densenet_bc100_k12_cifar": _cifar(769_162, 287_929_692, 4.51, 100, 12, **BC),
    "densenet_bc250_k24_cifar": _cifar(15_324_406, 5_418_785_724, 3.62, 250, 24, **BC),
    "densenet_bc190_k40_cifar": _cifar(25_624_430, 9_301_945_740, 3.46, 190, 40, **BC),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"densenet": ("#8B3A6B", "p")}

"""Residual blocks and their shortcuts, shared by the ImageNet and the CIFAR form of ResNet."""

from keras import layers

from cnnlib.layers import BlurPool2D
from cnnlib.networks.common import conv_bn, convolution, scale_channels

BLOCKS = {"basic": 1, "bottleneck": 4}  # channels that leave a block, as a multiple of its stage's channels


def residual_stage(x, filters, blocks, *, stride, name, block, **parts):
    """`blocks` residual blocks, named `{name}_block1`, ...; the first one strides.

    x (N, H, W, C) -> (N, ceil(H / stride), ceil(W / stride), width * filters * BLOCKS[block]).
    """
    for i in range(blocks):
        x = residual_block(
            x, filters, block=block, stride=stride if i == 0 else 1, name=f"{name}_block{i + 1}", **parts
        )
    return x


def residual_block(
    x,
    filters,
    *,
    name,
    stride=1,
    block="basic",
    width=1.0,
    groups=1,
    group_width=64,
    residual=True,
    shortcut="B",
    stride_in="3x3",
    preactivation=False,
    relu_position="after_addition",
    antialias=False,
    batch_norm=True,
    zero_init_residual=False,
):
    """g(z + a): z the block's convolutions of a, g ReLU (He et al., 2016, figures 2 and 5).

    x (N, H, W, C) -> (N, ceil(H / stride), ceil(W / stride), width * filters * BLOCKS[block]). The
    options are those of `resnet.resnet`. The convolutions are `{name}_conv1`, ..., the projection
    is `{name}_shortcut`.
    """
    out = scale_channels(filters, width) * BLOCKS[block]
    if block == "basic":
        convolutions = [(out, 3, stride, 1), (out, 3, 1, 1)]
    else:
        inner = scale_channels(filters * groups * group_width / 64, width, divisor=groups)
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        convolutions = [(inner, 1, first, 1), (inner, 3, second, groups), (out, 1, 1, 1)]

    a = x
    # The network's stem has already normalised and rectified what its first block gets.
    if preactivation and not x._keras_history.operation.name.startswith("stem"):
        x = _normalise_and_rectify(x, batch_norm, f"{name}_conv1")
    z = _path(x, convolutions, name, preactivation, antialias, batch_norm, zero_init_residual)
    if residual:
        projects = shortcut == "C" or out != a.shape[-1] or stride > 1
        a = (
            _shortcut(x, out, stride, shortcut, antialias, batch_norm and not preactivation, name)
            if projects
            else a
        )
        if relu_position == "before_addition":
            z = layers.ReLU(name=f"{name}_relu")(z)
        z = layers.Add(name=f"{name}_add")([z, a])
    if preactivation or (residual and relu_position == "before_addition"):
        return z
    return layers.ReLU(name=f"{name}_relu")(z)


def _path(x, convolutions, name, preactivation, antialias, batch_norm, zero_init):
    """The block's convolutions; ReLU stands between them, or before each in the pre-activation form."""
    for i, (filters, kernel_size, stride, groups) in enumerate(convolutions, start=1):
        layer = f"{name}_conv{i}"
        last = i == len(convolutions)
        if preactivation and i > 1:
            x = _normalise_and_rectify(x, batch_norm, layer)
        normalise = {"gamma_initializer": "zeros" if zero_init and last else "ones"}
        plain = preactivation or not batch_norm
        convolve = convolution if plain else conv_bn
        options = {"use_bias": not batch_norm} if plain else normalise
        x = convolve(
            x, filters, kernel_size, stride=1 if antialias else stride, groups=groups, name=layer, **options
        )
        if not (preactivation or last):
            x = layers.ReLU(name=f"{layer}_relu")(x)
        if antialias and stride > 1:
            x = blur(x, f"{layer}_blur")
    return x


def _shortcut(x, filters, stride, kind, antialias, batch_norm, name):
    """Bring the block's input to the output's shape: by zeros ("A") or by a 1x1 convolution ("B", "C")."""
    if stride > 1 and antialias:
        x, stride = blur(x, f"{name}_shortcut_blur"), 1
    if kind != "A":
        if batch_norm:
            return conv_bn(x, filters, 1, stride=stride, name=f"{name}_shortcut")
        return convolution(x, filters, 1, stride=stride, use_bias=False, name=f"{name}_shortcut")
    if stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{name}_shortcut_subsample")(x)
    # Read as (N, channels=H, rows=W, columns=C), the "columns" that ZeroPadding2D appends are channels.
    more = filters - x.shape[-1]
    return layers.ZeroPadding2D(
        ((0, 0), (0, more)), data_format="channels_first", name=f"{name}_shortcut_zeros"
    )(x)


def _normalise_and_rectify(x, batch_norm, name):
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def blur(x, name):
    """Blur and halve; the border is reflected, for which two pixels are too few."""
    if any(side is not None and side < 3 for side in x.shape[1:3]):
        raise ValueError(
            f"antialias=True: {name} halves maps of at least 3x3 pixels, and gets {x.shape[1]}x{x.shape[2]}; give "
            "larger images, fewer stages or stem='small'"
        )
    return BlurPool2D(name=name)(x)

"""The three blocks of residual networks and their shortcuts (He et al., 2016, both papers).

Each maps x (N, H, W, C) to (N, ceil(H / stride), ceil(W / stride), filters), a bottleneck to 4 * filters. Its
convolutions are `{name}_conv1`, ..., its projection `{name}_shortcut`. The options are those of `resnet.resnet`.
"""

import inspect
from typing import Any, Literal

from keras import KerasTensor, layers

from cnnlib._checks import shown
from cnnlib.layers import BlurPool2D
from cnnlib.networks.common import batch_norm, check_sides, conv_bn, conv_bn_relu, convolution, scale_channels
from cnnlib.networks.hints import Count, Normalization, checked

Shortcut = Literal["A", "B", "C", "none"]
Relu = Literal["after_addition", "before_addition"]


@checked
def residual_block(
    x: KerasTensor,
    filters: int,
    *,
    name: str,
    stride: Count = 1,
    shortcut: Shortcut = "B",
    normalization: Normalization = "batch",
    antialias: bool = False,
    relu_position: Relu = "after_addition",
    zero_init_residual: bool = False,
) -> KerasTensor:
    """g(F(x) + x), F two 3x3 convolutions and g ReLU."""
    z = _unit(x, filters, 3, f"{name}_conv1", stride, normalization, antialias)
    z = _last(z, filters, 3, f"{name}_conv2", normalization, zero_init_residual, relu_position)
    return _join(z, x, stride, name, shortcut, normalization, antialias, relu_position)


@checked
def bottleneck_block(
    x: KerasTensor,
    filters: int,
    *,
    name: str,
    stride: Count = 1,
    stride_in: Literal["1x1", "3x3"] = "1x1",
    groups: Count = 1,
    group_width: Count = 64,
    shortcut: Shortcut = "B",
    normalization: Normalization = "batch",
    antialias: bool = False,
    relu_position: Relu = "after_addition",
    zero_init_residual: bool = False,
) -> KerasTensor:
    """g(F(x) + x), F a 1x1 convolution to `filters` channels, a 3x3 there, and a 1x1 to four times as many."""
    inner = scale_channels(filters, groups * group_width / 64, divisor=groups)
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    z = _unit(x, inner, 1, f"{name}_conv1", first, normalization, antialias)
    z = _unit(z, inner, 3, f"{name}_conv2", second, normalization, antialias, groups=groups)
    z = _last(z, 4 * filters, 1, f"{name}_conv3", normalization, zero_init_residual, relu_position)
    return _join(z, x, stride, name, shortcut, normalization, antialias, relu_position)


@checked
def preactivation_block(
    x: KerasTensor,
    filters: int,
    *,
    name: str,
    stride: Count = 1,
    activated: bool = False,
    shortcut: Shortcut = "B",
    normalization: Normalization = "batch",
    antialias: bool = False,
) -> KerasTensor:
    """F(x) + x, F twice BatchNorm, ReLU and a 3x3 convolution; `activated`: x has had the first two already."""
    z = x if activated else norm_relu(x, normalization, f"{name}_conv1")
    bias = normalization == "none"
    z = convolution(z, filters, 3, stride=1 if antialias else stride, use_bias=bias, name=f"{name}_conv1")
    z = blur(z, f"{name}_conv1_blur") if antialias and stride > 1 else z
    z = convolution(
        norm_relu(z, normalization, f"{name}_conv2"), filters, 3, use_bias=bias, name=f"{name}_conv2"
    )
    if shortcut == "none":
        return z
    return layers.Add(name=f"{name}_add")([z, _shortcut(x, z, stride, name, shortcut, "none", antialias)])


BLOCKS = {"basic": residual_block, "bottleneck": bottleneck_block, "preactivation": preactivation_block}


def stages(
    x: KerasTensor, filters: int, depths: tuple[int, ...], *, block: str, width: float, **parts: Any
) -> KerasTensor:
    """Stages of `depths` blocks, named from `stage2_block1` on; each but the first halves H and W."""
    parts = _taken(block, parts)
    for i, depth in enumerate(depths):
        for j in range(depth):
            first = {"activated": True} if block == "preactivation" and i == j == 0 else {}  # by the stem
            stride = 2 if i > 0 and j == 0 else 1
            channels = scale_channels(filters * 2**i, width)
            x = BLOCKS[block](x, channels, stride=stride, name=f"stage{i + 2}_block{j + 1}", **first, **parts)
    if block == "preactivation":  # ends in a sum that nothing has normalized or rectified yet
        x = norm_relu(x, parts["normalization"], "end")
    return x


def _taken(block: str, parts: dict[str, Any]) -> dict[str, Any]:
    """The options that this block has; the others must be as they are by default."""
    known = [inspect.signature(function).parameters for function in BLOCKS.values()]
    defaults = {name: parameter.default for each in known for name, parameter in each.items()}
    taken = inspect.signature(BLOCKS[block]).parameters
    for name, value in parts.items():
        if name not in taken and value != defaults[name]:
            raise ValueError(
                f"{name}={shown(value)} has no meaning with block={block!r}; leave one of the two out."
            )
    return {option: value for option, value in parts.items() if option in taken}


def _unit(x, filters, kernel_size, name, stride, normalization, antialias, groups=1):
    """Convolution, normalization, ReLU; anti-aliased it strides by a blur behind them."""
    blurs = antialias and stride > 1
    x = conv_bn_relu(x, filters, kernel_size, stride=1 if blurs else stride, groups=groups, name=name,
                     normalization=normalization)  # fmt: skip
    return blur(x, f"{name}_blur") if blurs else x


def _last(x, filters, kernel_size, name, normalization, zero_init, relu_position):
    if zero_init and (normalization == "none" or relu_position == "before_addition"):
        # A ReLU behind the zeros passes no gradient: such a block would never begin to learn.
        raise ValueError(
            "zero_init_residual=True needs a block whose last layer is a BatchNorm; leave out "
            "normalization='none' and relu_position='before_addition'."
        )
    gamma = "zeros" if zero_init else "ones"
    return conv_bn(x, filters, kernel_size, normalization=normalization, gamma_initializer=gamma, name=name)


def _join(z, x, stride, name, shortcut, normalization, antialias, relu_position):
    """g(z + a), g(z) + a, or g(z) in a plain network; a is the shortcut of x."""
    relu = layers.ReLU(name=f"{name}_relu")
    if shortcut == "none":
        return relu(z)
    a = _shortcut(x, z, stride, name, shortcut, normalization, antialias)
    add = layers.Add(name=f"{name}_add")
    return add([relu(z), a]) if relu_position == "before_addition" else relu(add([z, a]))


def _shortcut(x, z, stride, name, kind, normalization, antialias):
    """x in the shape of z: as it is, by zeros ("A") or by a 1x1 convolution ("B"; "C" always)."""
    filters = z.shape[-1]
    if kind != "C" and stride == 1 and filters == x.shape[-1]:
        return x
    if stride > 1 and antialias:
        x, stride = blur(x, f"{name}_shortcut_blur"), 1
    if kind != "A":
        x = convolution(x, filters, 1, stride=stride, use_bias=False, name=f"{name}_shortcut")
        return batch_norm(x, f"{name}_shortcut_bn") if normalization == "batch" else x
    if stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{name}_shortcut_subsample")(x)
    # Read as (N, channels=H, rows=W, columns=C), the "columns" that ZeroPadding2D appends are channels.
    zeros = ((0, 0), (0, filters - x.shape[-1]))
    return layers.ZeroPadding2D(zeros, data_format="channels_first", name=f"{name}_shortcut_zeros")(x)


def norm_relu(x: KerasTensor, normalization: str, name: str) -> KerasTensor:
    """BatchNorm, unless normalization="none", and ReLU: what stands before a convolution of a pre-activation."""
    x = batch_norm(x, f"{name}_bn") if normalization == "batch" else x
    return layers.ReLU(name=f"{name}_relu")(x)


def blur(x: KerasTensor, name: str) -> KerasTensor:
    """Blur and halve; the border is reflected, for which two pixels are too few."""
    check_sides(x, 3, name, ", fewer stages or stem='small'; or leave out antialias=True")
    return BlurPool2D(name=name)(x)

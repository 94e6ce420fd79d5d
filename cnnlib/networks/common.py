"""What every family shares: a variant's row, widths, and the convolution with its usual company."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import keras
from keras import layers


@dataclass(frozen=True)
class Variant:
    """One row of the catalogue: a named network and what is known about it.

    `params` leaves out BatchNorm's moving statistics; `macs` are the multiply-adds of convolutions and
    dense layers for one image of `input_shape` (H, W, C). Errors are in percent, on the ImageNet
    validation set unless `dataset` says otherwise, of a single crop unless the family's module says otherwise; None
    where the paper gives none.
    """

    family: str
    build: Callable[..., keras.Model]
    input_shape: tuple[int, int, int]
    classes: int
    params: int
    macs: int
    paper: str
    year: int
    minimum_size: int = 1  # smallest H and W that the paper's stem can take
    minimum_size_small: int | None = None  # the same for stem="small", where the network has one
    top1_error: float | None = None
    top5_error: float | None = None
    dataset: str = "ImageNet"
    options: Mapping[str, Any] = field(default_factory=dict)  # what sets the row apart, handed to `build`

    def __post_init__(self):
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


def scale_channels(channels, width, *, divisor=1):
    """Channels of a layer at a width multiplier: rounded to a multiple of `divisor`, at least `divisor`."""
    return max(divisor, round(channels * width / divisor) * divisor)


def check_stem(stem, stem_stride):
    """Raise a ValueError unless `stem` is "paper" or "small" and the small stem's stride 1 or 2."""
    if stem not in ("paper", "small"):
        raise ValueError(f"stem={stem!r} must be 'paper' or 'small'")
    if stem_stride not in (1, 2):
        raise ValueError(f"stem_stride={stem_stride!r} must be 1 or 2")


def check_choice(name, value, allowed):
    """Raise a ValueError unless the option `name` has one of the allowed values."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}")


def pad(x, amount, *, name):
    """Zero-pad `amount` pixels on each of the four sides; nothing is added for 0."""
    return layers.ZeroPadding2D(amount, name=name)(x) if amount else x


def convolution(
    x, filters, kernel_size, *, name, stride=1, padding="same", dilation=1, groups=1, use_bias=True
):
    """A 2-D convolution padded as the papers pad: the same number of zeros on each side.

    Keras' own `padding="same"` at stride 2 puts the odd zero at the bottom and right on even inputs, which
    is another function. So a strided convolution gets its zeros from a layer of its own, and `padding` may
    be an integer (zeros per side), "same" (k // 2 per side) or "valid".
    """
    if padding == "same" and stride > 1:
        padding = kernel_size // 2
    if isinstance(padding, int):
        x = pad(x, padding, name=f"{name}_pad")
        padding = "valid"
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding=padding,
        dilation_rate=dilation,
        groups=groups,
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def conv_relu(x, filters, kernel_size, *, name, **options):
    """Convolution (with bias) and ReLU: the unit of every network before BatchNorm."""
    return layers.ReLU(name=f"{name}_relu")(convolution(x, filters, kernel_size, name=name, **options))


def conv_bn(x, filters, kernel_size, *, name, epsilon=1e-5, gamma_initializer="ones", **options):
    """Convolution without bias, then BatchNorm, whose shift makes the bias redundant."""
    x = convolution(x, filters, kernel_size, name=name, use_bias=False, **options)
    return layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, gamma_initializer=gamma_initializer, name=f"{name}_bn"
    )(x)


def conv_bn_relu(x, filters, kernel_size, *, name, **options):
    """Convolution, BatchNorm, ReLU: the unit of every network since 2015."""
    return layers.ReLU(name=f"{name}_relu")(conv_bn(x, filters, kernel_size, name=name, **options))


def max_pool(x, size, stride, *, name, padding=0):
    """Max pooling; after a ReLU zeros are as good as -inf, so `padding` zeros are put on each side."""
    return layers.MaxPooling2D(size, stride, padding="valid", name=name)(pad(x, padding, name=f"{name}_pad"))


def scores(x, classes):
    """The last layer of every network: one logit a class, named so that training can find it."""
    return layers.Dense(classes, name="scores")(x)

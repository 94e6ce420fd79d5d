"""What every family shares: a variant's row, widths, and the convolution with its usual company."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import keras
from keras import KerasTensor, layers

from cnnlib.networks.hints import Normalization


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One row of the catalogue: a named network and what is known about it.

    `params` leaves out BatchNorm's moving statistics; `macs` are the multiply-adds of convolutions and
    dense layers for one image of `input_shape` (H, W, C). Errors are in percent, on the ImageNet
    validation set unless `dataset` says otherwise, of a single crop unless the family's module says otherwise; None
    where the paper gives none. `paper_macs` are the multiply-adds as the paper prints them ("3.8G", "569M"), None
    where it prints none; `macs_note` says why `macs` are others.
    """

    family: str
    build: Callable[..., keras.Model]
    input_shape: tuple[int, int, int]
    classes: int
    params: int
    macs: int
    paper_macs: str | None = None
    macs_note: str = ""
    paper: str
    year: int
    minimum_size: int = 1  # smallest H and W that the paper's stem can take
    minimum_size_small: int | None = None  # the same for stem="small", where the network has one
    top1_error: float | None = None
    top5_error: float | None = None
    dataset: str = "ImageNet"
    options: Mapping[str, Any] = field(default_factory=dict)  # what sets the row apart, handed to `build`

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


@contextmanager
def channels_last() -> Iterator[None]:
    """Layers that are made within take images (N,H,W,C), whatever a user's keras.json says."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


def scale_channels(channels: float, width: float, *, divisor: int = 1) -> int:
    """Channels of a layer at a width multiplier: rounded to a multiple of `divisor`, at least `divisor`."""
    return max(divisor, round(channels * width / divisor) * divisor)


def first_stride(stem: str, stem_stride: int | None, paper: int) -> int:
    """Stride of the first convolution: what `stem_stride` says, else the paper's, or 2 with stem="small"."""
    return stem_stride or (2 if stem == "small" else paper)


def check_sides(x: KerasTensor, least: int, name: str, remedy: str) -> None:
    """Raise a ValueError where the maps that the layer `name` gets have fewer than `least` pixels a side."""
    if any(side is not None and side < least for side in x.shape[1:3]):
        raise ValueError(
            f"input_shape is too small: {name} needs maps of at least {least}x{least} pixels, and gets "
            f"{x.shape[1]}x{x.shape[2]}; give larger images{remedy}."
        )


def pad(x: KerasTensor, amount: int, *, name: str) -> KerasTensor:
    """Zero-pad `amount` pixels on each of the four sides; nothing is added for 0."""
    return layers.ZeroPadding2D(amount, name=name)(x) if amount else x


def convolution(
    x: KerasTensor,
    filters: int,
    kernel_size: int | tuple[int, int],
    *,
    name: str,
    stride: int = 1,
    padding: int | str = "same",
    groups: int = 1,
    use_bias: bool = True,
) -> KerasTensor:
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
        groups=groups,
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def batch_norm(
    x: KerasTensor, name: str, *, epsilon: float = 1e-5, gamma_initializer: str = "ones"
) -> KerasTensor:
    """BatchNorm as the papers have it; Keras' own momentum and epsilon are others."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, gamma_initializer=gamma_initializer, name=name
    )(x)


def conv_bn(
    x: KerasTensor,
    filters: int,
    kernel_size: int | tuple[int, int],
    *,
    name: str,
    normalization: Normalization = "batch",
    epsilon: float = 1e-5,
    gamma_initializer: str = "ones",
    **options: Any,
) -> KerasTensor:
    """Convolution and BatchNorm, whose shift makes a bias redundant; with "none" the bias alone."""
    batch = normalization == "batch"
    x = convolution(x, filters, kernel_size, name=name, use_bias=not batch, **options)
    return batch_norm(x, f"{name}_bn", epsilon=epsilon, gamma_initializer=gamma_initializer) if batch else x


def conv_bn_relu(
    x: KerasTensor, filters: int, kernel_size: int | tuple[int, int], *, name: str, **options: Any
) -> KerasTensor:
    """Convolution, BatchNorm, ReLU: the unit of every network since 2015."""
    return layers.ReLU(name=f"{name}_relu")(conv_bn(x, filters, kernel_size, name=name, **options))


conv_relu = partial(conv_bn_relu, normalization="none")  # the unit of every network before


def max_pool(x: KerasTensor, size: int, stride: int, *, name: str, padding: int = 0) -> KerasTensor:
    """Max pooling; after a ReLU zeros are as good as -inf, so `padding` zeros are put on each side."""
    return layers.MaxPooling2D(size, stride, padding="valid", name=name)(pad(x, padding, name=f"{name}_pad"))


def scores(x: KerasTensor, classes: int) -> KerasTensor:
    """The last layer of every network: one logit a class, named so that training can find it."""
    return layers.Dense(classes, name="scores")(x)

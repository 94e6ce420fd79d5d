"""Network in network: each convolution followed by 1x1 convolutions, class maps averaged into scores."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import keras
from keras import layers

from cnnlib.networks.common import Variant, batch_norm, first_stride, pad, scale_channels
from cnnlib.networks.hints import Normalization, Rate, Shape, Stem, StemStride, checked

PAPER = "Lin, Chen, Yan: Network in network, 2014"


@dataclass(frozen=True, kw_only=True)
class Form:
    """Stages of (channels of the convolution and its 1x1s); None stands for the number of classes."""

    stages: tuple[tuple[int | None, ...], ...]
    kernels: tuple[int, ...]
    first_stride: int
    first_padding: str
    pools: tuple[tuple[str, str], ...]  # (kind, padding) after each stage but the last; 3x3 at stride 2
    dropout_after: tuple[int, ...]  # stages whose pool is followed by dropout


# fmt: off
FORMS = {
    "cifar": Form(stages=((192, 160, 96), (192, 192, 192), (192, 192, None)), kernels=(5, 5, 3),
                  first_stride=1, first_padding="same", pools=(("max", "same"), ("average", "same")),
                  dropout_after=(1, 2)),
    "imagenet": Form(stages=((96, 96, 96), (256, 256, 256), (384, 384, 384), (1024, 1024, None)),
                     kernels=(11, 5, 3, 3), first_stride=4, first_padding="valid",
                     pools=(("max", "same"), ("max", "valid"), ("max", "valid")), dropout_after=(3,)),
}
# fmt: on


@checked
def nin(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    form: Literal["cifar", "imagenet"] = "cifar",
    stem: Stem = "paper",
    stem_stride: StemStride = None,
    head: Literal["gap", "dense"] = "gap",
    normalization: Normalization = "none",
    initializer: Any = "he_normal",
    dropout: Rate = 0.5,
    relu_scores: bool = False,
) -> keras.Model:
    """Stages of one convolution and two 1x1 convolutions, ReLU after each; one map for each class at the end.

    Args:
        form: "cifar" (three stages) or "imagenet" (four, the authors' published network).
        stem: "paper", or "small" for 28 or 32 pixels: the first convolution is 5x5.
        stem_stride: stride of the first convolution, 1 or 2; default the form's, or 2 with stem="small".
        head: "gap" averages each class map into its score; "dense" puts a dense layer on the maps instead.
        normalization: "none" or "batch" (BatchNorm before every ReLU).
        initializer: of the convolutions: a Keras initializer or its name.
        dropout: rate after the pools, in [0, 1).
        relu_scores: ReLU on the class maps too, as in the paper's equation 2. Off by default, for a class whose
            map is negative everywhere then learns no more.

    Raises:
        ValueError: an option out of these ranges.
    """
    form = FORMS[form]
    inputs = x = keras.Input(input_shape, name="images")
    strides, kernels, padding = (
        first_stride(stem, stem_stride, form.first_stride),
        form.kernels,
        form.first_padding,
    )
    if stem == "small":
        x, kernels, padding = pad(x, 2, name="stem_pad"), (5, *form.kernels[1:]), "valid"

    def unit(x, filters, kernel, *, name, last=False, **options):
        batch = normalization == "batch" and not last
        options |= {"use_bias": not batch, "kernel_initializer": initializer}
        x = layers.Conv2D(filters, kernel, name=name, **options)(x)
        x = batch_norm(x, f"{name}_bn") if batch else x
        return layers.ReLU(name=f"{name}_relu")(x) if relu_scores or not last else x

    for i, (stage, kernel) in enumerate(zip(form.stages, kernels, strict=True), start=1):
        channels = [classes if c is None else scale_channels(c, width) for c in stage]
        options = {"strides": strides, "padding": padding} if i == 1 else {"padding": "same"}
        x = unit(x, channels[0], kernel, name=f"stage{i}_conv1", **options)
        x = unit(x, channels[1], 1, name=f"stage{i}_conv2")
        x = unit(x, channels[2], 1, name=f"stage{i}_conv3", last=i == len(form.stages))
        if i <= len(form.pools):  # cifar: 16x16, 8x8; imagenet: 27x27, 13x13, 6x6
            x = _pool(x, *form.pools[i - 1], small=stem == "small", name=f"stage{i}_pool")
        if i in form.dropout_after:
            x = layers.Dropout(dropout, name=f"stage{i}_dropout")(x)
    if head == "gap":
        return keras.Model(inputs, layers.GlobalAveragePooling2D(name="scores")(x))
    return keras.Model(inputs, layers.Dense(classes, name="scores")(layers.Flatten(name="flatten")(x)))


def _pool(x, kind, padding, *, small, name):
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[kind]
    return pool(3, 2, padding="same" if small else padding, name=name)(x)


_row = partial(Variant, family="nin", build=nin, paper=PAPER, year=2014, minimum_size_small=1)
VARIANTS = {
    "nin": _row(input_shape=(32, 32, 3), classes=10, params=966_986, macs=222_486_528, top1_error=10.41,
                dataset="CIFAR-10", options={"form": "cifar"}),
    "nin_imagenet": _row(input_shape=(224, 224, 3), classes=1000, params=7_595_176, macs=1_100_188_800,
                         minimum_size=59, options={"form": "imagenet"}),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"nin": ("#A39B00", "d")}

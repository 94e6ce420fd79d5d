"""AlexNet and ZFNet: five convolutions, three pools, dense layers that hold nearly all the weights."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import keras
from keras import layers

from cnnlib.layers import LocalResponseNormalization
from cnnlib.networks.common import Variant, batch_norm, convolution, first_stride, scale_channels, scores
from cnnlib.networks.hints import Activation, Count, Rate, Shape, Stem, StemStride, checked

PAPER = "Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, 2012"
ZFNET = "Zeiler, Fergus: Visualizing and understanding convolutional networks, 2014"


@dataclass(frozen=True, kw_only=True)
class Form:
    """What tells the networks of the family apart; each tuple has an entry for each convolution or pool."""

    channels: tuple[int, ...] = (96, 256, 384, 384, 256)
    kernels: tuple[int, ...] = (11, 5, 3, 3, 3)
    strides: tuple[int, ...] = (4, 1, 1, 1, 1)
    padding: tuple[int | str, ...] = ("valid", "same", "same", "same", "same")
    pool_padding: tuple[str, ...] = ("valid",) * 3  # "same" is the ceil mode of others, on even sides


_ZFNET = Form(
    kernels=(7, 5, 3, 3, 3),
    strides=(2, 2, 1, 1, 1),
    padding=(1, "valid", "same", "same", "same"),
    pool_padding=("same", "same", "valid"),
)
FORMS = {
    "alexnet": Form(),
    "torchvision": Form(channels=(64, 192, 384, 256, 256), padding=(2, "same", "same", "same", "same")),
    "zfnet": _ZFNET,
    "zfnet_wide": replace(_ZFNET, channels=(96, 256, 512, 1024, 512)),
}
POOLED = {1: 1, 2: 2, 5: 3}  # after which convolution which pool stands
GROUPED = (2, 4, 5)  # the convolutions that see only their own GPU's half of the channels


@checked
def alexnet(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    form: Literal["alexnet", "torchvision", "zfnet", "zfnet_wide"] = "alexnet",
    stem: Stem = "paper",
    stem_stride: StemStride = None,
    groups: Count = 1,
    normalization: Literal["lrn", "batch", "none"] = "lrn",
    overlapping_pooling: bool = True,
    activation: Activation = "relu",
    dropout: Rate = 0.5,
    dense_units: tuple[Count, ...] = (4096, 4096),
    skip_convolutions: tuple[Literal[2, 3, 4, 5], ...] = (),
) -> keras.Model:
    """Convolution, activation, LRN (after the first two), pool; then dense layers with dropout.

    Args:
        form: a key of FORMS, the channels, kernels, strides and padding.
        stem: "paper", or "small" for 28 or 32 pixels: the first convolution is 5x5, the second has stride 1, all
            are zero-padded, and the pools keep the odd pixel: 28 -> 14 -> 7 -> 4 -> 2.
        stem_stride: stride of the first convolution, 1 or 2; default the form's, or 2 with stem="small".
        groups: 2 puts convolutions 2, 4 and 5 on two towers.
        normalization: "lrn", "batch" (BatchNorm before every convolution's activation) or "none".
        overlapping_pooling: 3x3 windows at stride 2; False takes 2x2.
        activation: a Keras activation's name.
        dropout: rate after each dense layer, in [0, 1).
        dense_units: units of the dense layers at width 1.
        skip_convolutions: numbers from 2 to 5 of convolutions to leave out.

    Raises:
        ValueError: an option out of these ranges.
    """
    form = FORMS[form] if stem == "paper" else _small(FORMS[form])
    strides = (first_stride(stem, stem_stride, form.strides[0]), *form.strides[1:])
    inputs = x = keras.Input(input_shape, name="images")
    for i, channels in enumerate(form.channels, start=1):  # 55x55x96, 27x27x256, 13x13 from then on
        if i not in skip_convolutions:
            x = convolution(
                x,
                scale_channels(channels, width, divisor=groups),
                form.kernels[i - 1],
                stride=strides[i - 1],
                padding=form.padding[i - 1],
                groups=groups if i in GROUPED else 1,
                use_bias=normalization != "batch",
                name=f"conv{i}",
            )
            x = batch_norm(x, f"conv{i}_bn") if normalization == "batch" else x
            x = layers.Activation(activation, name=f"conv{i}_activation")(x)
        if i in (1, 2) and normalization == "lrn":
            x = LocalResponseNormalization(name=f"norm{i}")(x)
        if i in POOLED:
            size, pool = 3 if overlapping_pooling else 2, POOLED[i]
            padding = form.pool_padding[pool - 1]
            x = layers.MaxPooling2D(size, 2, padding=padding, name=f"pool{pool}")(x)  # 27; 13; 6
    x = layers.Flatten(name="flatten")(x)  # 9216
    for i, units in enumerate(dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), name=f"dense{i}")(x)
        x = layers.Activation(activation, name=f"dense{i}_activation")(x)
        x = layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return keras.Model(inputs, scores(x, classes))


def _small(form: Form) -> Form:
    return replace(form, kernels=(5, *form.kernels[1:]), strides=(1,) * 5, padding=("same",) * 5,
                   pool_padding=("same",) * 3)  # fmt: skip


_row = partial(
    Variant, family="alexnet", build=alexnet, classes=1000, paper=PAPER, year=2012, minimum_size_small=1
)
_zfnet = partial(_row, input_shape=(224, 224, 3), minimum_size=53, paper=ZFNET, year=2014)
# fmt: off
VARIANTS = {
    "alexnet": _row(input_shape=(227, 227, 3), params=60_965_224, macs=724_406_816, minimum_size=67, top1_error=40.7,
                    top5_error=18.2, options={"groups": 2}),
    "alexnet_ungrouped": _row(input_shape=(227, 227, 3), params=62_378_344, macs=1_135_256_096, minimum_size=67),
    "alexnet_torchvision": _row(input_shape=(224, 224, 3), params=61_100_840, macs=714_188_480, minimum_size=63,
                                options={"form": "torchvision", "normalization": "none"}),
    "zfnet": _zfnet(params=62_357_608, macs=1_168_032_896, top1_error=38.4, top5_error=16.5, options={"form": "zfnet"}),
    "zfnet_wide": _zfnet(params=107_627_624, macs=2_476_704_896, top1_error=37.5, top5_error=16.0,
                         options={"form": "zfnet_wide"}),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"alexnet": ("#E69F00", "^"), "zfnet": ("#8A5F00", ">")}

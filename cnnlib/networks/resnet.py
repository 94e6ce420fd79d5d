"""ResNet, its plain twins and ResNeXt: networks whose blocks learn a difference from the identity."""

from functools import partial
from typing import Literal

import keras
from keras import KerasTensor, layers

from cnnlib.networks.common import Variant, conv_bn_relu, first_stride, max_pool, scale_channels, scores
from cnnlib.networks.hints import Count, Counts, Normalization, Shape, Stem, StemStride, checked
from cnnlib.networks.residual import Relu, Shortcut, blur, stages

PAPER = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016"
RESNEXT = "Xie, Girshick, Dollar, Tu, He: Aggregated residual transformations for deep neural networks, 2017"


@checked
def resnet(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    block: Literal["basic", "bottleneck", "preactivation"] = "basic",
    depths: Counts = (2, 2, 2, 2),
    shortcut: Shortcut = "B",
    stride_in: Literal["1x1", "3x3"] = "1x1",
    groups: Count = 1,
    group_width: Count = 64,
    normalization: Normalization = "batch",
    relu_position: Relu = "after_addition",
    antialias: bool = False,
    zero_init_residual: bool = False,
    stem: Stem = "paper",
    stem_stride: StemStride = None,
) -> keras.Model:
    """A residual network of `len(depths)` stages; the first has 64 channels, each next one twice as many.

    Args:
        block: "basic" (two 3x3), "bottleneck" (1x1, 3x3, 1x1 with four times the channels) or "preactivation"
            (BatchNorm and ReLU before each 3x3; He et al., Identity mappings, 2016).
        depths: blocks in each stage.
        shortcut: where shapes change "A" pads with zero channels (no weights), "B" projects by a 1x1
            convolution; "C" projects in every block; "none" gives the plain network.
        stride_in: which convolution of a bottleneck strides: "1x1" (the paper) or "3x3" (v1.5, usual since).
        groups, group_width: the 3x3 of a bottleneck has `groups` groups of `group_width` channels (ResNeXt).
        normalization: "none" leaves BatchNorm out and gives the convolutions a bias.
        relu_position: "after_addition" is the paper's g(z + a); "before_addition" is g(z) + a.
        antialias: blur before each subsampling after the stem's convolution (Zhang, 2019).
        zero_init_residual: each block begins as the identity (the last BatchNorm's scale begins at 0).
        stem: "paper" (7x7, max pool) or "small" (3x3).
        stem_stride: 1 or 2, default 2.

    Raises:
        ValueError: an option out of its range, or one that the block does not have.
    """
    inputs = keras.Input(input_shape, name="images")
    x = _stem(
        inputs, scale_channels(64, width), stem, first_stride(stem, stem_stride, 2), normalization, antialias
    )
    x = stages(x, 64, depths, block=block, width=width, shortcut=shortcut, stride_in=stride_in, groups=groups,
               group_width=group_width, normalization=normalization, relu_position=relu_position,
               antialias=antialias, zero_init_residual=zero_init_residual)  # fmt: skip
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # from (7,7,512), (7,7,2048) behind bottlenecks
    return keras.Model(inputs, scores(x, classes), name="resnet")


def _stem(x: KerasTensor, filters, stem, stride, normalization, antialias):
    kernel_size = 7 if stem == "paper" else 3
    x = conv_bn_relu(x, filters, kernel_size, stride=stride, normalization=normalization, name="stem_conv")
    if stem == "small":
        return x
    if not antialias:
        return max_pool(x, 3, 2, padding=1, name="stem_pool")  # (56,56,64) from (112,112,64)
    return blur(max_pool(x, 3, 1, padding=1, name="stem_pool"), "stem_blur")


# Errors: ten crops; 18 layers with option A, the others with B (tables 2 and 3). Multiply-adds: table 1.
_row = partial(Variant, family="resnet", build=resnet, input_shape=(224, 224, 3), classes=1000, paper=PAPER,
               year=2016, minimum_size=1, minimum_size_small=1)  # fmt: skip
_v15 = partial(_row, macs_note="no paper's: torchvision's form, whose bottlenecks stride in the 3x3")
_18, _34, _50 = ({"block": block, "depths": depths} for block, depths in (
    ("basic", (2, 2, 2, 2)), ("basic", (3, 4, 6, 3)), ("bottleneck", (3, 4, 6, 3))))  # fmt: skip
_101, _152 = {**_50, "depths": (3, 4, 23, 3)}, {**_50, "depths": (3, 8, 36, 3)}
_V15 = {"stride_in": "3x3"}
# fmt: off
VARIANTS = {
    "plain18": _row(params=11_515_688, macs=1_794_805_760, paper_macs="1.8G", top1_error=27.94,
                    options={**_18, "shortcut": "none"}),
    "plain34": _row(params=21_623_848, macs=3_644_493_824, paper_macs="3.6G", top1_error=28.54,
                    options={**_34, "shortcut": "none"}),
    "resnet18": _row(params=11_689_512, macs=1_814_073_344, paper_macs="1.8G", top1_error=27.88, options=_18),
    "resnet34": _row(params=21_797_672, macs=3_663_761_408, paper_macs="3.6G", top1_error=24.52, options=_34,
                     macs_note="the paper counts option A, 3.644 G; option B adds three projections"),
    "resnet50": _row(params=25_557_032, macs=3_857_973_248, paper_macs="3.8G", top1_error=22.85, top5_error=6.71,
                     options=_50, macs_note="the paper cuts 3.858 off, where it rounds 7.570 and 11.282"),
    "resnet101": _row(params=44_549_160, macs=7_570_194_432, paper_macs="7.6G", top1_error=21.75, top5_error=6.05,
                      options=_101),
    "resnet152": _row(params=60_192_808, macs=11_282_415_616, paper_macs="11.3G", top1_error=21.43, top5_error=5.71,
                      options=_152),
    "resnet50_v15": _v15(params=25_557_032, macs=4_089_184_256, options={**_50, **_V15}),
    "resnet101_v15": _v15(params=44_549_160, macs=7_801_405_440, options={**_101, **_V15}),
    "resnet152_v15": _v15(params=60_192_808, macs=11_513_626_624, options={**_152, **_V15}),
    "resnext50_32x4d": _row(params=25_028_904, macs=4_230_479_872, paper_macs="4.2G", family="resnext", paper=RESNEXT,
                            year=2017, options={**_50, **_V15, "groups": 32, "group_width": 4}),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"resnet": ("#0072B2", "o"), "plain": ("#56B4E9", "v"), "resnext": ("#00436A", "h")}

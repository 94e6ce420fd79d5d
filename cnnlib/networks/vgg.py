"""VGG: stages of 3x3 convolutions, each stage ended by a pool, then three dense layers."""

from typing import Any, Literal

import keras
from keras import layers

from cnnlib.layers import BlurPool2D, LocalResponseNormalization
from cnnlib.networks.common import Variant, batch_norm, convolution, scale_channels, scores
from cnnlib.networks.hints import Count, Rate, Shape, Stem, checked

PAPER = "Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, 2015"

CHANNELS = (64, 128, 256, 512, 512)
# Sides of the kernels, stage by stage: table 1 of the paper. In C the last convolution of stages 3 to 5 is 1x1;
# "B5" is B with one 5x5 for each pair of 3x3s (section 4).
# fmt: off
FORMS = {
    "A":  ((3,),   (3,),   (3, 3),       (3, 3),       (3, 3)),
    "B":  ((3, 3), (3, 3), (3, 3),       (3, 3),       (3, 3)),
    "B5": ((5,),   (5,),   (5,),         (5,),         (5,)),
    "C":  ((3, 3), (3, 3), (3, 3, 1),    (3, 3, 1),    (3, 3, 1)),
    "D":  ((3, 3), (3, 3), (3, 3, 3),    (3, 3, 3),    (3, 3, 3)),
    "E":  ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
# fmt: on
# For each stem: how many stages end in a pool, and the dense units where they are not told.
STEMS = {"paper": (5, (4096, 4096)), "small": (3, (512, 512))}


@checked
def vgg(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    form: Literal["A", "B", "B5", "C", "D", "E"] = "D",
    stem: Stem = "paper",
    normalization: Literal["none", "batch", "lrn"] = "none",
    antialias: bool = False,
    convolution_kernel: Count | None = None,
    dropout: Rate = 0.5,
    dense_units: tuple[Count, ...] | None = None,
) -> keras.Model:
    """Five stages of convolutions of one width, each halved by a pool; then dense layers.

    Args:
        form: a key of FORMS, the paper's configurations A to E.
        stem: "paper", or "small" for 28 or 32 pixels: only the first three stages are pooled,
            28 -> 14 -> 7 -> 3, and the dense layers have 512 units at width 1.
        normalization: "none", "batch" (before every convolution's ReLU, which keeps its bias, as the
            published networks do) or "lrn" (after the first convolution).
        antialias: pool at stride 1, then blur and subsample (Zhang, 2019).
        convolution_kernel: an odd side for all convolutions in place of the form's.
        dropout: rate after each dense layer, in [0, 1).
        dense_units: units of the dense layers at width 1, in place of the stem's.

    Raises:
        ValueError: an option out of these ranges.
    """
    if convolution_kernel is not None and convolution_kernel % 2 != 1:
        raise ValueError(f"convolution_kernel={convolution_kernel!r} must be an odd integer.")
    pools, stem_units = STEMS[stem]
    inputs = x = keras.Input(input_shape, name="images")
    for i, (channels, kernels) in enumerate(zip(CHANNELS, FORMS[form], strict=True), start=1):
        for j, kernel in enumerate(kernels, start=1):
            name = f"stage{i}_conv{j}"
            x = convolution(x, scale_channels(channels, width), convolution_kernel or kernel, name=name)
            x = batch_norm(x, f"{name}_bn") if normalization == "batch" else x
            x = layers.ReLU(name=f"{name}_relu")(x)
            if normalization == "lrn" and i == j == 1:
                x = LocalResponseNormalization(name=f"{name}_lrn")(x)
        if i <= pools:  # (112,112,64) (56,56,128) (28,28,256) (14,14,512) (7,7,512)
            x = _pool(x, antialias, name=f"stage{i}_pool")
    x = layers.Flatten(name="flatten")(x)  # 25088
    for i, units in enumerate(stem_units if dense_units is None else dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), kernel_initializer="he_normal", name=f"dense{i}")(x)
        x = layers.ReLU(name=f"dense{i}_relu")(x)
        x = layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return keras.Model(inputs, scores(x, classes))


def _pool(x, antialias, *, name):
    if not antialias:
        return layers.MaxPooling2D(2, name=name)(x)
    return BlurPool2D(name=name)(layers.MaxPooling2D(2, 1, name=f"{name}_max")(x))


def _row(form: str, *, normalization: str = "none", **facts: Any) -> Variant:
    return Variant(family="vgg", build=vgg, input_shape=(224, 224, 3), classes=1000, paper=PAPER, year=2015,
                   minimum_size=32, minimum_size_small=8, options={"form": form, "normalization": normalization},
                   **facts)  # fmt: skip


# fmt: off
VARIANTS = {
    "vgg11": _row("A", params=132_863_336, macs=7_609_090_048, top1_error=29.6, top5_error=10.4),
    "vgg11_lrn": _row("A", normalization="lrn", params=132_863_336, macs=7_609_090_048, top1_error=29.7,
                      top5_error=10.5),
    "vgg11_bn": _row("A", normalization="batch", params=132_868_840, macs=7_609_090_048),
    "vgg13": _row("B", params=133_047_848, macs=11_308_466_176, top1_error=28.7, top5_error=9.9),
    "vgg13_bn": _row("B", normalization="batch", params=133_053_736, macs=11_308_466_176),
    "vgg13_5x5": _row("B5", params=134_503_528, macs=9_356_017_664),
    "vgg16_c": _row("C", params=133_638_952, macs=11_770_888_192, top1_error=28.1, top5_error=9.4),
    "vgg16": _row("D", params=138_357_544, macs=15_470_264_320, top1_error=27.0, top5_error=8.8),
    "vgg16_bn": _row("D", normalization="batch", params=138_365_992, macs=15_470_264_320),
    "vgg19": _row("E", params=143_667_240, macs=19_632_062_464, top1_error=27.3, top5_error=9.0),
    "vgg19_bn": _row("E", normalization="batch", params=143_678_248, macs=19_632_062_464),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"vgg": ("#009E73", "D")}

"""BN-Inception and Inception v3: GoogLeNet with BatchNorm and factorised convolutions."""

from functools import partial

import keras
from keras import KerasTensor, layers

from cnnlib.networks import inception_v3 as v3
from cnnlib.networks.common import Variant, conv_bn_relu, first_stride, max_pool, pad, scale_channels, scores
from cnnlib.networks.hints import Rate, Shape, Stem, StemStride, checked

PAPER = "Ioffe, Szegedy: Batch normalization, 2015"

# Channels of a module's paths: 1x1; 3x3 reduction, 3x3; double-3x3 reduction, double 3x3 (both); the pool and
# its 1x1. A module without a 1x1 path halves the map.
# fmt: off
MODULES = {
    "3a": (64, 64, 64, 64, 96, "average", 32),      "3b": (64, 64, 96, 64, 96, "average", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "average", 128),   "4b": (192, 96, 128, 96, 128, "average", 128),
    "4c": (160, 128, 160, 128, 160, "average", 96), "4d": (96, 128, 192, 160, 192, "average", 96),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "average", 128), "5b": (352, 192, 320, 192, 224, "max", 128),
}
# fmt: on


unit = partial(conv_bn_relu, epsilon=1e-3)


@checked
def bn_inception(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    stem: Stem = "paper",
    stem_stride: StemStride = None,
    dropout: Rate = 0.2,
) -> keras.Model:
    """BN-Inception: two 3x3 for each 5x5, BatchNorm (epsilon 1e-3) after each convolution.

    Args:
        stem: "paper" (7x7 and two pools) or "small" (3x3, no pool).
        stem_stride: 1 or 2, default 2.
        dropout: rate before `scores`, in [0, 1).
    """
    inputs = keras.Input(input_shape, name="images")
    first, second = scale_channels(64, width), scale_channels(192, width)
    paper, stride = stem == "paper", first_stride(stem, stem_stride, 2)
    x = unit(inputs, first, 7 if paper else 3, stride=stride, name="stem_conv1")  # (112,112,64)
    x = max_pool(x, 3, 2, padding=1, name="stem_pool1") if paper else x  # (56,56,64)
    x = unit(x, first, 1, name="stem_conv2")
    x = unit(x, second, 3, name="stem_conv3")
    x = max_pool(x, 3, 2, padding=1, name="stem_pool2") if paper else x  # (28,28,192)
    for module, row in MODULES.items():  # (28,28,320) after 3b; (14,14,608) after 4d; (7,7,1024)
        channels = [c if isinstance(c, str) or c == 0 else scale_channels(c, width) for c in row]
        x = double_module(x, *channels, name=f"inception_{module}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, scores(x, classes), name="bn_inception")


def double_module(
    x: KerasTensor,
    one: int,
    reduce3: int,
    three: int,
    reduce_double: int,
    double: int,
    pool: str,
    pooled: int,
    *,
    name: str,
) -> KerasTensor:
    """1x1, 3x3, double 3x3 and pooled paths, concatenated; stride 2 where `one` is 0."""
    stride = 1 if one else 2
    joined = [unit(x, one, 1, name=f"{name}_1x1")] if one else []
    joined.append(
        unit(unit(x, reduce3, 1, name=f"{name}_3x3_reduce"), three, 3, stride=stride, name=f"{name}_3x3")
    )
    y = unit(x, reduce_double, 1, name=f"{name}_double_reduce")
    y = unit(y, double, 3, name=f"{name}_double1")
    joined.append(unit(y, double, 3, stride=stride, name=f"{name}_double2"))
    if pool == "max":
        x = max_pool(x, 3, stride, padding=1, name=f"{name}_pool")
    else:
        x = layers.AveragePooling2D(3, stride, name=f"{name}_pool")(pad(x, 1, name=f"{name}_pool_pad"))
    joined.append(unit(x, pooled, 1, name=f"{name}_pool_1x1") if pooled else x)
    return layers.Concatenate(name=f"{name}_concat")(joined)


VARIANTS = {
    "bn_inception": Variant(family="inception", build=bn_inception, input_shape=(224, 224, 3), classes=1000,
                            params=11_194_984, macs=2_018_851_840, paper_macs="2.0G", paper=PAPER, year=2015,
                            minimum_size=1, minimum_size_small=1, top1_error=25.2, top5_error=7.8),
    **v3.VARIANTS,
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"inception": ("#7A3600", "X")}

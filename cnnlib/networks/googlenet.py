"""GoogLeNet: nine modules of four parallel paths, concatenated (Szegedy et al., 2015)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import keras
from keras import KerasTensor, layers

from cnnlib.layers import LocalResponseNormalization
from cnnlib.networks.common import (
    Variant,
    check_sides,
    conv_bn_relu,
    conv_relu,
    first_stride,
    scale_channels,
    scores,
)
from cnnlib.networks.hints import Rate, Shape, Stem, StemStride, checked

PAPER = "Szegedy, Liu, Jia, Sermanet, Reed, et al.: Going deeper with convolutions, 2015"

# Channels of a module's paths: 1x1; 3x3 reduction, 3x3; 5x5 reduction, 5x5; after the pool (table 1).
# fmt: off
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),     "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),   "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}
# fmt: on
AUXILIARY_AFTER = ("4a", "4d")


@checked
def googlenet(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    normalization: Literal["lrn", "batch", "none"] = "lrn",
    large_kernel: Literal[3, 5] = 5,
    paths: tuple[bool, ...] = (True, True, True, True),
    modules: tuple[str, ...] = tuple(MODULES),
    auxiliary_heads: bool = False,
    auxiliary_pool: Literal["strided", "adaptive"] = "strided",
    last_pool: Literal[2, 3] = 3,
    dropout: Rate = 0.4,
    stem: Stem = "paper",
    stem_stride: StemStride = None,
) -> keras.Model:
    """GoogLeNet; with `auxiliary_heads` the outputs are {"scores", "auxiliary_4a", "auxiliary_4d"}.

    Args:
        normalization: "lrn" (local response normalization around the stem's 3x3, the paper's), "batch" (BatchNorm
            after every convolution, in place of biases) or "none".
        large_kernel: kernel of the third path: 5 (the paper) or 3 (torchvision's form).
        paths: which of a module's paths (1x1, 3x3, 5x5, pool) there are; at least one.
        modules: names of the modules that there are, in the order of `MODULES`; default all nine. A pool
            stands before the first module of a stage.
        auxiliary_heads: two more classifiers, after modules 4a and 4d, that help to train the lower layers.
        auxiliary_pool: "strided" (the paper's 5x5 mean at stride 3, which needs maps of 5x5) or "adaptive"
            (to 4x4 from any size).
        last_pool: window of the pool before module 5a: 3 (the paper) or 2 (torchvision's form).
        dropout: rate before `scores`; the auxiliary heads keep .7.
        stem: "paper" (7x7 and two pools) or "small" (3x3, no pool).
        stem_stride: 1 or 2, default 2.

    Raises:
        ValueError: an option out of its range, or maps too small for the auxiliary heads.
    """
    _check_parts(paths, modules, auxiliary_heads)
    inputs = keras.Input(input_shape, name="images")
    unit = partial(conv_bn_relu, epsilon=1e-3) if normalization == "batch" else conv_relu
    x = _stem(inputs, unit, width, normalization, stem, first_stride(stem, stem_stride, 2))  # (28,28,192)
    outputs, stage = {}, "3"
    for module in modules:
        if module[0] != stage:  # (28,28,480) -> (14,14,480); (14,14,832) -> (7,7,832)
            stage = module[0]
            x = _halve(x, f"stage{stage}_pool", last_pool if stage == "5" else 3)
        channels = [scale_channels(c, width) for c in MODULES[module]]
        x = inception_module(
            x, channels, unit, large_kernel=large_kernel, paths=paths, name=f"inception_{module}"
        )
        if auxiliary_heads and module in AUXILIARY_AFTER:
            name = f"auxiliary_{module}"
            outputs[name] = _auxiliary_head(x, classes, unit, width, auxiliary_pool, name)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # 1024
    x = layers.Dropout(dropout, name="dropout")(x)
    x = scores(x, classes)
    return keras.Model(inputs, {"scores": x, **outputs} if outputs else x, name="googlenet")


def inception_module(
    x: KerasTensor,
    channels: Sequence[int],
    unit: Callable[..., KerasTensor],
    *,
    name: str,
    large_kernel: int = 5,
    paths: Sequence[bool] = (True, True, True, True),
) -> KerasTensor:
    """1x1, 3x3, 5x5 and pooled paths side by side: (N, H, W, C) -> (N, H, W, their last channels).

    `channels` are a row of `MODULES`; `unit(x, filters, kernel_size, name=...)` is the convolution with its
    usual company. Paths whose flag is False are left out.
    """
    one, reduce3, three, reduce5, five, pooled = channels
    joined = []
    if paths[0]:
        joined.append(unit(x, one, 1, name=f"{name}_1x1"))
    if paths[1]:
        joined.append(unit(unit(x, reduce3, 1, name=f"{name}_3x3_reduce"), three, 3, name=f"{name}_3x3"))
    if paths[2]:
        reduced = unit(x, reduce5, 1, name=f"{name}_5x5_reduce")
        joined.append(unit(reduced, five, large_kernel, name=f"{name}_5x5"))
    if paths[3]:
        pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
        joined.append(unit(pool, pooled, 1, name=f"{name}_pool_1x1"))
    return layers.Concatenate(name=f"{name}_concat")(joined) if len(joined) > 1 else joined[0]


def _stem(x, unit, width, normalization, stem, stride):
    first, second = scale_channels(64, width), scale_channels(192, width)
    if stem == "small":
        x = unit(x, first, 3, stride=stride, name="stem_conv1")
    else:
        x = unit(x, first, 7, stride=stride, name="stem_conv1")  # (112,112,64)
        x = _halve(x, "stem_pool1")  # (56,56,64)
    if normalization == "lrn":
        x = LocalResponseNormalization(name="stem_lrn1")(x)
    x = unit(x, first, 1, name="stem_conv2")
    x = unit(x, second, 3, name="stem_conv3")  # (56,56,192)
    if normalization == "lrn":
        x = LocalResponseNormalization(name="stem_lrn2")(x)
    return x if stem == "small" else _halve(x, "stem_pool2")


def _halve(x, name, size=3):
    """3x3 max pooling at stride 2 whose last window may hang over the border: a side n becomes floor(n / 2).

    The row and column of zeros matter on even sides only (no window reaches them on odd ones), and after a
    ReLU they are as good as nothing. 2x2 windows hang over odd sides, and a side n becomes ceil(n / 2).
    """
    if size == 2:
        return layers.MaxPooling2D(2, padding="same", name=name)(x)
    check_sides(x, 2, name, " or stem='small' with stem_stride=1")
    return layers.MaxPooling2D(3, 2, name=name)(layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x))


def _auxiliary_head(x, classes, unit, width, pool, name):
    """Pool to 4x4, 1x1-128, dense 1024, dropout .7, logits."""
    if pool == "adaptive":
        x = layers.AdaptiveAveragePooling2D(4, name=f"{name}_pool")(x)
    else:
        check_sides(x, 5, name, " or auxiliary_pool='adaptive'")
        x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = unit(x, scale_channels(128, width), 1, name=f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(scale_channels(1024, width), activation="relu", name=f"{name}_dense")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(classes, name=name)(x)


def _check_parts(paths, modules, auxiliary_heads):
    if len(paths) != 4 or not any(paths):
        raise ValueError(f"paths={paths!r} must be four truth values, at least one of them true.")
    if not modules or list(modules) != [each for each in MODULES if each in modules]:
        raise ValueError(f"modules={modules!r} must be some of {', '.join(MODULES)}, in this order")
    if auxiliary_heads and not set(AUXILIARY_AFTER) & set(modules):
        raise ValueError(
            f"auxiliary_heads=True needs a module to stand after; take {' or '.join(AUXILIARY_AFTER)} into modules"
        )


_row = partial(Variant, family="googlenet", build=googlenet, input_shape=(224, 224, 3), classes=1000, paper=PAPER,
               year=2015)  # fmt: skip
_TORCHVISION = {"normalization": "batch", "large_kernel": 3, "last_pool": 2, "auxiliary_pool": "adaptive",
                "dropout": 0.2}  # fmt: skip
VARIANTS = {
    "googlenet": _row(params=6_998_552, macs=1_582_671_872, paper_macs="1.5G", top5_error=10.07, minimum_size=31,
                      minimum_size_small=7, macs_note="the paper's table 1 counts 34 M for the first 7x7, which takes "
                      "118 M: 112 * 112 * 64 * 147"),
    "googlenet_torchvision": _row(params=6_624_904, macs=1_498_376_192, minimum_size=15, minimum_size_small=3,
                                  options=_TORCHVISION, macs_note="no paper's: torchvision's form"),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"googlenet": ("#D55E00", "P")}

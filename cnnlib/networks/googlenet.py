"""GoogLeNet: nine modules of four parallel paths, concatenated (Szegedy et al., 2015)."""

from functools import partial

import keras
from keras import layers

from cnnlib.layers import LocalResponseNormalization
from cnnlib.networks.common import (
    Variant,
    check_choice,
    check_stem,
    conv_bn_relu,
    conv_relu,
    scale_channels,
    scores,
)

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


def googlenet(
    input_shape,
    classes,
    width=1.0,
    *,
    batch_norm=False,
    large_kernel=5,
    response_norm=None,
    paths=(True, True, True, True),
    modules=tuple(MODULES),
    auxiliary_heads=False,
    auxiliary_pool="strided",
    last_pool=3,
    dropout=None,
    stem="paper",
    stem_stride=2,
):
    """GoogLeNet; with `auxiliary_heads` the outputs are {"scores", "auxiliary_4a", "auxiliary_4d"}.

    Args:
        batch_norm: BatchNorm after every convolution, in place of biases.
        large_kernel: kernel of the third path: 5 (the paper) or 3 (torchvision's form).
        response_norm: local response normalisation around the stem's 3x3; default: where there is no
            BatchNorm and the stem is the paper's one.
        paths: which of a module's paths (1x1, 3x3, 5x5, pool) there are; at least one.
        modules: names of the modules that there are, in the order of `MODULES`; default all nine. A pool
            stands before the first module of a stage.
        auxiliary_heads: two more classifiers, after modules 4a and 4d, that help to train the lower layers.
        auxiliary_pool: "strided" (the paper's 5x5 mean at stride 3, which needs maps of 5x5) or "adaptive"
            (to 4x4 from any size).
        last_pool: window of the pool before module 5a: 3 (the paper) or 2 (torchvision's form).
        dropout: rate before `scores`, default .4 (the paper's); the auxiliary heads keep .7.
        stem: "paper" (7x7 stride 2 and two pools) or "small" (3x3 of `stem_stride` 1 or 2, no pool).

    Raises:
        ValueError: an option out of its range, or maps too small for the auxiliary heads.
    """
    _check(large_kernel, last_pool, paths, auxiliary_pool, stem, stem_stride)
    _check_modules(modules, auxiliary_heads)
    inputs = keras.Input(input_shape, name="images")
    unit = partial(conv_bn_relu, epsilon=1e-3) if batch_norm else conv_relu
    if response_norm is None:
        response_norm = stem == "paper" and not batch_norm
    x = _stem(inputs, unit, width, response_norm, stem, stem_stride)  # (28,28,192)
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
    x = layers.Dropout(0.4 if dropout is None else dropout, name="dropout")(x)
    x = scores(x, classes)
    return keras.Model(inputs, {"scores": x, **outputs} if outputs else x, name="googlenet")


def inception_module(x, channels, unit, *, name, large_kernel=5, paths=(True, True, True, True)):
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


def _stem(x, unit, width, response_norm, stem, stem_stride):
    first, second = scale_channels(64, width), scale_channels(192, width)
    if stem == "small":
        x = unit(x, first, 3, stride=stem_stride, name="stem_conv1")
    else:
        x = unit(x, first, 7, stride=2, name="stem_conv1")  # (112,112,64)
        x = _halve(x, "stem_pool1")  # (56,56,64)
    if response_norm:
        x = LocalResponseNormalization(name="stem_lrn1")(x)
    x = unit(x, first, 1, name="stem_conv2")
    x = unit(x, second, 3, name="stem_conv3")  # (56,56,192)
    if response_norm:
        x = LocalResponseNormalization(name="stem_lrn2")(x)
    return x if stem == "small" else _halve(x, "stem_pool2")


def _halve(x, name, size=3):
    """3x3 max pooling at stride 2 whose last window may hang over the border: a side n becomes floor(n / 2).

    The row and column of zeros matter on even sides only (no window reaches them on odd ones), and after a
    ReLU they are as good as nothing. 2x2 windows hang over odd sides, and a side n becomes ceil(n / 2).
    """
    if size == 2:
        return layers.MaxPooling2D(2, padding="same", name=name)(x)
    if any(side is not None and side < 2 for side in x.shape[1:3]):
        raise ValueError(
            f"input_shape is too small: {name} halves maps of at least 2x2 pixels, and gets {x.shape[1]}x"
            f"{x.shape[2]}; give larger images or stem='small' with stem_stride=1"
        )
    return layers.MaxPooling2D(3, 2, name=name)(layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x))


def _auxiliary_head(x, classes, unit, width, pool, name):
    """Pool to 4x4, 1x1-128, dense 1024, dropout .7, logits."""
    if pool == "adaptive":
        x = layers.AdaptiveAveragePooling2D(4, name=f"{name}_pool")(x)
    else:
        if any(side is not None and side < 5 for side in x.shape[1:3]):
            raise ValueError(
                f"auxiliary_heads=True: {name} pools maps of at least 5x5 pixels, and gets {x.shape[1]}x"
                f"{x.shape[2]}; give larger images or auxiliary_pool='adaptive'"
            )
        x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = unit(x, scale_channels(128, width), 1, name=f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(scale_channels(1024, width), activation="relu", name=f"{name}_dense")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(classes, name=name)(x)


def _check(large_kernel, last_pool, paths, auxiliary_pool, stem, stem_stride):
    check_choice("large_kernel", large_kernel, (3, 5))
    check_choice("last_pool", last_pool, (2, 3))
    if len(paths) != 4 or not any(paths):
        raise ValueError(f"paths={paths!r} must be four truth values, at least one of them true")
    check_choice("auxiliary_pool", auxiliary_pool, ("strided", "adaptive"))
    check_stem(stem, stem_stride)


def _check_modules(modules, auxiliary_heads):
    if not modules or list(modules) != [name for name in MODULES if name in modules]:
        raise ValueError(f"modules={modules!r} must be some of {', '.join(MODULES)}, in this order")
    if auxiliary_heads and not set(AUXILIARY_AFTER) & set(modules):
        raise ValueError(
            f"auxiliary_heads=True needs a module to stand after; take {' or '.join(AUXILIARY_AFTER)} into modules"
        )


def _row(params, macs, top5, minimum_size, minimum_size_small, **options):
    return Variant("googlenet", googlenet, (224, 224, 3), 1000, params, macs, PAPER, 2015, minimum_size,
                   minimum_size_small, top5_error=top5, options=options)  # fmt: skip


TORCHVISION = {
    "batch_norm": True,
    "large_kernel": 3,
    "last_pool": 2,
    "auxiliary_pool": "adaptive",
    "dropout": 0.2,
}
# fmt: off
VARIANTS = {
    "googlenet":             _row(6_998_552, 1_582_671_872, 10.07, 31, 7),
    "googlenet_torchvision": _row(6_624_904, 1_498_376_192, None, 15, 3, **TORCHVISION),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"googlenet": ("#D55E00", "P")}

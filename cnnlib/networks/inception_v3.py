"""Inception v3: convolutions factorised into 3x3 pairs and into 1xn and nx1 (Szegedy et al., 2016)."""

import keras
from keras import KerasTensor, layers

from cnnlib.networks.common import Variant, check_sides, conv_bn_relu, pad, scale_channels, scores
from cnnlib.networks.hints import Rate, Shape, checked

PAPER = "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception architecture, 2016"


# A module is a table of paths. A path is a chain of (name, channels, kernel) from the module's input; a
# list as the last link is a fork whose ends are concatenated.
def module_a(pooled):
    return {
        "one": [("1x1", 64, 1)],
        "five": [("5x5_1", 48, 1), ("5x5_2", 64, 5)],
        "double": [("double_1", 64, 1), ("double_2", 96, 3), ("double_3", 96, 3)],
        "average": [("pool_1x1", pooled, 1)],
    }


def module_b():
    return {
        "three": [("3x3", 384, 3, 2)],
        "double": [("double_1", 64, 1), ("double_2", 96, 3), ("double_3", 96, 3, 2)],
        "max": [],
    }


def module_c(c7):
    row, column = (1, 7), (7, 1)
    return {
        "one": [("1x1", 192, 1)],
        "seven": [("7x7_1", c7, 1), ("7x7_2", c7, row), ("7x7_3", 192, column)],
        "double": [("double_1", c7, 1), ("double_2", c7, column), ("double_3", c7, row),
                   ("double_4", c7, column), ("double_5", 192, row)],
        "average": [("pool_1x1", 192, 1)],
    }  # fmt: skip


def module_d():
    return {
        "three": [("3x3_1", 192, 1), ("3x3_2", 320, 3, 2)],
        "seven": [("7x7_1", 192, 1), ("7x7_2", 192, (1, 7)), ("7x7_3", 192, (7, 1)), ("7x7_4", 192, 3, 2)],
        "max": [],
    }


def module_e():
    return {
        "one": [("1x1", 320, 1)],
        "three": [("3x3_1", 384, 1), [("3x3_2a", 384, (1, 3)), ("3x3_2b", 384, (3, 1))]],
        "double": [("double_1", 448, 1), ("double_2", 384, 3),
                   [("double_3a", 384, (1, 3)), ("double_3b", 384, (3, 1))]],
        "average": [("pool_1x1", 192, 1)],
    }  # fmt: skip


MODULES = {
    "5b": module_a(32), "5c": module_a(64), "5d": module_a(64), "6a": module_b(),
    "6b": module_c(128), "6c": module_c(160), "6d": module_c(160), "6e": module_c(192),
    "7a": module_d(), "7b": module_e(), "7c": module_e(),
}  # fmt: skip
STEM = [("stem_conv1", 32, 3, 2, "valid"), ("stem_conv2", 32, 3, 1, "valid"),
        ("stem_conv3", 64, 3, 1, "same"), ("stem_pool1",),
        ("stem_conv4", 80, 1, 1, "valid"), ("stem_conv5", 192, 3, 1, "valid"),
        ("stem_pool2",)]  # fmt: skip


@checked
def inception_v3(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    auxiliary_heads: bool = False,
    pool_counts_padding: bool = True,
    dropout: Rate = 0.5,
) -> keras.Model:
    """Inception v3; with `auxiliary_heads` the outputs are {"scores", "auxiliary_6e"}.

    Args:
        auxiliary_heads: one more classifier, after module 6e; it needs 17x17 maps, an input of 299 pixels.
        pool_counts_padding: whether the average pools' zeros count in their means (the original and
            torchvision) or not (keras.applications).
        dropout: rate before `scores`, in [0, 1).
    """
    inputs = keras.Input(input_shape, name="images")
    x = inputs
    for name, *convolution in STEM:  # (149,149,32) (147,147,32) (147,147,64) (73) (73,73,80) (71,71,192) (35)
        if convolution:
            filters, kernel_size, stride, padding = convolution
            x = _unit(x, filters, kernel_size, stride, padding, width, name)
        else:
            x = layers.MaxPooling2D(3, 2, name=name)(x)
    outputs = {}
    for module, paths in MODULES.items():  # (35,35,288) after 5d; (17,17,768) after 6e; (8,8,2048) after 7c
        x = inception_module(x, paths, width=width, name=f"inception_{module}", counts=pool_counts_padding)
        if auxiliary_heads and module == "6e":
            outputs["auxiliary_6e"] = _auxiliary_head(x, classes, width, "auxiliary_6e")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = scores(x, classes)
    return keras.Model(inputs, {"scores": x, **outputs} if outputs else x, name="inception_v3")


def inception_module(
    x: KerasTensor, paths: dict[str, list], *, name: str, width: float = 1.0, counts: bool = True
) -> KerasTensor:
    """One of the five kinds of module, as its table of paths: (N, H, W, C) -> their ends, joined."""
    ends = []
    for kind, chain in paths.items():
        y = _pool(x, kind, f"{name}_pool", counts) if kind in ("average", "max") else x
        for link in chain:
            fork = link if isinstance(link, list) else [link]
            branches = [_link(y, f"{name}_{n}", *conv, width=width) for n, *conv in fork]
            joined = len(branches) > 1
            y = layers.Concatenate(name=f"{name}_{kind}_concat")(branches) if joined else branches[0]
        ends.append(y)
    return layers.Concatenate(name=f"{name}_concat")(ends)


def _link(x, name, filters, kernel_size, stride=1, *, width):
    return _unit(x, filters, kernel_size, stride, "valid" if stride > 1 else "same", width, name)


def _unit(x, filters, kernel_size, stride, padding, width, name):
    filters = scale_channels(filters, width)
    return conv_bn_relu(x, filters, kernel_size, stride=stride, padding=padding, epsilon=1e-3, name=name)


def _pool(x, kind, name, counts):
    if kind == "max":
        return layers.MaxPooling2D(3, 2, name=name)(x)
    if counts:
        return layers.AveragePooling2D(3, 1, name=name)(pad(x, 1, name=f"{name}_pad"))
    return layers.AveragePooling2D(3, 1, padding="same", name=name)(x)


def _auxiliary_head(x, classes, width, name):
    """5x5 mean at stride 3 (17 -> 5), 1x1-128, 5x5-768 (-> 1), global mean, logits."""
    check_sides(x, 17, name, ", of at least 299 pixels, or leave out auxiliary_heads=True")
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = _unit(x, 128, 1, 1, "valid", width, f"{name}_conv1")
    x = _unit(x, 768, 5, 1, "valid", width, f"{name}_conv2")
    x = layers.GlobalAveragePooling2D(name=f"{name}_global_pool")(x)
    return layers.Dense(classes, name=name)(x)


VARIANTS = {
    "inception_v3": Variant(family="inception", build=inception_v3, input_shape=(299, 299, 3), classes=1000,
                            params=23_834_568, macs=5_713_216_096, paper_macs="4.8G", paper=PAPER, year=2016,
                            minimum_size=75, top1_error=21.2, top5_error=5.6,
                            macs_note="the paper tabulates no v3; this is the network that its authors released"),
}  # fmt: skip

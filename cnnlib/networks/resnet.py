"""ResNet, its plain twins and ResNeXt: networks whose blocks learn a difference from the identity."""

import keras
from keras import layers

from cnnlib.networks.common import Variant, conv_bn, convolution, max_pool, scale_channels, scores
from cnnlib.networks.residual import BLOCKS, blur, residual_stage

PAPER = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016"
RESNEXT = "Xie, Girshick, Dollar, Tu, He: Aggregated residual transformations for deep neural networks, 2017"


def resnet(
    input_shape,
    classes,
    width=1.0,
    *,
    block="basic",
    depths=(2, 2, 2, 2),
    groups=1,
    group_width=64,
    residual=True,
    shortcut="B",
    stride_in="3x3",
    preactivation=False,
    relu_position="after_addition",
    antialias=False,
    batch_norm=True,
    zero_init_residual=False,
    stem="paper",
    stem_stride=2,
):
    """A residual network of `len(depths)` stages; the first has 64 channels, each next one twice as many.

    Args:
        block: "basic" (two 3x3) or "bottleneck" (1x1, 3x3, 1x1 with four times the channels).
        depths: blocks in each stage.
        groups, group_width: the 3x3 of a bottleneck has `groups` groups of `group_width` channels (ResNeXt).
        residual: False leaves the shortcuts out: the plain network.
        shortcut: where shapes change "A" pads with zero channels (no weights), "B" projects by a 1x1
            convolution; "C" projects in every block.
        stride_in: which convolution of a bottleneck strides: "1x1" (the paper) or "3x3" (usual since).
        preactivation: BatchNorm and ReLU before each convolution (He et al., Identity mappings, 2016).
        relu_position: "after_addition" is the paper's g(z + a); "before_addition" is g(z) + a.
        antialias: blur before each subsampling after the stem's convolution (Zhang, 2019).
        batch_norm: False leaves normalisation out and gives the convolutions a bias.
        zero_init_residual: each block begins as the identity (the last BatchNorm's scale begins at 0).
        stem: "paper" (7x7 stride 2, max pool) or "small" (one 3x3 of `stem_stride` 1 or 2).
    """
    inputs = keras.Input(input_shape, name="images")
    parts = {"groups": groups, "group_width": group_width, "residual": residual, "shortcut": shortcut,
             "stride_in": stride_in, "preactivation": preactivation, "relu_position": relu_position,
             "antialias": antialias, "batch_norm": batch_norm, "zero_init_residual": zero_init_residual,
             "width": width}  # fmt: skip
    check_options(block, parts, stem, stem_stride)
    x = _stem(inputs, scale_channels(64, width), stem, stem_stride, batch_norm, antialias)  # (56,56,64)
    for i, blocks in enumerate(depths):  # (56,56,64); (28,28,128); (14,14,256); (7,7,512), x4 in bottlenecks
        x = residual_stage(
            x, 64 * 2**i, blocks, block=block, stride=1 if i == 0 else 2, name=f"stage{i + 2}", **parts
        )
    x = end_of_stages(x, preactivation, batch_norm)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(x, classes), name="resnet")


def end_of_stages(x, preactivation, batch_norm):
    """A network of pre-activation blocks ends in a sum that nothing has normalised or rectified yet."""
    if not preactivation:
        return x
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="end_bn")(x)
    return layers.ReLU(name="end_relu")(x)


def _stem(x, filters, stem, stem_stride, batch_norm, antialias):
    kernel_size, stride = (7, 2) if stem == "paper" else (3, stem_stride)
    convolve = conv_bn if batch_norm else convolution
    x = convolve(x, filters, kernel_size, stride=stride, name="stem_conv")  # (112,112,64)
    x = layers.ReLU(name="stem_conv_relu")(x)
    if stem == "small":
        return x
    if not antialias:
        return max_pool(x, 3, 2, padding=1, name="stem_pool")  # (56,56,64)
    return blur(max_pool(x, 3, 1, padding=1, name="stem_pool"), "stem_blur")


_CHOICES = {"shortcut": ("A", "B", "C"), "stride_in": ("1x1", "3x3"),
            "relu_position": ("after_addition", "before_addition")}  # fmt: skip


def check_options(block, parts, stem="small", stem_stride=1):
    """Raise a ValueError that names the option, its value and what is allowed."""
    given = {"block": block, "stem": stem, "stem_stride": stem_stride, **parts}
    choices = {"block": tuple(BLOCKS), "stem": ("paper", "small"), "stem_stride": (1, 2), **_CHOICES}
    for option, allowed in choices.items():
        if given[option] not in allowed:
            raise ValueError(f"{option}={given[option]!r} must be one of {', '.join(map(repr, allowed))}")
    if parts["preactivation"] and parts["relu_position"] != "after_addition":
        raise ValueError(
            f"relu_position={parts['relu_position']!r} has no meaning with preactivation=True, whose sums "
            "are followed by no ReLU; leave one of the two out"
        )
    if block == "basic" and parts["groups"] != 1:
        raise ValueError(f"groups={parts['groups']} needs block='bottleneck', not 'basic'")
    ends_in_bn = (
        parts["batch_norm"] and not parts["preactivation"] and parts["relu_position"] == "after_addition"
    )
    if parts["zero_init_residual"] and not ends_in_bn:
        # A ReLU behind the zeros passes no gradient: such a block would never begin to learn.
        raise ValueError(
            "zero_init_residual=True needs a block whose last layer is a BatchNorm; leave out "
            "batch_norm=False, preactivation=True and relu_position='before_addition'"
        )


def _row(
    params, macs, top1, top5, depths, block="basic", *, family="resnet", paper=PAPER, year=2016, **options
):
    return Variant(
        family,
        resnet,
        (224, 224, 3),
        1000,
        params,
        macs,
        paper,
        year,
        minimum_size=1,
        minimum_size_small=1,
        top1_error=top1,
        top5_error=top5,
        options={"block": block, "depths": depths, **options},
    )


# Errors: ten crops; 18 layers with option A, the others with B (tables 2 and 3).
# fmt: off
VARIANTS = {
    "plain18":         _row(11_515_688, 1_794_805_760, 27.94, None, (2, 2, 2, 2), residual=False),
    "plain34":         _row(21_623_848, 3_644_493_824, 28.54, None, (3, 4, 6, 3), residual=False),
    "resnet18":        _row(11_689_512, 1_814_073_344, 27.88, None, (2, 2, 2, 2)),
    "resnet34":        _row(21_797_672, 3_663_761_408, 24.52, None, (3, 4, 6, 3)),
    "resnet50":        _row(25_557_032, 4_089_184_256, 22.85, 6.71, (3, 4, 6, 3), "bottleneck"),
    "resnet101":       _row(44_549_160, 7_801_405_440, 21.75, 6.05, (3, 4, 23, 3), "bottleneck"),
    "resnet152":       _row(60_192_808, 11_513_626_624, 21.43, 5.71, (3, 8, 36, 3), "bottleneck"),
    "resnext50_32x4d": _row(25_028_904, 4_230_479_872, None, None, (3, 4, 6, 3), "bottleneck",
                            groups=32, group_width=4, family="resnext", paper=RESNEXT, year=2017),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"resnet": ("#0072B2", "o"), "plain": ("#56B4E9", "v"), "resnext": ("#00436A", "h")}

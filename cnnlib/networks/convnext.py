"""ConvNeXt: a ResNet with the design choices of vision transformers (Liu et al., 2022)."""

import keras
from keras import KerasTensor, layers

from cnnlib.layers import LayerScale, StochasticDepth
from cnnlib.networks.common import Variant, check_sides, convolution, first_stride, scale_channels, scores
from cnnlib.networks.hints import Counts, Rate, Shape, Stem, StemStride, checked

PAPER = "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s, 2022"
CHANNELS = (96, 192, 384, 768)
INITIAL = {"class_name": "TruncatedNormal", "config": {"stddev": 0.02}}  # appendix A.1


@checked
def convnext(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    depths: Counts = (3, 3, 9, 3),
    layer_scale: float = 1e-6,
    drop_path: Rate = 0.0,
    stem: Stem = "paper",
    stem_stride: StemStride = None,
) -> keras.Model:
    """ConvNeXt: a patch stem, stages of 7x7 depthwise blocks, LayerNorm throughout.

    Args:
        depths: blocks in each of up to four stages of 96, 192, 384, 768 channels.
        layer_scale: where the blocks' per-channel factors start.
        drop_path: chance of leaving out the last block in training; it rises linearly from 0. In [0, 1).
        stem: "paper" (4x4 patches) or "small" (patches of `stem_stride` x `stem_stride` pixels).
        stem_stride: 1 or 2; default 4, the paper's, or 2 with stem="small".

    Raises:
        ValueError: an option out of its range, or an image that the stages halve to nothing.
    """
    if len(depths) > 4:
        raise ValueError(f"depths={depths!r} must be one to four integers of at least 1.")
    inputs = keras.Input(input_shape, name="images")
    first, stride = scale_channels(CHANNELS[0], width), first_stride(stem, stem_stride, 4)
    patch = 4 if stem == "paper" else stride
    x = convolution(inputs, first, patch, stride=stride, padding="valid", name="stem_conv")  # (56,56,96)
    x = _norm(x, "stem_norm")
    done = 0
    for i, (depth, filters) in enumerate(zip(depths, CHANNELS, strict=False), start=1):
        if i > 1:  # (28,28,192); (14,14,384); (7,7,768)
            x = _downsample(x, scale_channels(filters, width), f"stage{i}_downsample")
        for j in range(1, depth + 1):
            rate = drop_path * done / max(sum(depths) - 1, 1)
            x = convnext_block(x, layer_scale=layer_scale, drop_path=rate, name=f"stage{i}_block{j}")
            done += 1
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(_norm(x, "end_norm"), classes), name="convnext")


@checked
def convnext_block(
    x: KerasTensor, *, name: str, layer_scale: float = 1e-6, drop_path: Rate = 0.0
) -> KerasTensor:
    """x + scale * (7x7 depthwise, LayerNorm, four times as wide and back, with GELU): shapes stay."""
    channels = x.shape[-1]
    y = layers.DepthwiseConv2D(7, padding="same", depthwise_initializer=INITIAL, name=f"{name}_depthwise")(x)
    y = _norm(y, f"{name}_norm")
    y = layers.Dense(4 * channels, kernel_initializer=INITIAL, name=f"{name}_expand")(y)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(channels, kernel_initializer=INITIAL, name=f"{name}_project")(y)
    y = LayerScale(layer_scale, name=f"{name}_scale")(y)
    if drop_path:
        y = StochasticDepth(drop_path, name=f"{name}_drop_path")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _downsample(x, filters, name):
    check_sides(x, 2, name, ", fewer stages or stem='small'")
    x = _norm(x, f"{name}_norm")
    return convolution(x, filters, 2, stride=2, padding="valid", name=f"{name}_conv")


def _norm(x, name):
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


VARIANTS = {
    "convnext_tiny": Variant(family="convnext", build=convnext, input_shape=(224, 224, 3), classes=1000,
                             params=28_589_128, macs=4_455_531_264, paper_macs="4.5G", paper=PAPER, year=2022,
                             minimum_size=32, minimum_size_small=16, top1_error=17.9),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"convnext": ("#5B4FA8", "H")}

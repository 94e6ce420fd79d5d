"""CapsNet: vectors for units, routing by agreement for pooling, and a decoder that redraws the image."""

import math
from typing import Literal

import keras
from keras import layers

from cnnlib.layers import CapsuleLayer, CapsuleLength, CapsuleMask, PrimaryCapsules
from cnnlib.networks.common import Variant, scale_channels
from cnnlib.networks.hints import Count, Shape, Stem, checked

PAPER = "Sabour, Frosst, Hinton: Dynamic routing between capsules, 2017"

# For each stem: kernel and stride of the convolution, kernel and stride of the primary capsules.
STEMS = {"paper": (9, 1, 9, 2), "small": (5, 2, 5, 2)}


@checked
def capsnet(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    stem: Stem = "paper",
    decoder: Literal["longest", "labels", "none"] = "longest",
    routings: Count = 3,
) -> keras.Model:
    """Convolution, primary capsules, one 16-dimensional capsule for each class; its length is the score.

    Outputs: with a decoder a dict {"scores": (N, classes) in [0, 1), "reconstruction": the images (N, H, W, C) in
    [0, 1]}, without one the scores alone. They are for the paper's margin loss, not for a softmax.

    Args:
        width: scales the channels of the convolution, the kinds of primary capsules and the decoder.
        stem: "paper", or "small": 5x5 windows, both at stride 2, about 25 times fewer multiply-adds at 28 pixels.
        decoder: "longest" redraws from the longest capsule, and needs no labels; "labels" from the true
            class's, as the paper trains, with a second input "labels", one-hot (N, classes); "none".
        routings: rounds of routing by agreement, at least 1.

    Raises:
        ValueError: an option out of these ranges.
    """
    kernel, stride, primary_kernel, primary_stride = STEMS[stem]
    inputs = keras.Input(input_shape, name="images")
    filters, kinds = scale_channels(256, width), scale_channels(32, width)
    x = layers.Conv2D(filters, kernel, stride, activation="relu", name="conv")(inputs)  # (20,20,256)
    x = PrimaryCapsules(kinds, 8, primary_kernel, primary_stride, name="primary_capsules")(x)  # (1152,8)
    capsules = CapsuleLayer(classes, 16, routings, name="class_capsules")(x)  # (10,16)
    scores = CapsuleLength(name="scores")(capsules)
    if decoder == "none":
        return keras.Model(inputs, scores)
    labels = [keras.Input((classes,), name="labels")] if decoder == "labels" else []
    x = CapsuleMask(name="mask")([capsules, *labels] if labels else capsules)  # 160
    for i, units in enumerate((512, 1024), start=1):
        x = layers.Dense(scale_channels(units, width), activation="relu", name=f"decoder_dense{i}")(x)
    x = layers.Dense(math.prod(input_shape), activation="sigmoid", name="decoder_dense3")(x)  # 784
    reconstruction = layers.Reshape(input_shape, name="reconstruction")(x)
    outputs = {"scores": scores, "reconstruction": reconstruction}
    return keras.Model([inputs, *labels] if labels else inputs, outputs)


VARIANTS = {
    "capsnet": Variant(family="capsnet", build=capsnet, input_shape=(28, 28, 1), classes=10, params=8_215_568,
                       macs=203_202_560, paper=PAPER, year=2017, minimum_size=17, minimum_size_small=13,
                       top1_error=0.25, dataset="MNIST"),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"capsnet": ("#A05A5A", (8, 1, 0))}

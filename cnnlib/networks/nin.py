"""Network in network: each convolution followed by 1x1 convolutions, class maps averaged into scores."""

from dataclasses import dataclass

import keras
from keras import layers

from cnnlib.networks.common import Variant, check_choice, check_stem, pad, scale_channels

PAPER = "Lin, Chen, Yan: Network in network, 2014"


@dataclass(frozen=True)
class Form:
    """Stages of (channels of the convolution and its 1x1s); None stands for the number of classes."""

    stages: tuple[tuple[int | None, ...], ...]
    kernels: tuple[int, ...]
    first_stride: int
    first_padding: str
    pools: tuple[
        tuple[str, str], ...
    ]  # (kind, padding) of the pool after each stage but the last; 3x3 at stride 2
    dropout_after: tuple[int, ...]  # stages whose pool is followed by dropout


# fmt: off
FORMS = {
    "cifar": Form(((192, 160, 96), (192, 192, 192), (192, 192, None)), (5, 5, 3), 1, "same",
                  (("max", "same"), ("average", "same")), (1, 2)),
    "imagenet": Form(((96, 96, 96), (256, 256, 256), (384, 384, 384), (1024, 1024, None)), (11, 5, 3, 3), 4, "valid",
                     (("max", "same"), ("max", "valid"), ("max", "valid")), (3,)),
}
# fmt: on


def nin(
    input_shape,
    classes,
    width=1.0,
    *,
    form="cifar",
    stem="paper",
    stem_stride=2,
    head="gap",
    normalization="none",
    initializer="he_normal",
    dropout=0.5,
    relu_scores=False,
):
    """Stages of one convolution and two 1x1 convolutions, ReLU after each; one map for each class at the end.

    Args:
        form: "cifar" (three stages) or "imagenet" (four, the authors' published network).
        stem: "paper", or "small" for 28 or 32 pixels: the first convolution is 5x5 at `stem_stride` (1 or 2).
        head: "gap" averages each class map into its score; "dense" puts a dense layer on the maps instead.
        normalization: "none" or "batch" (BatchNorm before every ReLU).
        initializer: of the convolutions: a Keras initializer or its name.
        dropout: rate after the pools, in [0, 1).
        relu_scores: ReLU on the class maps too, as in the paper's equation 2. Off by default, for a class whose
            map is negative everywhere then learns no more.

    Raises:
        ValueError: an option out of these ranges.
    """
    check_stem(stem, stem_stride)
    check_choice("form", form, tuple(FORMS))
    check_choice("head", head, ("gap", "dense"))
    check_choice("normalization", normalization, ("none", "batch"))
    form = FORMS[form]
    inputs = x = keras.Input(input_shape, name="images")
    if stem == "small":
        x, kernels, strides, padding = (
            pad(x, 2, name="stem_pad"),
            (5, *form.kernels[1:]),
            stem_stride,
            "valid",
        )
    else:
        kernels, strides, padding = form.kernels, form.first_stride, form.first_padding

    def unit(x, filters, kernel, *, name, last=False, **options):
        batch = normalization == "batch" and not last
        options |= {"use_bias": not batch, "kernel_initializer": initializer}
        x = layers.Conv2D(filters, kernel, name=name, **options)(x)
        if batch:
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x) if relu_scores or not last else x

    for i, (stage, kernel) in enumerate(zip(form.stages, kernels, strict=True), start=1):
        channels = [classes if c is None else scale_channels(c, width) for c in stage]
        options = {"strides": strides, "padding": padding} if i == 1 else {"padding": "same"}
        x = unit(x, channels[0], kernel, name=f"stage{i}_conv1", **options)
        x = unit(x, channels[1], 1, name=f"stage{i}_conv2")
        x = unit(x, channels[2], 1, name=f"stage{i}_conv3", last=i == len(form.stages))
        if i <= len(form.pools):  # cifar: 16x16, 8x8; imagenet: 27x27, 13x13, 6x6
            x = _pool(x, *form.pools[i - 1], small=stem == "small", name=f"stage{i}_pool")
        if i in form.dropout_after:
            x = layers.Dropout(dropout, name=f"stage{i}_dropout")(x)
    if head == "gap":
        return keras.Model(inputs, layers.GlobalAveragePooling2D(name="scores")(x))
    return keras.Model(inputs, layers.Dense(classes, name="scores")(layers.Flatten(name="flatten")(x)))


def _pool(x, kind, padding, *, small, name):
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[kind]
    return pool(3, 2, padding="same" if small else padding, name=name)(x)


def _variant(form, input_shape, classes, params, macs, minimum_size, **facts):
    return Variant("nin", nin, input_shape, classes, params, macs, PAPER, 2014, minimum_size, 1,
                   options={"form": form}, **facts)  # fmt: skip


VARIANTS = {
    "nin": _variant("cifar", (32, 32, 3), 10, 966_986, 222_486_528, 1, top1_error=10.41, dataset="CIFAR-10"),
    "nin_imagenet": _variant("imagenet", (224, 224, 3), 1000, 7_595_176, 1_100_188_800, 59),
}

# The color and the marker of the family in every figure.
STYLES = {"nin": ("#A39B00", "d")}

"""AlexNet and ZFNet: five convolutions, three pools, dense layers that hold nearly all the weights."""

from dataclasses import dataclass

import keras
from keras import layers

from cnnlib.layers import LocalResponseNormalization
from cnnlib.networks.common import Variant, check_choice, check_stem, convolution, scale_channels, scores

PAPER = "Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, 2012"
ZFNET = "Zeiler, Fergus: Visualizing and understanding convolutional networks, 2014"


@dataclass(frozen=True)
class Form:
    """What tells the networks of the family apart; each tuple has an entry for each convolution or pool."""

    channels: tuple[int, ...] = (96, 256, 384, 384, 256)
    kernels: tuple[int, ...] = (11, 5, 3, 3, 3)
    strides: tuple[int, ...] = (4, 1, 1, 1, 1)
    padding: tuple = ("valid", "same", "same", "same", "same")
    pool_padding: tuple[str, ...] = (
        "valid",
        "valid",
        "valid",
    )  # "same" is the ceil mode of others, on even sides


# fmt: off
FORMS = {
    "alexnet":     Form(),
    "torchvision": Form(channels=(64, 192, 384, 256, 256), padding=(2, "same", "same", "same", "same")),
    "zfnet":       Form(kernels=(7, 5, 3, 3, 3), strides=(2, 2, 1, 1, 1), padding=(1, "valid", "same", "same", "same"),
                        pool_padding=("same", "same", "valid")),
    "zfnet_wide":  Form((96, 256, 512, 1024, 512), (7, 5, 3, 3, 3), (2, 2, 1, 1, 1),
                        (1, "valid", "same", "same", "same"), ("same", "same", "valid")),
}
# fmt: on
POOLED = {1: 1, 2: 2, 5: 3}  # after which convolution which pool stands
GROUPED = (2, 4, 5)  # the convolutions that see only their own GPU's half of the channels


def alexnet(
    input_shape,
    classes,
    width=1.0,
    *,
    form="alexnet",
    stem="paper",
    stem_stride=1,
    groups=1,
    normalization="lrn",
    overlapping_pooling=True,
    activation="relu",
    dropout=0.5,
    dense_units=(4096, 4096),
    skip_convolutions=(),
):
    """Convolution, activation, LRN (after the first two), pool; then dense layers with dropout.

    Args:
        form: a key of FORMS, the channels, kernels, strides and padding.
        stem: "paper", or "small" for 28 or 32 pixels: the first convolution is 5x5, the first two have stride
            `stem_stride` (1 or 2) and 1, all are zero-padded, and the pools keep the odd pixel: 28 -> 14 -> 7 -> 4.
        groups: 2 puts convolutions 2, 4 and 5 on two towers.
        normalization: "lrn", "batch" (BatchNorm before every convolution's activation) or "none".
        overlapping_pooling: 3x3 windows at stride 2; False takes 2x2.
        activation: a Keras activation's name.
        dropout: rate after each dense layer, in [0, 1).
        dense_units: units of the dense layers at width 1.
        skip_convolutions: numbers from 2 to 5 of convolutions to leave out.

    Raises:
        ValueError: an option out of these ranges.
    """
    check_stem(stem, stem_stride)
    check_choice("form", form, tuple(FORMS))
    check_choice("normalization", normalization, ("lrn", "batch", "none"))
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"groups={groups!r} must be an integer of at least 1")
    if not set(skip_convolutions) <= {2, 3, 4, 5}:
        raise ValueError(f"skip_convolutions={skip_convolutions!r} must hold numbers from 2 to 5")
    form = FORMS[form] if stem == "paper" else _small(FORMS[form], stem_stride)

    inputs = x = keras.Input(input_shape, name="images")
    for i, channels in enumerate(
        form.channels, start=1
    ):  # the paper's: 55x55x96, 27x27x256, 13x13 from then on
        if i not in skip_convolutions:
            x = convolution(
                x,
                scale_channels(channels, width, divisor=groups),
                form.kernels[i - 1],
                stride=form.strides[i - 1],
                padding=form.padding[i - 1],
                groups=groups if i in GROUPED else 1,
                use_bias=normalization != "batch",
                name=f"conv{i}",
            )
            if normalization == "batch":
                x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"conv{i}_bn")(x)
            x = layers.Activation(activation, name=f"conv{i}_activation")(x)
        if i in (1, 2) and normalization == "lrn":
            x = LocalResponseNormalization(name=f"norm{i}")(x)
        if i in POOLED:
            size, pool = 3 if overlapping_pooling else 2, POOLED[i]
            padding = form.pool_padding[pool - 1]
            x = layers.MaxPooling2D(size, 2, padding=padding, name=f"pool{pool}")(x)  # 27; 13; 6
    x = layers.Flatten(name="flatten")(x)  # 9216
    for i, units in enumerate(dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), name=f"dense{i}")(x)
        x = layers.Activation(activation, name=f"dense{i}_activation")(x)
        x = layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return keras.Model(inputs, scores(x, classes))


def _small(form, stem_stride):
    return Form(
        form.channels, (5, *form.kernels[1:]), (stem_stride, 1, 1, 1, 1), ("same",) * 5, ("same",) * 3
    )


def _variant(params, macs, *, size=224, minimum_size, paper=PAPER, year=2012, errors=(None, None), **options):
    return Variant("alexnet", alexnet, (size, size, 3), 1000, params, macs, paper, year, minimum_size, 1, *errors,
                   options=options)  # fmt: skip


# fmt: off
VARIANTS = {
    "alexnet":             _variant(60_965_224, 724_406_816, size=227, minimum_size=67, errors=(40.7, 18.2), groups=2),
    "alexnet_ungrouped":   _variant(62_378_344, 1_135_256_096, size=227, minimum_size=67),
    "alexnet_torchvision": _variant(61_100_840, 714_188_480, minimum_size=63, form="torchvision", normalization="none"),
    "zfnet":               _variant(62_357_608, 1_168_032_896, minimum_size=53, paper=ZFNET, year=2014,
                                    errors=(38.4, 16.5), form="zfnet"),
    "zfnet_wide":          _variant(107_627_624, 2_476_704_896, minimum_size=53, paper=ZFNET, year=2014,
                                    errors=(37.5, 16.0), form="zfnet_wide"),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"alexnet": ("#E69F00", "^"), "zfnet": ("#8A5F00", ">")}

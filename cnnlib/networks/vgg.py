"""VGG: stages of 3x3 convolutions, each stage ended by a pool, then three dense layers."""

import keras
from keras import layers

from cnnlib.layers import BlurPool2D, LocalResponseNormalization
from cnnlib.networks.common import Variant, check_choice, convolution, scale_channels, scores

PAPER = "Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, 2015"

CHANNELS = (64, 128, 256, 512, 512)
# Sides of the kernels, stage by stage: table 1 of the paper. In C the last convolution of stages 3 to 5 is 1x1;
# "B5" is B with one 5x5 for each pair of 3x3s (section 4).
# fmt: off
CONFIGURATIONS = {
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


def vgg(
    input_shape,
    classes,
    width=1.0,
    *,
    configuration="D",
    stem="paper",
    normalization="none",
    antialias=False,
    convolution_kernel=None,
    dropout=0.5,
    dense_units=None,
):
    """Five stages of convolutions of one width, each halved by a pool; then dense layers.

    Args:
        configuration: a key of CONFIGURATIONS, the paper's A to E.
        stem: "paper", or "small" for 28 or 32 pixels: only the first three stages are pooled,
            28 -> 14 -> 7 -> 3, and the dense layers have 512 units at width 1.
        normalization: "none", "batch" (before every convolution's ReLU, which keeps its bias, as the
            published networks do) or "lrn" (after the first convolution).
        antialias: pool at stride 1, then blur and subsample (Zhang, 2019).
        convolution_kernel: an odd side for all convolutions in place of the configuration's.
        dropout: rate after each dense layer, in [0, 1).
        dense_units: units of the dense layers at width 1, in place of the stem's.

    Raises:
        ValueError: an option out of these ranges.
    """
    check_choice("configuration", configuration, tuple(CONFIGURATIONS))
    check_choice("stem", stem, tuple(STEMS))
    check_choice("normalization", normalization, ("none", "batch", "lrn"))
    if convolution_kernel is not None and (
        not isinstance(convolution_kernel, int) or convolution_kernel % 2 != 1
    ):
        raise ValueError(f"convolution_kernel={convolution_kernel!r} must be an odd integer")
    pools, stem_units = STEMS[stem]
    inputs = x = keras.Input(input_shape, name="images")
    stages = zip(CHANNELS, CONFIGURATIONS[configuration], strict=True)
    for i, (channels, kernels) in enumerate(stages, start=1):
        for j, kernel in enumerate(kernels, start=1):
            kernel = convolution_kernel or kernel
            x = _unit(x, scale_channels(channels, width), kernel, normalization, name=f"stage{i}_conv{j}")
        if i <= pools:
            x = _pool(
                x, antialias, name=f"stage{i}_pool"
            )  # (112,112,64) (56,56,128) (28,28,256) (14,14,512) (7,7,512)
    x = layers.Flatten(name="flatten")(x)  # 25088
    for i, units in enumerate(stem_units if dense_units is None else dense_units, start=1):
        x = layers.Dense(scale_channels(units, width), kernel_initializer="he_normal", name=f"dense{i}")(x)
        x = layers.ReLU(name=f"dense{i}_relu")(x)
        x = layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return keras.Model(inputs, scores(x, classes))


def _unit(x, filters, kernel, normalization, *, name):
    x = convolution(x, filters, kernel, name=name)
    if normalization == "batch":
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    if normalization == "lrn" and name == "stage1_conv1":
        x = LocalResponseNormalization(name=f"{name}_lrn")(x)
    return x


def _pool(x, antialias, *, name):
    if not antialias:
        return layers.MaxPooling2D(2, name=name)(x)
    return BlurPool2D(name=name)(layers.MaxPooling2D(2, 1, name=f"{name}_max")(x))


def _variant(configuration, params, macs, errors=(None, None), **options):
    return Variant("vgg", vgg, (224, 224, 3), 1000, params, macs, PAPER, 2015, 32, 8, *errors,
                   options={"configuration": configuration, **options})  # fmt: skip


# fmt: off
VARIANTS = {
    "vgg11":     _variant("A", 132_863_336, 7_609_090_048, (29.6, 10.4)),
    "vgg11_lrn": _variant("A", 132_863_336, 7_609_090_048, (29.7, 10.5), normalization="lrn"),
    "vgg11_bn":  _variant("A", 132_868_840, 7_609_090_048, normalization="batch"),
    "vgg13":     _variant("B", 133_047_848, 11_308_466_176, (28.7, 9.9)),
    "vgg13_bn":  _variant("B", 133_053_736, 11_308_466_176, normalization="batch"),
    "vgg13_5x5": _variant("B5", 134_503_528, 9_356_017_664),
    "vgg16_c":   _variant("C", 133_638_952, 11_770_888_192, (28.1, 9.4)),
    "vgg16":     _variant("D", 138_357_544, 15_470_264_320, (27.0, 8.8)),
    "vgg16_bn":  _variant("D", 138_365_992, 15_470_264_320, normalization="batch"),
    "vgg19":     _variant("E", 143_667_240, 19_632_062_464, (27.3, 9.0)),
    "vgg19_bn":  _variant("E", 143_678_248, 19_632_062_464, normalization="batch"),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"vgg": ("#009E73", "D")}

"""Highway networks: each layer learns, pixel by pixel, how much of itself to take (2015)."""

import keras
from keras import layers

from cnnlib.layers import HighwayGate
from cnnlib.networks.common import Variant, check_choice, conv_relu, max_pool, scale_channels, scores

PAPER = "Srivastava, Greff, Schmidhuber: Training very deep networks, 2015"

# Channels of each layer, stage by stage; a max pool stands between stages. The papers give depth and total;
# the widths of highway19 are FitNet-4's (Romero et al., 2015), those of highway32 are this course's choice.
LAYERS = {
    "highway19": ((32,) * 3 + (48,) * 2, (80,) * 6, (128,) * 6),
    "highway32": ((32,) * 10, (48,) * 10, (64,) * 10),
}


def highway(
    input_shape,
    classes,
    width=1.0,
    *,
    depth=11,
    filters=16,
    stages=None,
    gate_bias=-2.0,
    gated=True,
    stem_stride=1,
):
    """A network of 3x3 highway layers, y = T h + (1 - T) x, in stages between 2x2 max pools.

    Where the channels change a plain convolution stands in for the highway layer, which needs equal shapes.

    Args:
        depth: layers with weights when `stages` is not given: the stem, depth - 2 highway layers of `filters`
            channels (in two stages), and the dense layer.
        stages: channels of every layer, one sequence a stage, in place of `depth` and `filters`.
        gate_bias: where the gates' bias starts; -2 carries most of the input at first.
        gated: False gives the plain network of the same layers.
        stem_stride: stride of the first convolution, 1 or 2.

    Raises:
        ValueError: depth below 4, stages without layers, another stem_stride, or an image too small to pool.
    """
    if stages is None:
        if not isinstance(depth, int) or depth < 4:
            raise ValueError(f"depth={depth!r} must be an integer of at least 4")
        first = depth // 2  # the stem and the layers before the pool
        stages = ((filters,) * first, (filters,) * (depth - 1 - first))
    if not stages or not all(len(stage) for stage in stages):
        raise ValueError(f"stages={stages!r} must hold at least one layer in each stage")
    check_choice("stem_stride", stem_stride, (1, 2))
    inputs = x = keras.Input(input_shape, name="images")
    for i, stage in enumerate(stages, start=1):  # highway19: (32,32,48); (16,16,80); (8,8,128)
        for j, channels in enumerate(stage, start=1):
            name = "stem_conv" if i == j == 1 else f"stage{i}_layer{j}"
            stride = stem_stride if i == j == 1 else 1
            channels = scale_channels(channels, width)
            h = conv_relu(x, channels, 3, stride=stride, name=name)
            carries = gated and name != "stem_conv" and channels == x.shape[-1]
            x = HighwayGate(initial_bias=gate_bias, name=f"{name}_gate")([x, h]) if carries else h
        if i < len(stages):
            if any(side is not None and side < 2 for side in x.shape[1:3]):
                raise ValueError(f"input_shape={input_shape!r} is too small for {len(stages)} stages")
            x = max_pool(x, 2, 2, name=f"stage{i}_pool")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(x, classes), name="highway")


def _row(params, macs, error, minimum_size, input_shape, dataset, **options):
    return Variant(
        "highway",
        highway,
        input_shape,
        10,
        params,
        macs,
        PAPER,
        2015,
        minimum_size=minimum_size,
        top1_error=error,
        dataset=dataset,
        options=options,
    )


# fmt: off
VARIANTS = {
    "highway":   _row(42_090, 19_079_584, None, 2, (28, 28, 1), "Fashion-MNIST", depth=11),
    "highway19": _row(2_274_186, 351_831_296, 7.54, 4, (32, 32, 3), "CIFAR-10", stages=LAYERS["highway19"]),
    "highway32": _row(1_248_410, 314_081_920, 8.80, 4, (32, 32, 3), "CIFAR-10", stages=LAYERS["highway32"]),
}
# fmt: on

# The color and the marker of the family in every figure.
STYLES = {"highway": ("#CC79A7", "<")}

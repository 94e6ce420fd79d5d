"""Highway networks: each layer learns, pixel by pixel, how much of itself to take (2015)."""

from functools import partial

import keras
from keras import layers

from cnnlib.layers import HighwayGate
from cnnlib.networks.common import Variant, check_sides, conv_relu, max_pool, scale_channels, scores
from cnnlib.networks.hints import Count, Counts, Shape, StemStride, checked

PAPER = "Srivastava, Greff, Schmidhuber: Training very deep networks, 2015"

# Channels of each layer, stage by stage; a max pool stands between stages. The papers give depth and total;
# the widths of highway19 are FitNet-4's (Romero et al., 2015), those of highway32 are this course's choice.
LAYERS = {
    "highway19": ((32,) * 3 + (48,) * 2, (80,) * 6, (128,) * 6),
    "highway32": ((32,) * 10, (48,) * 10, (64,) * 10),
}


@checked
def highway(
    input_shape: Shape,
    classes: int,
    width: float = 1.0,
    *,
    depth: int = 11,
    filters: Count = 16,
    stages: tuple[Counts, ...] | None = None,
    gate_bias: float = -2.0,
    gated: bool = True,
    stem_stride: StemStride = None,
) -> keras.Model:
    """A network of 3x3 highway layers, y = T h + (1 - T) x, in stages between 2x2 max pools.

    Where the channels change a plain convolution stands in for the highway layer, which needs equal shapes.

    Args:
        depth: layers with weights when `stages` is not given: the stem, depth - 2 highway layers of `filters`
            channels (in two stages), and the dense layer.
        stages: channels of every layer, one sequence a stage, in place of `depth` and `filters`.
        gate_bias: where the gates' bias starts; -2 carries most of the input at first.
        gated: False gives the plain network of the same layers.
        stem_stride: stride of the first convolution, 1 (the default) or 2.

    Raises:
        ValueError: depth below 4, stages without layers, another stem_stride, or an image too small to pool.
    """
    if stages is None:
        if depth < 4:
            raise ValueError(f"depth={depth!r} must be an integer of at least 4.")
        first = depth // 2  # the stem and the layers before the pool
        stages = ((filters,) * first, (filters,) * (depth - 1 - first))
    if not stages:
        raise ValueError(f"stages={stages!r} must hold at least one stage.")
    inputs = x = keras.Input(input_shape, name="images")
    for i, stage in enumerate(stages, start=1):  # highway19: (32,32,48); (16,16,80); (8,8,128)
        for j, channels in enumerate(stage, start=1):
            first = i == j == 1
            name = "stem_conv" if first else f"stage{i}_layer{j}"
            channels = scale_channels(channels, width)
            h = conv_relu(x, channels, 3, stride=(stem_stride or 1) if first else 1, name=name)
            carries = gated and not first and channels == x.shape[-1]
            x = HighwayGate(initial_bias=gate_bias, name=f"{name}_gate")([x, h]) if carries else h
        if i < len(stages):
            check_sides(x, 2, f"stage{i}_pool", ", or fewer stages")
            x = max_pool(x, 2, 2, name=f"stage{i}_pool")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, scores(x, classes), name="highway")


_row = partial(Variant, family="highway", build=highway, classes=10, paper=PAPER, year=2015)
_cifar = partial(_row, input_shape=(32, 32, 3), dataset="CIFAR-10", minimum_size=4)
VARIANTS = {
    "highway": _row(params=42_090, macs=19_079_584, input_shape=(28, 28, 1), dataset="Fashion-MNIST", minimum_size=2,
                    options={"depth": 11}, macs_note="no paper's: this course's own small form"),
    "highway19": _cifar(params=2_274_186, macs=351_831_296, top1_error=7.54, options={"stages": LAYERS["highway19"]}),
    "highway32": _cifar(params=1_248_410, macs=314_081_920, top1_error=8.80, options={"stages": LAYERS["highway32"]}),
}  # fmt: skip

# The color and the marker of the family in every figure.
STYLES = {"highway": ("#CC79A7", "<")}

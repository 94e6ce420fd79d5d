"""LeNet: alternating convolutions and subsampling, then dense layers (LeCun et al., 1998)."""

import keras
from keras import layers

from cnnlib.networks.common import Variant, scale_channels, scores

PAPER = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998"


def lenet5(input_shape, classes, width=1.0, *, activation="sigmoid", pooling="average", batch_norm=False):
    """The modern LeNet-5: 6@5x5 (padded), 16@5x5, dense 120, 84; `classes` logits."""
    channels = [scale_channels(c, width) for c in (6, 16)]
    units = [scale_channels(u, width) for u in (120, 84)]
    inputs = keras.Input(input_shape, name="images")

    def normalise(x, name):
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x) if batch_norm else x

    pool = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}[pooling]
    x = inputs
    for i, (filters, padding) in enumerate(zip(channels, ("same", "valid"), strict=True), start=1):
        x = layers.Conv2D(filters, 5, padding=padding, name=f"stage{i}_conv")(x)  # (28,28,6); (10,10,16)
        x = normalise(x, f"stage{i}_bn")
        x = layers.Activation(activation, name=f"stage{i}_activation")(x)
        x = pool(2, name=f"stage{i}_pool")(x)  # (14,14,6); (5,5,16)
    x = layers.Flatten(name="flatten")(x)  # 400
    for i, u in enumerate(units, start=1):
        x = layers.Dense(u, name=f"dense{i}")(x)
        x = normalise(x, f"dense{i}_bn")
        x = layers.Activation(activation, name=f"dense{i}_activation")(x)
    return keras.Model(inputs, scores(x, classes), name="lenet5")


def _variant(params, macs, **options):
    return Variant("lenet", lenet5, (28, 28, 1), 10, params, macs, PAPER, 1998, minimum_size=12,
                   dataset="MNIST", options=options)  # fmt: skip


VARIANTS = {
    "lenet5": _variant(61_706, 416_520),
}

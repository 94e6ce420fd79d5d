"""What stands on or beside a shortcut: gates, scales, random depth, and the exchange between groups."""

import math
from typing import Any

import keras
from keras import layers, ops

from cnnlib._checks import as_count, as_number
from cnnlib.layers._common import serializable


@serializable
class HighwayGate(layers.Layer):
    """y = T * h + (1 - T) * x, with T = sigmoid(W x + b) learnt: how much of a layer's work to take.

    Called on [x, h] of equal shape, (N, C) or (N, H, W, C); W is dense or a `kernel_size` convolution with
    zero padding. The bias starts at -2, so that at first nearly all of x is carried (Srivastava, Greff,
    Schmidhuber, Highway networks, 2015).

    Raises:
        ValueError: x and h differ in shape.
    """

    def __init__(self, kernel_size: int = 3, initial_bias: float = -2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size = as_count("kernel_size", kernel_size, least=1)
        self.initial_bias = as_number("initial_bias", initial_bias)

    def build(self, input_shape: Any) -> None:
        x, h = input_shape
        if tuple(x) != tuple(h):
            raise ValueError(
                f"HighwayGate adds x of shape {tuple(x)} and h of shape {tuple(h)}; they must be equal"
            )
        window = (self.kernel_size,) * 2 if len(x) == 4 else ()
        self.kernel = self.add_weight(
            shape=(*window, x[-1], x[-1]), initializer="glorot_uniform", name="kernel"
        )
        bias = keras.initializers.Constant(self.initial_bias)
        self.bias = self.add_weight(shape=(x[-1],), initializer=bias, name="bias")

    def gate(self, x: Any) -> Any:
        """T for inputs x, between 0 (carry x) and 1 (take h); the shape of x."""
        kernel = ops.convert_to_tensor(self.kernel)
        image = len(x.shape) == 4
        # einsum, since ops.matmul rounds float64 to float32 on torch
        product = ops.conv(x, kernel, padding="same") if image else ops.einsum("nc,cd->nd", x, kernel)
        return ops.sigmoid(product + self.bias)

    def call(self, inputs: Any) -> Any:
        x, h = inputs
        gate = self.gate(x)
        return gate * h + (1 - gate) * x

    def spatial_window(self, input_shape: Any) -> tuple:
        """(kernel, stride, padding) down and across: what a unit sees."""
        return ((self.kernel_size, 1, (self.kernel_size - 1) // 2),) * 2

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """Those of the gate's convolution or dense layer."""
        return math.prod(self.kernel.shape) * math.prod(output_shape[1:-1])

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size, "initial_bias": self.initial_bias}


@serializable
class StochasticDepth(layers.Layer):
    """Drop a residual branch for whole images: (N, ...) -> (N, ...), each image zeroed with chance `rate`.

    Only in training; the kept branches are divided by 1 - rate, so that inference is the identity (Huang et
    al., Deep networks with stochastic depth, 2016, who multiply by 1 - rate at test time instead).

    Raises:
        ValueError: rate not in [0, 1).
    """

    def __init__(self, rate: float = 0.1, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = as_number("rate", rate, least=0, below=1), seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return x
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        kept = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        return x * ops.cast(kept, x.dtype) / (1 - self.rate)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@serializable
class LayerScale(layers.Layer):
    """A learnt factor for each channel, `initial` at first: (N, ..., C) -> (N, ..., C).

    Touvron et al., Going deeper with image transformers, 2021; ConvNeXt starts at 1e-6.
    """

    def __init__(self, initial: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initial = as_number("initial", initial)

    def build(self, input_shape: Any) -> None:
        constant = keras.initializers.Constant(self.initial)
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=constant, name="gamma")

    def call(self, x: Any) -> Any:
        return x * self.gamma

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial": self.initial}


@serializable
class ChannelShuffle(layers.Layer):
    """Deal the channels of each group out over all groups: (N, ..., C) -> (N, ..., C), no weights.

    Channel j of group g goes to place j * groups + g, so that the next grouped convolution sees every group
    (Zhang et al., ShuffleNet, 2018).

    Raises:
        ValueError: groups do not divide the channels.
    """

    def __init__(self, groups: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.groups = as_count("groups", groups, least=1)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] % self.groups:
            raise ValueError(f"groups={self.groups} must divide the {input_shape[-1]} channels of the input")

    def call(self, x: Any) -> Any:
        channels = x.shape[-1]
        size = channels // self.groups
        return ops.take(x, [g * size + j for j in range(size) for g in range(self.groups)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}

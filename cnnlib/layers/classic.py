"""The layers of 1998: trainable subsampling, a sparsely connected convolution, distances to fixed codes."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from cnnlib._checks import as_count, as_hinted, shown
from cnnlib.layers._common import serializable, wide


@serializable
class TrainableSubsampling2D(layers.Layer):
    """LeNet-5's subsampling: each window's sum times a coefficient plus a bias, one of both a channel.

    (N, H, W, C) -> (N, H // size, W // size, C), windows of `size` that do not overlap (LeCun et al., 1998,
    section II.B). The coefficient starts at 1 / size^2, so that the layer starts as average pooling.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = as_count("size", size, least=1)

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1],)
        average = keras.initializers.Constant(1 / self.size**2)
        self.coefficient = self.add_weight(shape=shape, initializer=average, name="coefficient")
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        sums = ops.average_pool(x, self.size, strides=self.size, padding="valid") * self.size**2
        return sums * self.coefficient + self.bias

    def spatial_window(self, input_shape: Any) -> tuple:
        """(kernel, stride, padding) down and across: what a unit sees."""
        return ((self.size, self.size, 0),) * 2

    def compute_output_shape(self, input_shape: Any) -> tuple:
        sides = (None if side is None else side // self.size for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@serializable
class PartiallyConnectedConv2D(layers.Layer):
    """A convolution without padding in which each output map sees only some input maps.

    (N, H, W, C) -> (N, H - k + 1, W - k + 1, len(connections)). Only weights of existing connections are
    there: with 60 of them in a table of 6 x 16 and k = 5, LeNet-5's C3 has 60 * 25 + 16 = 1,516.

    Args:
        connections: for each output map, the input maps that it sees (numbers from 0).
        kernel_size: k, in pixels.

    Raises:
        ValueError: a connection to a map that the input has not, or an output without one.
    """

    def __init__(self, connections: Sequence[Sequence[int]], kernel_size: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connections = as_hinted("connections", connections, tuple[tuple[int, ...], ...])
        self.kernel_size = as_count("kernel_size", kernel_size, least=1)
        for output, sources in enumerate(self.connections):
            if not sources or len(set(sources)) < len(sources):
                raise ValueError(
                    f"connections[{output}]={sources} must name at least one input map, none twice"
                )

    def build(self, input_shape: Any) -> None:
        channels, outputs = input_shape[-1], len(self.connections)
        links = [(source, output) for output, sources in enumerate(self.connections) for source in sources]
        if not all(0 <= source < channels for source, _ in links):
            raise ValueError(f"connections={self.connections} must name input maps from 0 to {channels - 1}")
        # Where in the list of links the weight of (source, output) stands; after the last there is a zero.
        self._places = np.full((channels, outputs), len(links), "int32")
        self._places[tuple(np.transpose(links))] = np.arange(len(links))
        fan_in = self.kernel_size**2 * len(links) / outputs
        self.kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, len(links)),
            initializer=keras.initializers.RandomUniform(-math.sqrt(3 / fan_in), math.sqrt(3 / fan_in)),
            name="kernel",
        )
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")

    def dense_kernel(self) -> Any:
        """The kernel (k, k, C, outputs) of the equal plain convolution: zero where nothing is connected."""
        kernel = ops.convert_to_tensor(self.kernel)
        return ops.take(ops.pad(kernel, [(0, 0), (0, 0), (0, 1)]), self._places, axis=-1)

    def call(self, x: Any) -> Any:
        return ops.conv(x, self.dense_kernel(), padding="valid") + self.bias

    def spatial_window(self, input_shape: Any) -> tuple:
        """(kernel, stride, padding) down and across: what a unit sees."""
        return ((self.kernel_size, 1, 0),) * 2

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """Those of the connections that exist."""
        return math.prod(self.kernel.shape) * math.prod(output_shape[1:3])

    def compute_output_shape(self, input_shape: Any) -> tuple:
        sides = (None if side is None else side - self.kernel_size + 1 for side in input_shape[1:3])
        return (input_shape[0], *sides, len(self.connections))

    def get_config(self) -> dict[str, Any]:
        connections = [list(sources) for sources in self.connections]
        return {**super().get_config(), "connections": connections, "kernel_size": self.kernel_size}


@serializable
class RadialBasisFunctionOutput(layers.Layer):
    """Minus the squared distance of the input to each class's fixed code: (N, D) -> (N, classes).

    LeCun et al., 1998, section II.B, where the distance itself is the output, a penalty; negated it is
    largest for the best class, like every other network's scores. The codes do not learn.

    Args:
        codes: (classes, D), usually of -1 and +1 (`digit_codes`, `hadamard_codes`).

    Raises:
        ValueError: the input's length is not that of the codes.
    """

    def __init__(self, codes: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.codes = np.asarray(codes)
        if self.codes.ndim != 2 or self.codes.dtype.kind not in "fiu":
            raise ValueError(f"codes={shown(codes)} must be an array of numbers (classes, D).")
        self.codes = self.codes.astype("float32")

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] != self.codes.shape[1]:
            raise ValueError(
                f"codes of length {self.codes.shape[1]} do not fit inputs of length {input_shape[-1]}"
            )

    def call(self, x: Any) -> Any:
        values = wide(x)
        codes = ops.convert_to_tensor(self.codes, dtype=values.dtype)
        distances = ops.sum(ops.square(values[:, None, :] - codes), axis=-1)
        return ops.cast(-distances, x.dtype)

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """One square added for each class and value."""
        return self.codes.size

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0], len(self.codes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "codes": self.codes.tolist()}

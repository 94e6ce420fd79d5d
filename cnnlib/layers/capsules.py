"""Capsules: vectors in place of scalars, routed by agreement (Sabour, Frosst, Hinton, 2017)."""

import math
from typing import Any

import keras
from keras import layers, ops

from cnnlib._checks import as_count
from cnnlib.layers._common import serializable


@serializable
def squash(vectors: Any, axis: int = -1, epsilon: float = 1e-7) -> Any:
    """Shrink vectors to a length below 1, direction kept: `s |s| / (1 + |s|^2)`; equation 1 of the paper.

    `epsilon` is added to `|s|^2` under the root, where the gradient at 0 would otherwise be undefined.
    """
    vectors = ops.convert_to_tensor(vectors)
    energy = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    return vectors * ops.sqrt(energy + epsilon) / (1 + energy)


@serializable
class PrimaryCapsules(layers.Layer):
    """A convolution whose channels are read as vectors: (N, H, W, C) -> (N, h * w * capsules, dimension).

    The paper's: 32 kinds of capsules of dimension 8, 9x9 at stride 2, no padding, squashed.

    Raises:
        ValueError: the window is larger than the input.
    """

    def __init__(
        self,
        capsules: int = 32,
        dimension: int = 8,
        kernel_size: int = 9,
        stride: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.capsules = as_count("capsules", capsules, least=1)
        self.dimension = as_count("dimension", dimension, least=1)
        self.kernel_size = as_count("kernel_size", kernel_size, least=1)
        self.stride = as_count("stride", stride, least=1)

    def build(self, input_shape: Any) -> None:
        if min(input_shape[1:3]) < self.kernel_size:
            raise ValueError(
                f"kernel_size={self.kernel_size} must be at most the sides {tuple(input_shape[1:3])}"
            )
        filters = self.capsules * self.dimension
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        maps = ops.conv(x, self.kernel, strides=self.stride, padding="valid") + self.bias
        return squash(ops.reshape(maps, (-1, *self.compute_output_shape(x.shape)[1:])))

    def _places(self, input_shape):
        return math.prod((side - self.kernel_size) // self.stride + 1 for side in input_shape[1:3])

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """Those of the convolution."""
        return math.prod(self.kernel.shape) * self._places(input_shape)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0], self._places(input_shape) * self.capsules, self.dimension)

    def get_config(self) -> dict[str, Any]:
        settings = {"capsules": self.capsules, "dimension": self.dimension}
        settings |= {"kernel_size": self.kernel_size, "stride": self.stride}
        return {**super().get_config(), **settings}


@serializable
class CapsuleLayer(layers.Layer):
    """Capsules fed by all capsules below, routed by agreement: (N, I, d) -> (N, capsules, dimension).

    Each capsule i below predicts each capsule j above by a matrix of its own; j is the squashed sum of the
    predictions, weighted by coefficients that sum to one over j for each i, and grow where prediction and
    outcome agree, in `routings` rounds. Gradients pass through all rounds. No bias.
    """

    def __init__(self, capsules: int = 10, dimension: int = 16, routings: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capsules = as_count("capsules", capsules, least=1)
        self.dimension = as_count("dimension", dimension, least=1)
        self.routings = as_count("routings", routings, least=1)

    def build(self, input_shape: Any) -> None:
        below, size = input_shape[1:]
        shape = (below, size, self.capsules, self.dimension)
        # Glorot would take the four sides for a convolution's and start with vanishing capsules.
        normal = keras.initializers.TruncatedNormal(stddev=0.1)
        self.kernel = self.add_weight(shape=shape, initializer=normal, name="kernel")

    def route(self, x: Any) -> tuple[Any, Any]:
        """(capsules above (N, J, D), coefficients (N, I, J) of the last round)."""
        # Capsules above come first: then sums over those below are products of matrices as they lie in memory.
        predictions = ops.einsum("nid,idje->njie", x, self.kernel)
        agreement = ops.zeros_like(predictions[..., 0])
        for turn in range(self.routings):
            coefficients = ops.softmax(agreement, axis=1)
            above = squash(ops.squeeze(coefficients[:, :, None, :] @ predictions, axis=2))
            if turn < self.routings - 1:
                agreement = agreement + ops.squeeze(predictions @ above[..., None], axis=-1)
        return above, ops.transpose(coefficients, (0, 2, 1))

    def call(self, x: Any) -> Any:
        return self.route(x)[0]

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """Predictions, then in each round the weighted sums, and between rounds the agreements."""
        predicted = input_shape[1] * self.capsules * self.dimension
        return predicted * (input_shape[2] + 2 * self.routings - 1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0], self.capsules, self.dimension)

    def get_config(self) -> dict[str, Any]:
        settings = {"capsules": self.capsules, "dimension": self.dimension, "routings": self.routings}
        return {**super().get_config(), **settings}


@serializable
class CapsuleLength(layers.Layer):
    """The length of each capsule, in [0, 1), the sign that its entity is there: (N, J, D) -> (N, J)."""

    def call(self, x: Any) -> Any:
        return ops.sqrt(ops.sum(ops.square(x), axis=-1) + 1e-7)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return tuple(input_shape[:-1])


@serializable
class CapsuleMask(layers.Layer):
    """All capsules but one set to zero, then flattened for the decoder: (N, J, D) -> (N, J * D).

    Called on capsules alone it keeps the longest of each image; called on [capsules, one-hot labels (N, J)]
    it keeps the true class's, as in training.
    """

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, list | tuple):
            capsules, chosen = inputs
        else:
            capsules = inputs
            longest = ops.argmax(ops.sum(ops.square(capsules), axis=-1), axis=-1)
            chosen = ops.one_hot(longest, capsules.shape[1], dtype=capsules.dtype)
        kept = capsules * ops.cast(chosen, capsules.dtype)[:, :, None]
        return ops.reshape(kept, (-1, capsules.shape[1] * capsules.shape[2]))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        capsules = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        return (capsules[0], capsules[1] * capsules[2])

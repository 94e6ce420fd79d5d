"""Activations beyond Keras' own: the scaled tanh of 1998, maxout, and the randomized leaky ReLU."""

from typing import Any

import keras
from keras import layers, ops

from cnnlib._checks import as_count, as_number
from cnnlib.layers._common import serializable


@serializable
def scaled_tanh(x: Any) -> Any:
    """1.7159 tanh(2x/3), of any shape: it maps +-1 to +-1, where its curvature is largest.

    LeCun et al., Gradient-based learning applied to document recognition, 1998, appendix A.
    """
    return 1.7159 * ops.tanh(ops.multiply(x, 2 / 3))


@serializable
class Maxout(layers.Layer):
    """The largest of each `pieces` neighbouring channels: (N, ..., pieces * C) -> (N, ..., C).

    After a linear layer with `pieces * C` outputs this is the maxout unit, a convex function with
    `pieces` straight pieces that is learnt (Goodfellow et al., Maxout networks, 2013).

    Raises:
        ValueError: the channels are no multiple of `pieces`.
    """

    def __init__(self, pieces: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pieces = as_count("pieces", pieces, least=1)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] % self.pieces:
            raise ValueError(f"pieces={self.pieces} must divide the {input_shape[-1]} channels of the input")

    def call(self, x: Any) -> Any:
        sides = ops.shape(x)
        return ops.max(ops.reshape(x, (*sides[:-1], x.shape[-1] // self.pieces, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pieces": self.pieces}


@serializable
class RReLU(layers.Layer):
    """Randomized leaky ReLU: negative inputs times a slope drawn anew for each element in training.

    The slope is uniform in [lower, upper); at inference it is their mean, (lower + upper) / 2. Any shape.
    Xu et al., Empirical evaluation of rectified activations, 2015 (which divides by a number from 3 to 8:
    the same range of slopes, though not the same distribution).

    Raises:
        ValueError: unless 0 <= lower <= upper.
    """

    def __init__(
        self, lower: float = 1 / 8, upper: float = 1 / 3, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.lower, self.upper = as_number("lower", lower, least=0), as_number("upper", upper, least=0)
        if lower > upper:
            raise ValueError(f"lower={lower!r} and upper={upper!r} must satisfy 0 <= lower <= upper.")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, training: bool = False) -> Any:
        slope = (self.lower + self.upper) / 2
        if training:
            slope = keras.random.uniform(
                ops.shape(x), self.lower, self.upper, dtype=x.dtype, seed=self.seed_generator
            )
        return ops.where(x >= 0, x, x * slope)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "lower": self.lower, "upper": self.upper, "seed": self.seed}

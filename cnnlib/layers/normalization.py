"""Normalisation: AlexNet's across channels, and BatchNorm written out."""

from typing import Any

from keras import layers, ops

from cnnlib._checks import as_count, as_number
from cnnlib.layers._common import serializable, wide


@serializable
class LocalResponseNormalization(layers.Layer):
    """Each value divided by a power of the energy of its neighbouring channels; shapes stay.

    y_i = x_i / (k + alpha * sum of x_j^2 over j = max(0, i - n/2) .. min(C - 1, i + n/2)) ^ beta, with n/2
    rounded down, at each pixel by itself (Krizhevsky, Sutskever, Hinton, 2012, section 3.3). No weights.
    alpha is the paper's; a framework that averages over the n channels wants n times as much.

    Raises:
        ValueError: n below 1 or no integer.
    """

    def __init__(
        self, k: float = 2.0, n: int = 5, alpha: float = 1e-4, beta: float = 0.75, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.k, self.n = as_number("k", k), as_count("n", n, least=1)
        self.alpha, self.beta = as_number("alpha", alpha), as_number("beta", beta)

    def call(self, x: Any) -> Any:
        reach, channels = self.n // 2, x.shape[-1]
        squares = ops.square(wide(x))
        padded = ops.pad(squares, [(0, 0)] * (len(x.shape) - 1) + [(reach, reach)])
        energy = sum(padded[..., i : i + channels] for i in range(2 * reach + 1))
        scale = ops.power(self.k + self.alpha * energy, -self.beta)
        return x * ops.cast(scale, x.dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        settings = {"k": self.k, "n": self.n, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_config(), **settings}


@serializable
class BatchNormFromScratch(layers.Layer):
    """BatchNorm in twenty lines, equal to `keras.layers.BatchNormalization` (Ioffe and Szegedy, 2015).

    Dense inputs (N, C) are normalised over N, images (N, H, W, C) over N, H and W: each channel has one mean
    and one variance. In training they are the batch's (variance with 1/N), and the moving averages take a
    step of 1 - momentum towards them; at inference they are the moving averages.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum, self.epsilon = as_number("momentum", momentum), as_number("epsilon", epsilon, least=0)

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        fixed = {"trainable": False, "autocast": False}  # statistics stay in float32 in mixed precision
        self.moving_mean = self.add_weight(shape=shape, initializer="zeros", name="moving_mean", **fixed)
        self.moving_variance = self.add_weight(
            shape=shape, initializer="ones", name="moving_variance", **fixed
        )

    def call(self, x: Any, training: bool = False) -> Any:
        values = wide(x)
        if training:
            axes = tuple(range(len(x.shape) - 1))  # all but the channels
            mean = ops.mean(values, axis=axes)
            variance = ops.mean(ops.square(values - mean), axis=axes)
            self._step(self.moving_mean, mean)
            self._step(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        normalised = (values - mean) / ops.sqrt(variance + self.epsilon)
        return ops.cast(normalised, x.dtype) * self.gamma + self.beta

    def _step(self, average, value):
        value = ops.cast(value, average.dtype)
        average.assign(average * self.momentum + value * (1 - self.momentum))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}

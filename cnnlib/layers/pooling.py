"""Subsampling without aliasing, and pooling to a fixed number of bins."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from keras import layers, ops

from cnnlib._checks import Counts, as_count, as_hinted, check_choice
from cnnlib.layers._common import serializable


@serializable
class BlurPool2D(layers.Layer):
    """Blur, then subsample: (N, H, W, C) -> (N, ceil(H / stride), ceil(W / stride), C), no weights.

    The filter is the outer product of binomial coefficients, [1, 3, 3, 1] / 8 by default; the border is
    reflected, with the odd pixel at the bottom and right (Zhang, Making convolutional networks
    shift-invariant again, 2019). `size` 1 is plain subsampling.

    Raises:
        ValueError: size not in 1..7, stride below 1, or a side too small to be reflected.
    """

    def __init__(self, size: int = 4, stride: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.stride = as_count("size", size, least=1), as_count("stride", stride, least=1)
        if size > 7:
            raise ValueError(f"size={size!r} must be from 1 to 7.")
        coefficients = np.array([math.comb(size - 1, i) for i in range(size)], "float64")
        self.filter = np.outer(coefficients, coefficients) / coefficients.sum() ** 2

    @property
    def padding(self) -> tuple[int, int]:
        """(top and left, bottom and right) pixels of the reflected border."""
        return (self.size - 1) // 2, self.size // 2

    def build(self, input_shape: Any) -> None:
        for side in input_shape[1:3]:
            if side is not None and side <= self.padding[1]:
                raise ValueError(
                    f"size={self.size} needs more than {self.padding[1]} pixels a side, not {side}"
                )

    def call(self, x: Any) -> Any:
        if self.size > 1:
            x = ops.pad(x, [(0, 0), self.padding, self.padding, (0, 0)], mode="reflect")
        kernel = np.broadcast_to(self.filter[:, :, None, None], (self.size, self.size, x.shape[-1], 1))
        kernel = ops.convert_to_tensor(kernel, dtype=x.dtype)
        return ops.depthwise_conv(x, kernel, strides=self.stride, padding="valid")

    def spatial_window(self, input_shape: Any) -> tuple:
        """(kernel, stride, padding) down and across: what a unit sees."""
        return ((self.size, self.stride, self.padding[0]),) * 2

    def compute_output_shape(self, input_shape: Any) -> tuple:
        sides = (None if side is None else -(-side // self.stride) for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "stride": self.stride}


@serializable
class SpatialPyramidPooling2D(layers.Layer):
    """The maximum in each of n x n bins for every n in `levels`, one after the other, row by row.

    (N, H, W, C) -> (N, sum of n^2 * C): the same length for every image size, so that one dense head serves
    all of them; H and W may be free (None). He et al., Spatial pyramid pooling, 2014.
    bins="sliding" is the paper's section 2.3: window ceil(side / n), stride floor(side / n). That gives n
    bins only for some sides (13 is one). bins="adaptive" is its appendix: bin i is
    floor(i * side / n) .. ceil((i + 1) * side / n), which covers every side and equals the other on 13.

    Raises:
        ValueError: an unknown `bins`, a level below 1, or sides that sliding windows do not cut into n bins.
    """

    def __init__(
        self,
        levels: Sequence[int] = (6, 3, 2, 1),
        bins: Literal["sliding", "adaptive"] = "sliding",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("bins", bins, ("sliding", "adaptive"))
        self.levels, self.bins = as_hinted("levels", levels, Counts), bins

    def _cut(self, side, n):
        """The n (begin, end) of one side, which may be a tensor where the size is free."""
        if self.bins == "adaptive":
            return [(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]
        stride, window = side // n, -(-side // n)
        if isinstance(side, int) and (stride == 0 or (side - window) // stride + 1 != n):
            raise ValueError(
                f"levels={self.levels}: windows of {window} at stride {stride} do not cut {side} pixels into "
                f"{n} bins; choose another size or bins='adaptive'"
            )
        return [(i * stride, i * stride + window) for i in range(n)]

    def build(self, input_shape: Any) -> None:
        for side in input_shape[1:3]:
            for n in self.levels if side is not None else ():
                self._cut(side, n)

    def call(self, x: Any) -> Any:
        _, height, width, channels = ops.shape(x)
        pooled = []
        for n in self.levels:
            rows = ops.stack([ops.max(x[:, a:b], axis=1) for a, b in self._cut(height, n)], axis=1)
            bins = ops.stack([ops.max(rows[:, :, a:b], axis=2) for a, b in self._cut(width, n)], axis=2)
            pooled.append(ops.reshape(bins, (-1, n * n * channels)))
        return ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0], sum(n * n for n in self.levels) * input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": list(self.levels), "bins": self.bins}

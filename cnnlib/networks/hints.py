"""The kinds of value that options take: one vocabulary for all families, to which `checked` holds a function."""

from collections.abc import Callable
from typing import Literal

from cnnlib._checks import Count, Counts, Rate, checked

__all__ = ["Activation", "Count", "Counts", "Normalization", "Rate", "Shape", "Stem", "StemStride", "checked"]

Shape = tuple[int | None, int | None, int]  # (H, W, C) in pixels and channels; None is any size
Stem = Literal["paper", "small"]
StemStride = Literal[1, 2] | None  # of the first convolution; None is the paper's, or 2 with stem="small"
Normalization = Literal["batch", "none"]
Activation = str | Callable  # what keras.activations.get takes

"""The gradient of a scalar with respect to images, on any backend."""

from collections.abc import Callable

import numpy as np

from cnnlib import backends


def input_gradient(function: Callable, images: np.ndarray) -> np.ndarray:
    """The gradient of a scalar with respect to an array, by the running backend's automatic differentiation.

    Args:
        function: from a tensor to a scalar tensor, in operations of `keras.ops` or calls of layers; it changes no
            state. A gradient with respect to weights is had by making them the argument.
        images: float32 array of any shape, for instance images (N, H, W, C).

    Returns:
        NumPy array of the same shape: d function(images) / d images.
    """
    return backends.current().input_gradient(function, images)

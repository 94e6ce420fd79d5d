"""The gradient of a scalar with respect to images, once for each backend."""

import keras
import numpy as np


def input_gradient(function, images):
    """The gradient of a scalar with respect to an array, by the running backend's automatic differentiation.

    Args:
        function: from a tensor to a scalar tensor, in operations of `keras.ops` or calls of layers; it changes no
            state. A gradient with respect to weights is had by making them the argument.
        images: float32 array of any shape, for instance images (N, H, W, C).

    Returns:
        NumPy array of the same shape: d function(images) / d images.
    """
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](
        function, images
    )


def _tensorflow(function, images):
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = function(images)
    return tape.gradient(value, images).numpy()


def _jax(function, images):
    import jax

    return np.asarray(jax.grad(function)(jax.numpy.asarray(images)))


def _torch(function, images):
    import torch
    from keras.src.backend.torch.core import get_device

    images = torch.tensor(images, device=get_device(), requires_grad=True)
    (gradient,) = torch.autograd.grad(function(images), images)
    return gradient.cpu().numpy()

"""Gradients of a scalar with respect to an input and to weights, once for each backend of Keras."""

import keras
import numpy as np


def gradients(value, x, weights):
    """(d value(x) / d x, [d value(x) / d w for w in weights]) as NumPy arrays; None becomes zeros."""
    backend = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    return backend(value, x, weights)


def _tensorflow(value, x, weights):
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = value(x)
    found = tape.gradient(
        result, [x, *(w.value for w in weights)], unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return found[0].numpy(), [g.numpy() for g in found[1:]]


def _jax(value, x, weights):
    import jax

    def function(x, values):
        with keras.StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
            return value(x)

    # Compiled as a whole: step by step JAX would compile every operation of the network by itself.
    found = jax.jit(jax.grad(function, argnums=(0, 1)))(jax.numpy.asarray(x), [w.value for w in weights])
    return np.asarray(found[0]), [np.asarray(g) for g in found[1]]


def _torch(value, x, weights):
    import torch

    x = torch.tensor(x, requires_grad=True)
    tensors = [x, *(w.value for w in weights)]
    found = torch.autograd.grad(value(x), tensors, allow_unused=True)
    found = [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found, strict=True)]
    return found[0].numpy(), [g.numpy() for g in found[1:]]

"""Whether two networks are the same function, tested by giving both the same weights and the same images."""

import keras
import numpy as np

from cnnlib.lesson.quantities import leave_quantity


def expect_same_function(built, reference, *, tolerance=1e-5, seed=0):
    """Copy the weights of `reference` into `built`, compare both on random images, and print or fail.

    The largest difference is taken relative to the largest output. Weights are paired in the order in which the
    layers were made, so the two must have the same layers in the same order.

    Raises:
        AssertionError: weights of other shapes, or outputs that differ by more than `tolerance`.
    """
    mine, theirs = [[tuple(v.shape) for v in model.weights] for model in (built, reference)]
    if mine != theirs:
        raise AssertionError(f"the weights differ in shape: {mine} here, {theirs} in {reference.name}")
    built.set_weights(reference.get_weights())
    shape = tuple(side or 32 for side in reference.input_shape[1:])
    images = np.random.default_rng(seed).random((4, *shape), dtype=np.float32)
    one, other = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (built, reference))
    if np.ptp(other) == 0:
        raise AssertionError(f"{reference.name} gives the same value everywhere, so nothing can be compared")
    difference = float(np.max(np.abs(one - other)) / np.max(np.abs(other)))
    leave_quantity(f"difference from {reference.name}", difference, None, tolerance)
    if not difference <= tolerance:
        raise AssertionError(
            f"not the same function: the outputs differ by {difference:.2g} of the largest one"
        )
    print(f"the same function as {reference.name}: outputs agree to {tolerance:g}")

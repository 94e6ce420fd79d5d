"""Magnitude pruning: the smallest weights are set to zero and stay there while the others train on."""

import keras
import numpy as np
from keras import ops

from cnnlib import training

SCOPES = ("global", "layer")


def kernels(model):
    """`{path: variable}` of the weights that pruning and sharing act on: trainable, of two axes or more.

    Biases and the vectors of a normalisation are few, and are left alone.
    """
    return {v.path: v for v in model.trainable_variables if len(v.shape) >= 2}


def magnitude_masks(model, share, scope="global"):
    """Which weights stay: `{path: boolean array}` of the kernels' shapes, `share` of them False.

    Args:
        share: the share of weights to remove, in [0, 1), smallest magnitudes first; or, with scope="layer",
            `{path: share}`.
        scope: "global" ranks all kernels' weights together, so that layers keep different shares; "layer" ranks
            within each kernel.

    Raises:
        ValueError: a share out of range, an unknown scope, or a path that is no kernel of the model.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope={scope!r} must be one of {', '.join(SCOPES)}")
    magnitudes = {path: np.abs(ops.convert_to_numpy(v)) for path, v in kernels(model).items()}
    shares = share if isinstance(share, dict) else dict.fromkeys(magnitudes, share)
    for path, value in shares.items():
        if path not in magnitudes:
            raise ValueError(f"share[{path!r}]: the model's kernels are {', '.join(magnitudes)}")
        if not 0 <= value < 1:
            raise ValueError(f"share={value!r} must be in [0, 1)")
    if scope == "layer":
        return {path: _largest(m, shares.get(path, 0.0)) for path, m in magnitudes.items()}
    if isinstance(share, dict):
        raise ValueError(
            "share={...} by kernel needs scope='layer'; scope='global' ranks all kernels together"
        )
    together = _largest(np.concatenate([m.ravel() for m in magnitudes.values()]), share)
    parts = np.split(together, np.cumsum([m.size for m in magnitudes.values()])[:-1])
    return {path: part.reshape(m.shape) for (path, m), part in zip(magnitudes.items(), parts, strict=True)}


def _largest(magnitudes, share):
    """True for all but the `share` smallest; ties by position, so that the count is exact."""
    order = np.argsort(magnitudes, axis=None, kind="stable")
    keep = np.ones(magnitudes.size, dtype=bool)
    keep[order[: round(share * magnitudes.size)]] = False
    return keep.reshape(magnitudes.shape)


class Mask(keras.constraints.Constraint):
    """Holds the weights outside a boolean mask at zero, after every step of an optimizer."""

    def __init__(self, mask):
        self.mask = np.asarray(mask)

    def __call__(self, weights):
        return weights * ops.cast(self.mask, weights.dtype)


def set_masks(model, masks):
    """Zero the weights outside `masks` and keep them there in training; None sets the weights free.

    Raises:
        ValueError: masks of other paths or shapes than the model's kernels.
    """
    found = kernels(model)
    for path, variable in found.items():
        if masks is None:
            variable.constraint = None
            continue
        if path not in masks or tuple(masks[path].shape) != tuple(variable.shape):
            raise ValueError(f"masks[{path!r}] must be a boolean array of shape {tuple(variable.shape)}")
        variable.constraint = Mask(masks[path])
        variable.assign(variable.constraint(ops.convert_to_tensor(variable)))


def sparsity(model):
    """Share of exact zeros among the weights of all kernels, in [0, 1]."""
    values = [ops.convert_to_numpy(v) for v in kernels(model).values()]
    return sum(int((v == 0).sum()) for v in values) / sum(v.size for v in values)


def prune_and_retrain(model, images, recipe, shares, *, scope="global", seed=0, progress="none"):
    """Prune to each of `shares` in turn, and train on after each: `[(masks, History), ...]`.

    Args:
        recipe: `training.Recipe` of each retraining.
        shares: increasing shares to remove (see `magnitude_masks`), for instance (0.5, 0.75, 0.9).
    """
    steps = []
    for number, share in enumerate(shares):
        masks = magnitude_masks(model, share, scope)
        set_masks(model, masks)
        history = training.train(model, images, recipe, seed=seed + number, progress=progress)
        steps.append((masks, history))
    return steps

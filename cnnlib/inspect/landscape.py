"""The loss along random directions through a network's weights, filter by filter as large as the weights are."""

import itertools
from types import SimpleNamespace

import keras
import numpy as np
from keras import layers

from cnnlib.backends import keras_internals
from cnnlib.inspect.outputs import as_float
from cnnlib.training.losses import measured_loss
from cnnlib.training.runners import Evaluation, evaluation_batch_size


def random_direction(model, seed=0, *, filter_normalized=True):
    """A random direction in the space of a model's weights: Gaussian for kernels, zero for vectors.

    With filter normalisation each filter of the direction has the norm of the model's filter at its place (Li et
    al., Visualizing the loss landscape of neural nets, 2018, section 4), so that an offset of 0.1 moves every filter
    by a tenth of its length. A filter is all that feeds one output channel or unit. Biases and the scales and
    shifts of a normalisation stay where they are, as in the paper.

    Args:
        model: a built `keras.Model`.
        seed: of the draw, at least 0; the same numbers on every backend.
        filter_normalized: False leaves every entry a standard Gaussian.

    Returns:
        list of float32 arrays, one for each of `model.trainable_variables`, of its shape.

    Raises:
        ValueError: a seed below 0, or a model without trainable kernels.
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed={seed!r} must be an integer of at least 0")
    if not any(len(variable.shape) > 1 for variable in model.trainable_variables):
        raise ValueError(f"model={model.name!r} has no trainable kernel; give a built model with weights")
    random, inner = np.random.default_rng(seed), _axes_of_a_filter(model)
    direction = []
    for variable in model.trainable_variables:
        if len(variable.shape) < 2:
            direction.append(np.zeros(variable.shape, "float32"))
            continue
        drawn = random.normal(size=variable.shape)
        if filter_normalized:
            axes = inner.get(id(variable), tuple(range(drawn.ndim - 1)))
            weights = keras.ops.convert_to_numpy(variable).astype("float64")
            drawn *= _norm(weights, axes) / _norm(drawn, axes)
        direction.append(drawn.astype("float32"))
    return direction


def loss_along(
    model,
    data,
    offsets,
    *directions,
    loss=None,
    batch_statistics=False,
    batch_size=None,
):
    """The mean loss at weights moved by `offset * direction`, on a line or on a grid over a plane.

    The weights are put back to the bit, also where an evaluation fails.

    Args:
        model: a built `keras.Model` on images (N, H, W, C), in inference mode.
        data: a `data.Split`, or a pair of images (N, H, W, C; uint8, or floats as the model takes them) and
            labels (N,).
        offsets: numbers (K,), multiples of each direction; 0 is the model as it is.
        directions: one or two, each as `random_direction` gives them.
        loss: `loss(labels, outputs, images) -> (N,)` in operations of `keras.ops`; default softmax cross-entropy in
            nats.
        batch_statistics: run the model in training mode, so that BatchNorm takes mean and variance from each batch in
            place of the moving averages, which fit the unmoved weights only. Dropout acts then, too; slower.
        batch_size: images at a time, at least 1; default 500, fewer where images have more than 64x64 pixels.

    Returns:
        float64 array (K,), or (K, K) whose [i, j] belongs to offsets[i] of the first direction and offsets[j] of the
        second.

    Raises:
        ValueError: not one or two directions, one that does not fit the model, no image, or a batch size below 1.
    """
    offsets = np.asarray(offsets, "float32")
    _check(model, offsets, directions, batch_size)
    split = _as_split(data)
    measure = _in_training_mode if batch_statistics else _compiled
    batch_size = batch_size or evaluation_batch_size(split.images)
    measure = measure(model, split, loss, min(batch_size, len(split.labels)))
    saved = [(variable, np.array(keras.ops.convert_to_numpy(variable))) for variable in model.variables]
    values = {id(variable): value for variable, value in saved}
    moving = [
        (variable, values[id(variable)], parts)
        for variable, *parts in zip(model.trainable_variables, *directions, strict=True)
        if any(np.any(part) for part in parts)
    ]
    losses = []
    try:
        for place in itertools.product(offsets, repeat=len(directions)):
            for variable, center, parts in moving:
                variable.assign(center + sum(a * part for a, part in zip(place, parts, strict=True)))
            losses.append(measure())
    finally:
        for variable, value in saved:
            variable.assign(value)
    return np.reshape(losses, (len(offsets),) * len(directions))


def curvature(offsets, losses):
    """Second derivative of a curve at offset 0, from the points next to it on both sides.

    Args:
        offsets: increasing numbers (K,) with 0 among them and neighbours of 0 at equal distance.
        losses: numbers (K,), for instance of `loss_along`.

    Returns:
        (loss(-h) - 2 loss(0) + loss(h)) / h^2, in the loss's unit; h is the distance of the neighbours.

    Raises:
        ValueError: offsets without 0, or without a neighbour at equal distance on each side.
    """
    offsets, losses = np.asarray(offsets, "float64"), np.asarray(losses, "float64")
    if offsets.ndim != 1 or offsets.shape != losses.shape:
        raise ValueError(
            f"losses has shape {losses.shape}, expected one for each of the {offsets.size} offsets"
        )
    zero = int(np.argmin(np.abs(offsets)))
    around = offsets[max(zero - 1, 0) : zero + 2]
    if len(around) != 3 or around[1] != 0 or not around[2] > 0 or not np.isclose(-around[0], around[2]):
        raise ValueError(
            f"offsets={offsets.tolist()} must rise, hold 0 and have a neighbour at equal distance on each side of it"
        )
    return float((losses[zero - 1] - 2 * losses[zero] + losses[zero + 1]) / around[2] ** 2)


def _axes_of_a_filter(model):
    """{id of a kernel: axes that one filter spans}, for the kernels whose last axis is not the output."""
    found = {}
    for layer in keras_internals.flattened(model):
        if isinstance(layer, layers.DepthwiseConv1D | layers.DepthwiseConv2D):
            found[id(layer.kernel)] = tuple(range(len(layer.kernel.shape) - 2))
        elif isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
            found[id(layer.depthwise_kernel)] = tuple(range(len(layer.depthwise_kernel.shape) - 2))
        elif isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
            outputs = len(layer.kernel.shape) - 2
            found[id(layer.kernel)] = tuple(axis for axis in range(outputs + 2) if axis != outputs)
    return found


def _norm(array, axes):
    return np.sqrt(np.sum(array**2, axis=axes, keepdims=True))


def _check(model, offsets, directions, batch_size):
    if len(directions) not in (1, 2):
        raise ValueError(f"{len(directions)} directions were given; expected one or two")
    if offsets.ndim != 1 or not offsets.size:
        raise ValueError(f"offsets of shape {offsets.shape} must be a list of at least one number")
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"batch_size={batch_size!r} must be an integer of at least 1, or None")
    expected = [tuple(variable.shape) for variable in model.trainable_variables]
    for direction in directions:
        if [np.shape(part) for part in direction] != expected:
            raise ValueError(
                f"directions: one has {len(direction)} arrays that do not have the shapes of the {len(expected)} "
                f"trainable variables of {model.name}; make it by random_direction(model)"
            )


def _as_split(data):
    images, labels = data if isinstance(data, tuple) else (data.images, data.labels)
    images, labels = np.asarray(images), np.asarray(labels, "int32")
    if not len(images) or labels.shape != (len(images),):
        raise ValueError(
            f"data has {len(images)} images and labels of shape {labels.shape}; expected at least one image and "
            "one label for each"
        )
    return SimpleNamespace(images=images, labels=labels)


def _compiled(model, split, loss, batch_size):
    """The mean loss in inference mode: compiled once, the images stay on the device."""
    evaluation = Evaluation(model, split, batch_size, loss or measured_loss)
    return lambda: evaluation()[0]


def _in_training_mode(model, split, loss, batch_size):
    """The mean loss in training mode, batch by batch; the caller puts the statistics back."""
    images, loss = as_float(split.images), loss or measured_loss

    def measure():
        total = 0.0
        for begin in range(0, len(images), batch_size):
            x, labels = images[begin : begin + batch_size], split.labels[begin : begin + batch_size]
            losses = loss(keras.ops.convert_to_tensor(labels), model(x, training=True), x)
            total += float(np.sum(keras.ops.convert_to_numpy(keras.ops.stop_gradient(losses))))
        return total / len(images)

    return measure

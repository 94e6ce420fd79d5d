"""Grad-CAM: which places of a layer's maps speak for a class (Selvaraju et al., 2017)."""

import numpy as np
from keras import ops

from cnnlib.backends import keras_internals
from cnnlib.inspect._gradients import input_gradient
from cnnlib.inspect.outputs import as_float, feature_maps, predict


def grad_cam(model, images, layer, classes=None, *, upsample=True):
    """How much each place of a layer's maps raises the score of a class, by the gradient of that score.

    Each channel counts with the mean of its gradient over all places; the weighted sum of the channels is cut at
    zero (Selvaraju et al., 2017, equations 1 and 2). The layer may stand anywhere, also inside a branch. For a
    network that ends in global average pooling and one dense layer, this is the class map over its number of places.

    Args:
        model: a functional or sequential `keras.Model` from images (N, H, W, C) to scores (N, classes), or to a
            dict of outputs with the scores under `scores`.
        images: (N, H, W, C), uint8 (scaled by 1/255) or float.
        layer: name of a layer with an output (N, h, w, c), or the layer.
        classes: integers (N,), the class that is asked about for each image; default the one with the highest
            score.
        upsample: enlarge the maps to the images' height and width, bilinearly.

    Returns:
        float32 array (N, H, W), or (N, h, w) without `upsample`; not negative, on the scale of the scores.

    Raises:
        ValueError: no such layer, a layer without places, or classes that do not fit images and scores.
    """
    layer = _layer_with_maps(model, layer)
    scores = _scores(predict(model, images))
    classes = _checked(classes, scores)
    maps = feature_maps(model, images, layer.name)[layer.name]
    chosen = np.eye(scores.shape[1], dtype="float32")[classes]
    pixels = as_float(images)

    def score_of_class(shift):
        moved = _scores(_outputs_with_shifted_maps(model, layer, pixels, shift))
        return ops.sum(ops.multiply(ops.cast(moved, "float32"), chosen))

    gradient = input_gradient(score_of_class, np.zeros(maps.shape, "float32"))
    channel_weights = gradient.mean(axis=(1, 2), keepdims=True)
    found = np.maximum((channel_weights * maps).sum(axis=3), 0).astype("float32")
    if not upsample:
        return found
    return ops.convert_to_numpy(ops.image.resize(found[..., None], pixels.shape[1:3], "bilinear"))[..., 0]


def _layer_with_maps(model, layer):
    name = layer if isinstance(layer, str) else layer.name
    known = [each.name for each in model.layers]
    if name not in known:
        raise ValueError(f"layer={name!r} is no layer of {model.name}; expected one of model.layers")
    found = model.get_layer(name)
    if len(found.output.shape) != 4:
        raise ValueError(
            f"layer={name!r} gives {found.output.shape}; expected maps (N, height, width, channels)"
        )
    return found


def _scores(outputs):
    return outputs["scores"] if isinstance(outputs, dict) else outputs


def _checked(classes, scores):
    if classes is None:
        return scores.argmax(axis=1)
    classes = np.asarray(classes)
    if classes.shape != (len(scores),) or not np.issubdtype(classes.dtype, np.integer):
        raise ValueError(f"classes must be {len(scores)} integers, one for each image, not {classes!r}")
    if classes.min() < 0 or classes.max() >= scores.shape[1]:
        raise ValueError(
            f"classes run from {classes.min()} to {classes.max()}; the model has {scores.shape[1]} scores"
        )
    return classes


def _outputs_with_shifted_maps(model, layer, pixels, shift):
    """The model's outputs where `shift` is added to the layer's maps.

    The gradient with respect to the shift at zero is that with respect to the maps, wherever these go on to. A model
    from the maps to the scores would do for a layer that everything passes through, not for one inside a branch.
    """

    def moved(operation):
        if operation is not layer:
            return operation

        def call(*arguments, **named):
            maps = operation(*arguments, **named)
            return ops.add(maps, ops.cast(shift, maps.dtype))

        return call

    return keras_internals.run_with(model, ops.convert_to_tensor(pixels), moved)

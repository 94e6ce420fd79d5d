"""What a model says: predictions in batches, and the maps of any layer on the way."""

import keras
import numpy as np


def predict(model, images, batch_size=256):
    """The model's outputs for many images, as NumPy arrays.

    Args:
        model: a `keras.Model` on images (N, H, W, C) in [0, 1].
        images: array (N, H, W, C); uint8 is scaled by 1/255, floats are taken as they are.
        batch_size: images per call, at least 1.

    Returns:
        array (N, ...), or a dict of them by name for a model with several named outputs.

    Raises:
        ValueError: a batch size below 1, or no images.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size!r} must be at least 1")
    if len(images) == 0:
        raise ValueError("images is empty; expected at least one image (N, H, W, C)")
    parts = []
    for begin in range(0, len(images), batch_size):
        batch = as_float(images[begin : begin + batch_size])
        parts.append(keras.tree.map_structure(_plain, model(batch, training=False)))
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


def as_float(images):
    """Images as float32: uint8 scaled as everywhere in the course, floats taken as they are."""
    from cnnlib.data import to_float

    images = np.asarray(images)
    return to_float(images) if images.dtype == np.uint8 else images.astype("float32")


def _plain(tensor):
    """float32 NumPy values of any backend's tensor, bfloat16 too, which NumPy has not."""
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)):
        tensor = keras.ops.cast(tensor, "float32")
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.stop_gradient(tensor)))


def feature_maps(model, images, layer_names, batch_size=256):
    """Outputs of the named layers: `{name: array (N, h, w, c)}` ((N, units) for dense layers).

    Raises:
        ValueError: a name that is no layer of the model.
    """
    known = {layer.name for layer in model.layers}
    names = [layer_names] if isinstance(layer_names, str) else list(layer_names)
    for name in names:
        if name not in known:
            raise ValueError(
                f"layer_names={name!r} is no layer of {model.name}; expected names of model.layers"
            )
    # One input is given as itself: a list of one would warn at every call that gives an array.
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    tapped = keras.Model(inputs, {name: model.get_layer(name).output for name in names})
    return predict(tapped, images, batch_size)

"""Turn a network's dense layers into convolutions, so that it takes images of any size."""

import keras
from keras import layers

from cnnlib._checks import shown


def to_fully_convolutional(model: keras.Model) -> keras.Model:
    """The same network with convolutions for its dense layers: (N, H, W, C) of free size -> a map of scores.

    At the size that the model was built for, the map has one place, with the model's own scores; larger images
    give the scores of every window of that size (Sermanet et al., 2014; VGG's dense evaluation). The layers
    before `flatten` are shared with the model, the others hold copies of its weights.

    Args:
        model: a functional model with one Flatten layer and dense layers after it (LeNet, AlexNet, VGG).

    Returns:
        keras.Model with input (None, None, C) and an output layer of the same name, (N, h, w, classes).

    Raises:
        ValueError: no functional model that was built, or one without a Flatten layer, or with more than one.
    """
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(f"model={shown(model)} must be a functional keras.Model that was built on an input.")
    flattens = [layer for layer in model.layers if isinstance(layer, layers.Flatten)]
    if len(flattens) != 1:
        raise ValueError(f"model={model.name!r} has {len(flattens)} Flatten layers; expected exactly one.")
    window = tuple(flattens[0].input.shape[1:])  # (h, w, c) of the maps that are flattened
    copies = {}

    def convert(layer):
        if isinstance(layer, layers.InputLayer) or (len(layer.input.shape) == 4 and layer is not flattens[0]):
            return layer
        if layer is flattens[0]:
            return layers.Identity(name=layer.name)
        if isinstance(layer, layers.Dense):
            first = layer.kernel.shape[0] == window[0] * window[1] * window[2] and not copies
            copy = layers.Conv2D(
                layer.units,
                window[:2] if first else 1,
                activation=layer.activation,
                use_bias=layer.use_bias,
                dtype=layer.dtype_policy,
                name=layer.name,
            )
        else:
            copy = type(layer).from_config(layer.get_config())
        copies[layer.name] = copy
        return copy

    images = keras.Input((None, None, model.input.shape[-1]), name=model.input.name)
    converted = keras.models.clone_model(model, input_tensors=images, clone_function=convert)
    for name, copy in copies.items():
        values = model.get_layer(name).get_weights()
        copy.set_weights([v.reshape(w.shape) for v, w in zip(values, copy.get_weights(), strict=True)])
    converted.name = f"{model.name}_fully_convolutional"
    return converted

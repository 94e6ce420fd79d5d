"""Weights from elsewhere: torchvision's state dicts and the models of `keras.applications`."""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from cnnlib._checks import check_choice, shown
from cnnlib.networks.weight_names import applications_names, families, torchvision_names, weighted

TORCH_PARTS = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
               "moving_mean": "running_mean", "moving_variance": "running_var"}  # fmt: skip
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # torchvision's names of the heads that a model may leave out


def load_torch_weights(
    model: keras.Model,
    state_dict: Mapping[str, Any],
    *,
    head: bool = True,
    origin: Literal["torchvision", "paper"] = "torchvision",
) -> None:
    """Copy a torchvision `state_dict` into the same-named network of this course.

    Args:
        model: what `networks.build` gave for "alexnet_torchvision", "vgg11" to "vgg19", "vgg11_bn" to
            "vgg19_bn", "googlenet_torchvision", "inception_v3", "resnet18", "resnet34", "resnet50_v15" to
            "resnet152_v15", "resnext50_32x4d", "densenet121" to "densenet201" or "convnext_tiny".
        state_dict: `{name: array or tensor}`, also as trainings save it: nested under "state_dict" or "model",
            names behind "module.", in half precision. Auxiliary heads that the model lacks are left out, and so is
            `num_batches_tracked`, which has no counterpart.
        head: False leaves the layer `scores` as it is, for another number of classes.
        origin: "paper" says that the weights of "resnet50" (101, 152) were trained with the stride in the first
            1x1; torchvision's have the same names and shapes but stride in the 3x3, for which there is "resnet50_v15".

    Published weights want the pixels that they were trained on: scaled to 0..1, less (.485, .456, .406) over
    (.229, .224, .225) for red, green, blue; GoogLeNet's and Inception v3's less .5 over .5.

    Raises:
        ValueError: no counterpart, or names, shapes or values that do not fit; the model is as it was.
    """
    family = _family(model, "torchvision")
    check_choice("origin", origin, ("torchvision", "paper"))
    given = _unpacked(state_dict)
    early = [layer.strides for layer in model.layers if layer.name == "stage3_block1_conv1"] == [(2, 2)]
    if family == "resnet" and origin == "torchvision" and early and "layer1.0.conv3.weight" in given:
        raise ValueError(
            f"state_dict is torchvision's, whose bottlenecks stride in the 3x3, and {model.name}'s in the 1x1; build "
            f"'{model.name}_v15', or say origin='paper' if the weights were trained with the stride in the 1x1."
        )
    names, values, problems = torchvision_names(model, family), [], []
    flattened = _flattened_maps(model)
    for layer in weighted(model):
        for variable in layer.weights:
            if names.get(layer.name) is None:
                problems.append(f"{layer.name}'s {variable.name} has no counterpart")
                continue
            key = f"{names[layer.name]}.{_torch_part(layer, variable.name)}"
            if layer.name == "scores" and not head:
                given.pop(key, None)
                continue
            if key not in given:
                problems.append(f"{key} is missing (for {layer.name})")
                continue
            array, expected = _array(key, given.pop(key)), _torch_shape(layer, variable)
            if array.ndim == 2 and array.shape == (expected[0], math.prod(expected[1:])):
                array = array.reshape(expected)  # a dense layer's weights, wanted by a convolution
            if array.shape != expected:
                hint = " (or head=False)" if layer.name == "scores" else ""
                problems.append(f"{key} has shape {array.shape}, {layer.name} needs {expected}{hint}")
            elif not np.isfinite(array).all():
                problems.append(f"{key} holds values that are not finite")
            else:
                values.append((variable, _from_torch(array, layer, variable.name, flattened)))
    problems += [f"{key} has no place" for key in given if not key.startswith(AUXILIARY)]
    _assign(model, values, problems, "state_dict")


def _unpacked(state_dict: Any) -> dict[str, Any]:
    """`{name: weights}` out of what a training has saved, by the names that torchvision uses today."""
    for outer in ("state_dict", "model"):
        if isinstance(state_dict, Mapping) and isinstance(state_dict.get(outer), Mapping):
            state_dict = state_dict[outer]
    if not isinstance(state_dict, Mapping) or not all(isinstance(key, str) for key in state_dict):
        remedy = "load a file first, with torch.load(path, map_location='cpu', weights_only=True)"
        raise ValueError(f"state_dict={shown(state_dict)} must be a dict of arrays or tensors; {remedy}.")
    old = r"^(?:module\.|_orig_mod\.)+|(?<=\.(?:norm|conv))\.(?=\d\.)"  # DenseNet's oldest: `norm.1` for `norm1`
    kept = {key: value for key, value in state_dict.items() if not key.endswith("num_batches_tracked")}
    return {re.sub(old, "", key): value for key, value in kept.items()}


def load_keras_weights(model: keras.Model, applications_model: keras.Model) -> None:
    """Copy a model of `keras.applications` into the same network of this course; outputs then agree.

    Two of theirs are other functions than this course's defaults: build "inception_v3" with
    `pool_counts_padding=False`, "mobilenet_v1" with `activation="relu6", padding="bottom_right"`; and give
    ConvNeXt `include_preprocessing=False`. Their ResNets are "resnet50", "resnet101", "resnet152". What
    BatchNorm can absorb is folded into it: their convolutions' biases, another epsilon (exact at inference),
    a missing scale.

    Raises:
        ValueError: no counterpart, or names, shapes, strides or options that do not fit; the model is as it was.
    """
    if not isinstance(applications_model, keras.Model):
        raise ValueError(f"applications_model={shown(applications_model)} must be one of keras.applications.")
    family = _family(model, "keras.applications")
    theirs = {layer.name: layer for layer in weighted(applications_model)}
    names = applications_names(model, family, applications_model)
    values, problems, used = [], _differences(model, family, applications_model), set()
    for layer in weighted(model):
        source = theirs.get(names.get(layer.name))
        if source is None:
            problems.append(f"{names.get(layer.name, 'a counterpart')} is missing (for {layer.name})")
            continue
        used.add(source.name)
        arrays = _from_keras(layer, source, theirs.get(names.get(layer.name.removesuffix("_bn"))))
        for variable in layer.weights:
            shape, array = tuple(variable.shape), arrays.get(variable.name)
            if array is None or not _same_weights(array.shape, shape):
                found = "nothing" if array is None else f"shape {array.shape}"
                problems.append(f"{source.name} gives {found} for {layer.name}'s {variable.name} {shape}")
            else:
                values.append((variable, array.reshape(shape)))
    problems += [f"{name} has no place" for name in theirs if name not in used]
    _assign(model, values, problems, "applications_model")


def _family(model, library):
    from cnnlib.networks import catalogue  # the catalogue's module imports this one

    built = isinstance(model, keras.Model) and model.built
    variant = catalogue().get(model.name) if built else None
    known = families(library)
    if variant is None or variant.family not in known:
        named = shown(model.name if built else model)
        raise ValueError(
            f"model={named} has no counterpart in {library}; build one of the families {', '.join(known)} "
            "with networks.build and keep its name."
        )
    return variant.family


def _assign(model, values, problems, argument):
    """Assign all values or none."""
    if problems:
        first = "; ".join(problems[:3])[:200]
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ValueError(f"{argument} does not fit {model.name}, which is unchanged: {first}{more}.")
    for variable, array in values:
        variable.assign(array.astype(variable.dtype))


def _array(key, value):
    """A NumPy array of numbers from an array or from a torch tensor on any device, in single or double precision."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.double() if value.element_size() < 4 else value  # NumPy has no bfloat16
        value = value.numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"state_dict[{shown(key)}]={shown(value)} must be an array or a tensor of numbers.")
    return array.astype("float32") if array.itemsize < 4 else array


def _torch_part(layer, part):
    return "layer_scale" if _is_layer_scale(layer) else TORCH_PARTS.get(part, part)


def _is_layer_scale(layer):
    return len(layer.weights) == 1 and layer.weights[0].name == "gamma"


def _torch_shape(layer, variable):
    """The shape that torch gives to a variable: outputs first, channels before rows and columns."""
    shape = tuple(variable.shape)
    if _is_layer_scale(layer):
        return (*shape, 1, 1)
    if variable.name != "kernel":
        return shape
    if isinstance(layer, layers.DepthwiseConv2D):
        rows, columns, channels, multiplier = shape
        return channels * multiplier, 1, rows, columns
    return (shape[-1], shape[-2], *shape[:-2])


def _from_torch(array, layer, part, flattened):
    if part != "kernel":
        return array.reshape(-1)
    if isinstance(layer, layers.DepthwiseConv2D):
        rows, columns, channels, multiplier = layer.kernel.shape
        return array.reshape(channels, multiplier, rows, columns).transpose(2, 3, 0, 1)
    if isinstance(layer, layers.Dense):
        map_shape = flattened.get(layer.name)
        if map_shape is None:
            return array.T
        rows, columns, channels = map_shape  # torch flattens channels first
        by_map = array.reshape(-1, channels, rows, columns)
        return by_map.transpose(2, 3, 1, 0).reshape(array.shape[::-1])
    return array.transpose(2, 3, 1, 0)


def _flattened_maps(model):
    """`{layer: (H, W, C)}` of the dense layers whose inputs are a map that a Flatten has turned into a vector."""
    maps, found = {}, {}
    for layer in model.layers:
        if isinstance(layer, layers.Flatten) and len(layer.input.shape) == 4:
            maps[id(layer.output)] = tuple(layer.input.shape[1:])
        elif isinstance(layer, layers.Dropout) and id(layer.input) in maps:
            maps[id(layer.output)] = maps[id(layer.input)]
        elif isinstance(layer, layers.Dense) and id(layer.input) in maps:
            found[layer.name] = maps[id(layer.input)]
    return found


def _from_keras(layer, source, convolution):
    """`{part: array}` for `layer` from its counterpart; `convolution` is what stands before a BatchNorm of theirs."""
    arrays = {}
    for part in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"):
        variable = getattr(source, part, None)
        if variable is not None:
            arrays[part] = np.asarray(ops.convert_to_numpy(variable), "float64")
    if isinstance(layer, layers.DepthwiseConv2D) and not isinstance(source, layers.DepthwiseConv2D):
        arrays["kernel"] = arrays["kernel"].transpose(0, 1, 3, 2)  # a convolution with one group a channel
    if isinstance(layer, layers.BatchNormalization) and isinstance(source, layers.BatchNormalization):
        variance = arrays["moving_variance"]
        scale = np.sqrt((variance + layer.epsilon) / (variance + source.epsilon))
        arrays["gamma"] = arrays.get("gamma", 1.0) * scale
        bias = getattr(convolution, "bias", None)
        if bias is not None:
            arrays["moving_mean"] = arrays["moving_mean"] - ops.convert_to_numpy(bias)
    return arrays


def _same_weights(theirs, ours):
    """Whether shapes are equal, or a 1x1 convolution's and a dense layer's of the same weights."""
    if len(theirs) == len(ours):
        return theirs == ours
    return math.prod(theirs) == math.prod(ours) and theirs[-1] == ours[-1]


def _differences(model, family, applications_model):
    """Where the two models are different functions that weights cannot make equal."""
    problems = [f"{layer.name} (build it with include_preprocessing=False)" for layer in applications_model.layers
                if isinstance(layer, layers.Normalization)]  # fmt: skip
    names = {layer.name: layer for layer in model.layers}
    if family == "resnet" and names.get("stage3_block1_conv2_pad"):
        problems.append("strides stand in other convolutions (build the model without _v15)")
    if family == "inception" and "inception_5b_pool_pad" in names:
        problems.append("average pools count their padding (build the model with pool_counts_padding=False)")
    if family == "mobilenet":
        if names["stem_conv_relu"].max_value != 6:
            problems.append("ReLU has no ceiling (build the model with activation='relu6')")
        if names["block2_depthwise_pad"].padding != ((0, 1), (0, 1)):
            problems.append("padding is symmetric (build the model with padding='bottom_right')")
    return problems

"""What other libraries call the layers of the course's networks: one table of rules for each family.

A rule is a pattern of this course's layer names and the foreign name that it stands for; the first rule that
matches the whole name counts. BatchNorm layers are named after their convolution (`x` and `x_bn`).
"""

import re

import keras

from cnnlib.networks import inception_v3

BLOCK = r"stage(\d)_block(\d+)"


def _one_less(text):
    return int(text) - 1


# fmt: off
TORCHVISION = {
    "resnet": [
        (r"stem_(conv)(_bn)?", lambda m: "bn1" if m[2] else "conv1"),
        (rf"{BLOCK}_conv(\d)(_bn)?",
         lambda m: f"layer{_one_less(m[1])}.{_one_less(m[2])}.{'bn' if m[4] else 'conv'}{m[3]}"),
        (rf"{BLOCK}_shortcut(_bn)?",
         lambda m: f"layer{_one_less(m[1])}.{_one_less(m[2])}.downsample.{1 if m[3] else 0}"),
        (r"scores", lambda m: "fc"),
    ],
    "densenet": [
        (r"stem_conv(_bn)?", lambda m: f"features.{'norm' if m[1] else 'conv'}0"),
        (r"block(\d)_layer(\d+)_conv(\d)(_bn)?",
         lambda m: f"features.denseblock{m[1]}.denselayer{m[2]}.{'norm' if m[4] else 'conv'}{m[3]}"),
        (r"transition(\d)_conv(_bn)?", lambda m: f"features.transition{m[1]}.{'norm' if m[2] else 'conv'}"),
        (r"end_bn", lambda m: "features.norm5"),
        (r"scores", lambda m: "classifier"),
    ],
    "googlenet": [
        (r"stem_conv(\d)(_bn)?", lambda m: f"conv{m[1]}.{'bn' if m[2] else 'conv'}"),
        (r"inception_(\d\w)_(\dx\d_reduce|\dx\d|pool_1x1)(_bn)?",
         lambda m: f"inception{m[1]}.{_GOOGLENET_BRANCHES[m[2]]}.{'bn' if m[3] else 'conv'}"),
        (r"auxiliary_(4a|4d)_conv(_bn)?", lambda m: f"{_GOOGLENET_HEADS[m[1]]}.conv.{'bn' if m[2] else 'conv'}"),
        (r"auxiliary_(4a|4d)_dense", lambda m: f"{_GOOGLENET_HEADS[m[1]]}.fc1"),
        (r"auxiliary_(4a|4d)", lambda m: f"{_GOOGLENET_HEADS[m[1]]}.fc2"),
        (r"scores", lambda m: "fc"),
    ],
    "inception": [
        (r"stem_conv(\d)(_bn)?", lambda m: f"{_INCEPTION_STEM[m[1]]}.{'bn' if m[2] else 'conv'}"),
        (r"inception_(\d)(\w)_([a-z0-9_]+?)(_bn)?",
         lambda m: f"Mixed_{m[1]}{m[2]}.{_inception_branch(m[1] + m[2], m[3])}.{'bn' if m[4] else 'conv'}"),
        (r"auxiliary_6e_conv(\d)(_bn)?", lambda m: f"AuxLogits.conv{_one_less(m[1])}.{'bn' if m[2] else 'conv'}"),
        (r"auxiliary_6e", lambda m: "AuxLogits.fc"),
        (r"scores", lambda m: "fc"),
    ],
    "convnext": [
        (r"stem_(conv|norm)", lambda m: f"features.0.{['conv', 'norm'].index(m[1])}"),
        (rf"{BLOCK}_scale", lambda m: f"features.{2 * int(m[1]) - 1}.{_one_less(m[2])}"),
        (rf"{BLOCK}_(depthwise|norm|expand|project)",
         lambda m: f"features.{2 * int(m[1]) - 1}.{_one_less(m[2])}.block.{_CONVNEXT_TORCHVISION[m[3]]}"),
        (r"stage(\d)_downsample_(norm|conv)",
         lambda m: f"features.{2 * int(m[1]) - 2}.{['norm', 'conv'].index(m[2])}"),
        (r"end_norm", lambda m: "classifier.0"),
        (r"scores", lambda m: "classifier.2"),
    ],
}
TORCHVISION["resnext"] = TORCHVISION["resnet"]
APPLICATIONS = {
    "resnet": [
        (r"stem_conv(_bn)?", lambda m: "conv1_bn" if m[1] else "conv1_conv"),
        (rf"{BLOCK}_conv(\d)(_bn)?", lambda m: f"conv{m[1]}_block{m[2]}_{m[3]}_{'bn' if m[4] else 'conv'}"),
        (rf"{BLOCK}_shortcut(_bn)?", lambda m: f"conv{m[1]}_block{m[2]}_0_{'bn' if m[3] else 'conv'}"),
        (r"scores", lambda m: "predictions"),
    ],
    "densenet": [
        (r"stem_conv(_bn)?", lambda m: "conv1_bn" if m[1] else "conv1_conv"),
        (r"block(\d)_layer(\d+)_conv(\d)", lambda m: f"conv{int(m[1]) + 1}_block{m[2]}_{m[3]}_conv"),
        (r"block(\d)_layer(\d+)_conv(\d)_bn",
         lambda m: f"conv{int(m[1]) + 1}_block{m[2]}_{_one_less(m[3])}_bn"),
        (r"transition(\d)_conv(_bn)?", lambda m: f"pool{int(m[1]) + 1}_{'bn' if m[2] else 'conv'}"),
        (r"end_bn", lambda m: "bn"),
        (r"scores", lambda m: "predictions"),
    ],
    "mobilenet": [
        (r"stem_conv(_bn)?", lambda m: f"conv1{m[1] or ''}"),
        (r"block(\d+)_depthwise(_bn)?", lambda m: f"conv_dw_{m[1]}{m[2] or ''}"),
        (r"block(\d+)_pointwise(_bn)?", lambda m: f"conv_pw_{m[1]}{m[2] or ''}"),
        (r"scores", lambda m: "conv_preds"),
    ],
    "convnext": [
        (r"stem_(conv|norm)", lambda m: f"convnext_tiny_stem_{_CONVNEXT_KERAS[m[1]]}"),
        (rf"{BLOCK}_(depthwise|norm|expand|project|scale)",
         lambda m: f"convnext_tiny_stage_{_one_less(m[1])}_block_{_one_less(m[2])}_{_CONVNEXT_KERAS[m[3]]}"),
        (r"stage(\d)_downsample_(norm|conv)",
         lambda m: f"convnext_tiny_downsampling_{_CONVNEXT_KERAS[m[2]]}_{int(m[1]) - 2}"),
        (r"end_norm", lambda m: "convnext_tiny_head_layernorm"),
        (r"scores", lambda m: "convnext_tiny_head_dense"),
    ],
}
_GOOGLENET_BRANCHES = {"1x1": "branch1", "3x3_reduce": "branch2.0", "3x3": "branch2.1",
                       "5x5_reduce": "branch3.0", "5x5": "branch3.1", "pool_1x1": "branch4.1"}
_GOOGLENET_HEADS = {"4a": "aux1", "4d": "aux2"}
_INCEPTION_STEM = {"1": "Conv2d_1a_3x3", "2": "Conv2d_2a_3x3", "3": "Conv2d_2b_3x3", "4": "Conv2d_3b_1x1",
                   "5": "Conv2d_4a_3x3"}
_CONVNEXT_TORCHVISION = {"depthwise": 0, "norm": 2, "expand": 3, "project": 5}
_CONVNEXT_KERAS = {"conv": "conv", "norm": "layernorm", "depthwise": "depthwise_conv",
                   "expand": "pointwise_conv_1", "project": "pointwise_conv_2", "scale": "layer_scale"}
# fmt: on


def _inception_branch(module, path):
    if path == "pool_1x1":
        return "branch_pool"
    if path.startswith("double"):
        return path.replace(
            "double", "branch7x7dbl" if module in ("6b", "6c", "6d", "6e") else "branch3x3dbl"
        )
    return "branch" + (path.replace("7x7", "7x7x3") if module == "7a" else path)


def translate(rules, name):
    """The foreign name of layer `name`, or None where no rule matches."""
    for pattern, foreign in rules:
        match = re.fullmatch(pattern, name)
        if match:
            return foreign(match)
    return None


def families(library):
    """The families that `library`, "torchvision" or "keras.applications", has a counterpart of."""
    if library == "torchvision":
        return ("alexnet", "vgg", *TORCHVISION)
    return ("vgg", "inception", *APPLICATIONS)


def torchvision_names(model, family):
    """`{layer: module}` of every layer with weights; None for the layers that torchvision has no name for."""
    if family in ("vgg", "alexnet"):
        return _numbered(model, first_dense=1 if family == "alexnet" else 0)
    return {layer.name: translate(TORCHVISION[family], layer.name) for layer in weighted(model)}


def applications_names(model, family, applications_model):
    """The same for a model of `keras.applications`."""
    if family == "vgg":
        theirs = [layer.name for layer in weighted(applications_model)]
        return {ours.name: name for ours, name in zip(weighted(model), theirs, strict=False)}
    if family == "inception":
        return _in_order_of_making(applications_model)
    return {layer.name: translate(APPLICATIONS[family], layer.name) for layer in weighted(model)}


def weighted(model):
    """The layers that hold weights, nested models opened up, in the model's order."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += weighted(layer)
        elif layer.weights and not isinstance(layer, keras.layers.Normalization):
            found.append(layer)
    return found


def _numbered(model, first_dense):
    """Names in a plain chain: torchvision numbers every layer of `features`, and of `classifier` from 0."""
    names, position, dense = {}, 0, first_dense
    in_classifier = False
    kinds = keras.layers
    counted = (kinds.Conv2D, kinds.BatchNormalization, kinds.ReLU, kinds.Activation, kinds.MaxPooling2D)
    for layer in model.layers:
        in_classifier = in_classifier or layer.name.startswith(("dense", "scores"))
        if in_classifier:
            if layer.weights:
                names[layer.name] = f"classifier.{dense}"
                dense = 6 if dense + 3 > 4 else dense + 3  # 0, 3, 6 in VGG; 1, 4, 6 in AlexNet
        elif isinstance(layer, counted):
            if layer.weights:
                names[layer.name] = f"features.{position}"
            position += 1
    return names


def _in_order_of_making(applications_model):
    """Inception v3 in `keras.applications` numbers its layers as they were made: module by module, path by path."""
    ours = [name for name, *convolution in inception_v3.STEM if convolution]
    for module, paths in inception_v3.MODULES.items():
        for link in (link for chain in paths.values() for link in chain):
            ours += [
                f"inception_{module}_{name}" for name, *_ in (link if isinstance(link, list) else [link])
            ]

    def number(name):
        digits = re.search(r"\d+$", name.removeprefix("conv2d"))
        return int(digits[0]) if digits else 0

    theirs = [layer.name for layer in weighted(applications_model)]
    names = {"scores": "predictions"}
    for kind, suffix in (("conv2d", ""), ("batch_normalization", "_bn")):
        made = sorted((name for name in theirs if name.startswith(kind)), key=number)
        names |= {f"{mine}{suffix}": name for mine, name in zip(ours, made, strict=False)}
    return names

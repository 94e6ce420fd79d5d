"""A model's graph, or a part of it, as plain boxes that can be drawn."""

from dataclasses import dataclass

from cnnlib.inspect._graph import graph

# What follows a layer closely is told in the layer's own box.
_ABSORBED = ("BatchNormalization", "LayerNormalization", "Activation", "ReLU", "LeakyReLU", "Dropout")
_WITH_ACTIVATION = ("Conv2D", "DepthwiseConv2D", "Dense")


@dataclass(frozen=True)
class Box:
    """One step of a network: what it does, the shape (without N) of what it gives, and the boxes it takes from."""

    name: str
    label: str
    shape: tuple
    sources: tuple[str, ...]
    weights: int


def diagram(model, part=""):
    """The boxes of a model in the order of computation.

    A padding is told with the layer behind it, and a normalisation or activation with the layer before it, as one
    usually speaks of them.

    Args:
        model: a functional or sequential `keras.Model`.
        part: beginning of the names of the layers wanted, for instance "inception_3a"; default all.

    Returns:
        list of `Box`; the tensors that enter the part come first, as boxes labelled "input".

    Raises:
        ValueError: a model without a graph, or no layer of that name, with the names there are.
    """
    calls = graph(model).calls
    wanted = [call for call in calls if call.name.startswith(part)]
    if not wanted:
        starts = sorted({call.name.rpartition("_")[0] or call.name for call in calls})
        raise ValueError(f"part={part!r} begins no layer's name; there are {', '.join(starts[:40])}")
    consumers = _consumers(calls)
    boxes, box_of = {}, {}  # by name of the first call; by number of a tensor
    waiting = {}  # labels of paddings, by number of their result
    for call in wanted:
        prefix = []
        for source, shape in zip(call.sources, call.input_shapes, strict=True):
            prefix += waiting.get(source, [])
            if source not in box_of:
                entry = Box(f"input {source}", "input", shape[1:], (), 0)
                boxes[entry.name], box_of[source] = entry, entry.name
        above = box_of[call.sources[0]]
        alone = len(call.sources) == 1 and len(consumers[call.sources[0]]) == 1
        kind = type(call.operation).__name__
        if kind.startswith("ZeroPadding"):
            waiting[call.results[0]] = [_label(call.operation)]
            box_of[call.results[0]] = above
        elif alone and kind in _ABSORBED and boxes[above].label != "input":
            old = boxes[above]
            label = f"{old.label}\n{_label(call.operation)}"
            weights = old.weights + call.operation.count_params()
            boxes[above] = Box(old.name, label, call.output_shapes[0][1:], old.sources, weights)
            box_of[call.results[0]] = above
        else:
            sources = tuple(dict.fromkeys(box_of[source] for source in call.sources))
            label = "\n".join([*prefix, _label(call.operation)])
            weights = getattr(call.operation, "count_params", lambda: 0)()
            boxes[call.name] = Box(call.name, label, call.output_shapes[0][1:], sources, weights)
            box_of.update(dict.fromkeys(call.results, call.name))
    return list(boxes.values())


def _consumers(calls):
    consumers = {}
    for call in calls:
        for source in call.sources:
            consumers.setdefault(source, []).append(call.name)
    return consumers


def _label(operation):
    """A few words, as a figure of a paper would have them: "3x3 conv, 64, stride 2"."""
    kind = type(operation).__name__
    size = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
    size = (size, size) if isinstance(size, int) else size
    window = f"{size[0]}x{size[1]} " if size and len(size) == 2 else ""
    stride = getattr(operation, "strides", (1, 1)) or (1, 1)
    step = f", stride {stride[0]}" if isinstance(stride, tuple) and stride[0] > 1 else ""
    groups = getattr(operation, "groups", 1)
    shared = f", {groups} groups" if groups > 1 else ""
    words = {
        "Conv2D": lambda: f"{window}conv, {operation.filters}{shared}{step}",
        "DepthwiseConv2D": lambda: f"{window}depthwise conv{step}",
        "Dense": lambda: f"dense, {operation.units}",
        "MaxPooling2D": lambda: f"{window}max pool{step}",
        "AveragePooling2D": lambda: f"{window}average pool{step}",
        "GlobalAveragePooling2D": lambda: "global average",
        "BatchNormalization": lambda: "batch norm",
        "LayerNormalization": lambda: "layer norm",
        "Concatenate": lambda: "concatenate",
        "Add": lambda: "add",
        "ZeroPadding2D": lambda: "pad",
        "Activation": lambda: operation.activation.__name__,
        "ReLU": lambda: "relu",
    }
    own = getattr(operation, "activation", None) if kind in _WITH_ACTIVATION else None
    after = "" if own is None or own.__name__ == "linear" else f"\n{own.__name__}"
    return words.get(kind, lambda: _split_words(kind))() + after


def _split_words(kind):
    return "".join(f" {c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(kind))

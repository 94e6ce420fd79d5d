"""Receptive fields: which input pixels a unit can see (theory) and which it heeds (gradient)."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from cnnlib.inspect._graph import graph


@dataclass(frozen=True)
class Axis:
    """What the units along one axis see: unit i sees the pixels first + i*jump .. last + i*jump."""

    first: float
    last: float
    jump: float

    @property
    def size(self):
        return math.ceil(self.last - self.first) + 1

    def window(self, kernel, stride=1, padding=0, dilation=1):
        """After a sliding window with `padding` zeros before the first pixel."""
        first = self.first - padding * self.jump
        reach = (kernel - 1) * dilation * self.jump
        return Axis(first, self.last - padding * self.jump + reach, self.jump * stride)

    def spread(self, factor, kernel, padding=0):
        """After a layer that makes `factor` units of one, each from the units its kernel reaches back to."""
        jump = self.jump / factor
        return Axis(self.first + (padding - (kernel - 1)) * jump, self.last + padding * jump, jump)

    def join(self, other):
        """The hull of what two paths see; their units must be equally far apart."""
        return Axis(min(self.first, other.first), max(self.last, other.last), max(self.jump, other.jump))


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that can change one unit, by theory.

    size: (height, width) in pixels; more than the image where padding is counted in.
    jump: (vertical, horizontal) distance in pixels between the fields of neighbouring units.
    start: (top, left) pixel of the field of unit (0, 0); negative where it begins in the padding.
    whole_image: True after a flatten, dense or global pooling layer; jump is then (0, 0), start (0, 0).
    """

    size: tuple[int | None, int | None]
    jump: tuple[float, float]
    start: tuple[float, float]
    whole_image: bool = False

    def __str__(self):
        if self.whole_image:
            return "all"
        height, width = self.size
        return str(height) if height == width else f"{height}x{width}"


def receptive_field(model, layer):
    """The theoretical receptive field of a layer's units: the union over all paths to it.

    Args:
        model: a functional `keras.Model` on images (N, H, W, C).
        layer: a layer of the model or its name ("outer/inner" inside a nested model).

    Returns:
        ReceptiveField, in pixels of the model's input.

    Raises:
        ValueError: no layer of that name.
    """
    name = layer if isinstance(layer, str) else layer.name
    fields = receptive_fields(model)
    if name not in fields:
        raise ValueError(
            f"layer={name!r} is not in the model; expected one of its layers, e.g. {list(fields)[-1]!r}"
        )
    return fields[name]


def receptive_fields(model):
    """`{name: ReceptiveField}` of every layer in the order of computation; the last call of a shared one."""
    model_graph = graph(model)
    return dict(zip((call.name for call in model_graph.calls), fields_of_calls(model_graph), strict=True))


def fields_of_calls(model_graph):
    """The `ReceptiveField` after each call of a graph, in its order."""
    axes = dict.fromkeys(model_graph.inputs, (Axis(0, 0, 1), Axis(0, 0, 1)))
    height, width = (model_graph.input_shapes[0] + (None, None))[1:3]
    whole = ReceptiveField((height, width), (0, 0), (0, 0), whole_image=True)
    fields = []
    for call in model_graph.calls:
        after = _after(call, [axes[source] for source in call.sources])
        axes.update(dict.fromkeys(call.results, after))
        fields.append(whole if after is None else _public(after))
    return fields


def _public(axes):
    triples = ((axis.size, axis.jump, axis.first) for axis in axes)
    return ReceptiveField(*zip(*triples, strict=True))


def _after(call, fields):
    """The axes (height, width) after one call; None stands for the whole image."""
    if any(field is None for field in fields):
        return None
    axes = tuple(fields[0])
    for other in fields[1:]:
        axes = tuple(a.join(b) for a, b in zip(axes, other, strict=True))
    shape_in, shape_out = call.input_shapes[0], call.output_shapes[0]
    if len(shape_in) != 4 or len(shape_out) != 4:
        return None
    operation = call.operation
    if hasattr(operation, "spatial_window"):
        windows = operation.spatial_window(shape_in)
        return tuple(axis.window(*window) for axis, window in zip(axes, windows, strict=True))
    for kinds, step in _STEPS:
        if isinstance(operation, kinds):
            return step(operation, axes, shape_in)
    if type(operation).__name__ == "GetItem":
        return _sliced(call, axes)
    if shape_in[1:3] == shape_out[1:3]:  # activations, normalisation, sums, concatenations, 1x1 dense layers
        return axes
    return None


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _same_padding(sides, kernel, stride, dilation):
    """Zeros that padding="same" puts before the first pixel: all but the odd one go half and half."""
    before = []
    for side, k, s, d in zip(sides, kernel, stride, dilation, strict=True):
        reach = (k - 1) * d + 1
        left_over = reach - s if side is None or side % s == 0 else reach - side % s
        before.append(max(left_over, 0) // 2)
    return tuple(before)


def _slide(axes, shape, kernel, stride, padding, dilation=(1, 1)):
    before = _same_padding(shape[1:3], kernel, stride, dilation) if padding == "same" else (0, 0)
    steps = zip(axes, kernel, stride, before, dilation, strict=True)
    return tuple(axis.window(k, s, p, d) for axis, k, s, p, d in steps)


def _convolve(layer, axes, shape):
    dilation = _pair(layer.dilation_rate)
    return _slide(axes, shape, _pair(layer.kernel_size), _pair(layer.strides), layer.padding, dilation)


def _pool(layer, axes, shape):
    return _slide(axes, shape, _pair(layer.pool_size), _pair(layer.strides), layer.padding)


def _transpose(layer, axes, shape):
    out = []
    for axis, k, s in zip(axes, _pair(layer.kernel_size), _pair(layer.strides), strict=True):
        out.append(axis.spread(s, k, max(k - s, 0) // 2 if layer.padding == "same" else 0))
    return tuple(out)


def _upsample(layer, axes, shape):
    reach = 1 if layer.interpolation == "nearest" else 2
    return tuple(axis.spread(s, reach * s) for axis, s in zip(axes, _pair(layer.size), strict=True))


def _zero_pad(layer, axes, shape):
    return tuple(axis.window(1, 1, before) for axis, (before, _) in zip(axes, layer.padding, strict=True))


def _crop(layer, axes, shape):
    return tuple(axis.window(1, 1, -before) for axis, (before, _) in zip(axes, layer.cropping, strict=True))


def _whole(layer, axes, shape):
    return None


_STEPS = (
    ((layers.Conv2DTranspose,), _transpose),
    ((layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D), _convolve),
    ((layers.MaxPooling2D, layers.AveragePooling2D), _pool),
    ((layers.ZeroPadding2D,), _zero_pad),
    ((layers.Cropping2D,), _crop),
    ((layers.UpSampling2D,), _upsample),
    ((layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Flatten, layers.Reshape), _whole),
)


def _sliced(call, axes):
    """x[:, a::s, b::t, :]: unit i of the result is unit a + i*s of x."""
    key = call.arguments[0][1] if len(call.arguments[0]) > 1 else call.operation.key
    key = key if isinstance(key, tuple) else (key,)
    spatial = (key + (slice(None),) * 3)[1:3]
    if Ellipsis in key or not all(isinstance(k, slice) for k in spatial):
        return None
    return tuple(axis.window(1, k.step or 1, -(k.start or 0)) for axis, k in zip(axes, spatial, strict=True))


def effective_receptive_field(model, layer, images):
    """How strongly each input pixel moves the centre unit of a layer: mean absolute gradient (Luo et al., 2016).

    Args:
        model: a functional `keras.Model` on images (N, H, W, C).
        layer: a layer with an output (N, h, w, c), or its name.
        images: (N, H, W, C), uint8 (scaled by 1/255) or float.

    Returns:
        float32 array (H, W), not negative: the gradient of the centre unit, summed over the layer's channels,
        with respect to the pixels, its magnitude averaged over images and channels.

    Raises:
        ValueError: the layer is unknown or has no spatial sides.
    """
    from cnnlib.inspect._gradients import input_gradient
    from cnnlib.inspect.outputs import as_float

    layer = model.get_layer(layer) if isinstance(layer, str) else layer
    if len(layer.output.shape) != 4:
        raise ValueError(
            f"layer={layer.name!r} gives {layer.output.shape}; expected a map (N, height, width, channels)"
        )
    tapped = keras.Model(model.inputs, layer.output)

    def centre(batch):
        maps = tapped(batch, training=False)
        return keras.ops.sum(maps[:, maps.shape[1] // 2, maps.shape[2] // 2, :])

    gradient = input_gradient(centre, as_float(images))
    return np.abs(gradient).mean(axis=(0, 3)).astype("float32")


__all__ = ["ReceptiveField", "effective_receptive_field", "receptive_field", "receptive_fields"]

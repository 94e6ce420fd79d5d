"""Multiply-adds and bytes of a single layer, from its weights' shapes and its output's shape."""

import math

from keras import layers

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)


def multiply_adds(layer, input_shape, output_shape):
    """Multiply-adds of one call of `layer` for one image; shapes with the batch side first.

    Counted are convolutions (plain, grouped, depthwise, separable, transposed) and dense layers. Bias
    additions, normalisation, pooling and activations are not, as in the papers. A layer may count
    itself with a method `multiply_adds(input_shape, output_shape)`; one that holds other layers is the
    sum of these, on the shapes they were built with.
    """
    if hasattr(layer, "multiply_adds"):
        return int(layer.multiply_adds(input_shape, output_shape))
    if isinstance(layer, _SEPARABLE):
        weights = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
        return weights * positions(layer, output_shape)
    if isinstance(layer, _TRANSPOSED):
        return math.prod(layer.kernel.shape) * positions(layer, input_shape)
    if isinstance(layer, _CONVOLUTIONS + _DEPTHWISE):
        return math.prod(layer.kernel.shape) * positions(layer, output_shape)
    if isinstance(layer, layers.Dense):
        return math.prod(layer.kernel.shape) * math.prod(input_shape[1:-1])
    if isinstance(layer, layers.EinsumDense):
        return _einsum(layer, input_shape, output_shape)
    return sum(_built_cost(part) for part in getattr(layer, "_layers", ()))


def positions(layer, shape):
    """Number of places at which a convolution's kernel is laid down: the product of the spatial sides."""
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return math.prod(shape[2:])
    return math.prod(shape[1:-1])


def activation_bytes(output_shapes, *, bytes_per_value=4):
    """Bytes that the outputs of one layer take for one image, in float32 unless told."""
    return bytes_per_value * sum(math.prod(shape[1:]) for shape in output_shapes)


def _einsum(layer, input_shape, output_shape):
    """Each index of the einsum equation is one loop; the batch's is left out."""
    inputs, rest = layer.equation.split(",")
    weights, outputs = rest.split("->")
    sizes = dict(zip(weights, layer.kernel.shape, strict=True))
    for indices, shape in ((inputs, input_shape), (outputs, output_shape)):
        named = indices.replace("...", "")
        sizes.update(zip(named[::-1], shape[::-1], strict=False))
    spread = input_shape[1 : len(input_shape) - len(inputs.replace("...", ""))] if "..." in inputs else ()
    batch = inputs[0] if not inputs.startswith("...") else None
    return math.prod(size for index, size in sizes.items() if index != batch) * math.prod(spread)


def _built_cost(part):
    shapes = getattr(part, "_build_shapes_dict", None) or {}
    shape = shapes.get("input_shape") or next(iter(shapes.values()), None)
    if shape is None or not part.weights:
        return 0
    return multiply_adds(part, tuple(shape), tuple(part.compute_output_shape(shape)))

"""Multiply-adds and bytes of a single layer, from its weights' shapes and its output's shape."""

import math

from keras import layers

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_COUNTED = (*_CONVOLUTIONS, *_DEPTHWISE, *_TRANSPOSED, *_SEPARABLE, layers.Dense, layers.EinsumDense)


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
        return _einsum(layer, input_shape)
    return sum(_built_cost(part) for part in getattr(layer, "_layers", ()))


def positions(layer, shape):
    """Number of places at which a convolution's kernel is laid down: the product of the spatial sides."""
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return math.prod(shape[2:])
    return math.prod(shape[1:-1])


def activation_bytes(output_shapes):
    """Bytes that the outputs of one layer take for one image in float32."""
    return 4 * sum(math.prod(shape[1:]) for shape in output_shapes)


def _einsum(layer, input_shape):
    """Each index of the einsum equation is one loop; the batch's is left out."""
    inputs, weights = layer.equation.split("->")[0].split(",")
    named = inputs.replace("...", "")
    sizes = dict(zip(named[::-1], input_shape[::-1], strict=False)) | dict(
        zip(weights, layer.kernel.shape, strict=True)
    )
    if named == inputs:
        del sizes[inputs[0]]
        return math.prod(sizes.values())
    return math.prod(sizes.values()) * math.prod(input_shape[1 : len(input_shape) - len(named)])


def _built_cost(part):
    shapes = getattr(part, "_build_shapes_dict", None) or {}
    shape = shapes.get("input_shape")
    if shape is None or not (isinstance(part, _COUNTED) or hasattr(part, "multiply_adds")):
        return sum(_built_cost(inner) for inner in getattr(part, "_layers", ()))
    return multiply_adds(part, tuple(shape), tuple(part.compute_output_shape(shape)))

"""Look into a model: its layer table, receptive fields, maps, landscapes. No network is known here by name."""

from cnnlib.inspect._gradients import input_gradient
from cnnlib.inspect.diagram import Box, diagram
from cnnlib.inspect.field import ReceptiveField, effective_receptive_field, receptive_field, receptive_fields
from cnnlib.inspect.grad_cam import grad_cam
from cnnlib.inspect.invariance import equivariance_error, shift_consistency
from cnnlib.inspect.landscape import curvature, loss_along, random_direction
from cnnlib.inspect.outputs import feature_maps, predict
from cnnlib.inspect.table import LayerTable, layer_table

__all__ = [
    "Box",
    "LayerTable",
    "ReceptiveField",
    "curvature",
    "diagram",
    "effective_receptive_field",
    "equivariance_error",
    "feature_maps",
    "grad_cam",
    "input_gradient",
    "layer_table",
    "loss_along",
    "predict",
    "random_direction",
    "receptive_field",
    "receptive_fields",
    "shift_consistency",
]

"""Look into a model: its layer table, receptive fields, feature maps. No network is known here by name."""

from cnnlib.inspect._gradients import input_gradient
from cnnlib.inspect.diagram import Box, diagram
from cnnlib.inspect.field import ReceptiveField, effective_receptive_field, receptive_field, receptive_fields
from cnnlib.inspect.outputs import feature_maps, predict
from cnnlib.inspect.table import LayerTable, layer_table

__all__ = [
    "Box",
    "LayerTable",
    "ReceptiveField",
    "diagram",
    "effective_receptive_field",
    "feature_maps",
    "input_gradient",
    "layer_table",
    "predict",
    "receptive_field",
    "receptive_fields",
]

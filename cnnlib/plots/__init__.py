"""Every picture of the course: functions of plain data that return a `matplotlib.figure.Figure`.

Figures are made without pyplot. So a cell whose last line is a call shows its picture once, and nothing
is left open. Equal input gives equal PNG bytes.
"""

from cnnlib.plots.architecture import architecture
from cnnlib.plots.bars import accuracy_cost, bars
from cnnlib.plots.curves import learning_curves, lines, stem
from cnnlib.plots.distributions import distributions
from cnnlib.plots.evidence import dots, forest, slope, small_multiples
from cnnlib.plots.explained import decision, normalization, residual_growth
from cnnlib.plots.fields import receptive_field_cone, receptive_field_pyramid
from cnnlib.plots.matrices import confusion_matrix, heatmap
from cnnlib.plots.operations import (
    channel_groups,
    convolution,
    convolution_backward,
    convolution_channels,
    im2col,
    padding_kinds,
    sliding_kernel,
    sliding_pool,
    transposed_convolution,
    window_settings,
)
from cnnlib.plots.optimization import descent_paths, gradient_norms
from cnnlib.plots.pictures import feature_maps, filters, image_grid, worst_mistakes
from cnnlib.plots.style import network_color, use_family_styles

__all__ = [
    "accuracy_cost",
    "architecture",
    "bars",
    "channel_groups",
    "confusion_matrix",
    "convolution",
    "convolution_backward",
    "convolution_channels",
    "decision",
    "descent_paths",
    "distributions",
    "dots",
    "feature_maps",
    "filters",
    "forest",
    "gradient_norms",
    "heatmap",
    "im2col",
    "image_grid",
    "learning_curves",
    "lines",
    "network_color",
    "normalization",
    "padding_kinds",
    "receptive_field_cone",
    "receptive_field_pyramid",
    "residual_growth",
    "sliding_kernel",
    "sliding_pool",
    "slope",
    "small_multiples",
    "stem",
    "transposed_convolution",
    "use_family_styles",
    "window_settings",
    "worst_mistakes",
]

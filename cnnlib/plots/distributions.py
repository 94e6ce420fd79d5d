"""How values spread, layer by layer: activations, gradients, weights."""

import numpy as np

from cnnlib.plots.style import as_array, as_mapping, new_figure, shorten, styled

_BINS = 60


@styled
def distributions(values, *, x_label, title=None, log=False):
    """A histogram for each layer, above each other on one axis, of the values that are not exactly zero.

    The share of exact zeros stands beside the layer's name: drawn, a ReLU's zeros would hide all the rest.

    Args:
        values: `{layer: array of any shape}`, drawn from the top in this order.
        x_label: what is shown, for instance "activation" or "gradient".
        title: one line above, or None.
        log: show log10 of the magnitudes, for values that span decades.

    Raises:
        ValueError: no layer, an empty or non-numeric array, or nothing but zeros.
    """
    layers = {str(k): as_array(f"values[{k!r}]", v).ravel() for k, v in as_mapping("values", values).items()}
    zeros = {name: float(np.mean(array == 0)) for name, array in layers.items()}
    layers = {name: array[array != 0] for name, array in layers.items()}
    if log:
        layers = {name: np.log10(np.abs(array)) for name, array in layers.items()}
    filled = [array for array in layers.values() if array.size]
    if not filled:
        raise ValueError("values holds nothing but zeros; there is nothing to draw.")
    low, high = (float(f([f(array) for array in filled])) for f in (np.min, np.max))
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    figure = new_figure(height=0.42 * len(layers) + 1.1)
    axis = figure.subplots()
    for row, array in enumerate(layers.values()):
        counts, _ = np.histogram(array, edges)
        height = 0.85 * counts / max(1, counts.max())
        # Rows run downwards, so a histogram rises towards smaller y.
        axis.stairs(row - height, edges, baseline=row, fill=True, color="#56B4E9")
        axis.stairs(row - height, edges, baseline=row, color="#0072B2", linewidth=0.8)
    axis.set_yticks(range(len(layers)), [f"{shorten(k, 28)}  {zeros[k]:4.0%} zero" for k in layers])
    axis.set_ylim(len(layers) - 0.85, -1.0)
    axis.set_xlim(low, high)
    axis.set(xlabel=f"log10 |{x_label}|" if log else x_label, ylabel="layer", title=title)
    axis.grid(axis="y", visible=False)
    return figure

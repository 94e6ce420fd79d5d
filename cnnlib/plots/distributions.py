"""How values spread, layer by layer: activations, gradients, weights."""

import numpy as np

from cnnlib.plots.style import as_array, as_mapping, new_figure, shorten, styled

_BINS = 60
_MOST_ROWS = 16  # histograms that can stand above each other; more are drawn as rows of shades
_NAMED_ROWS = 20


@styled
def distributions(values, *, x_label, title=None, log=False):
    """A histogram for each layer, above each other on one axis, of the values that are not exactly zero.

    More than 16 layers are drawn as rows of shades, each layer's densest values darkest, with its median and quartiles.
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
    if len(layers) > _MOST_ROWS:
        return _raster(layers, zeros, edges, f"log10 |{x_label}|" if log else x_label, title)
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


def _raster(layers, zeros, edges, x_label, title):
    """Many histograms as an image, a row each, the median and the quartiles as lines across the rows."""
    counts = np.array([np.histogram(array, edges)[0] for array in layers.values()], float)
    shares = counts / np.maximum(1, counts.max(axis=1, keepdims=True))
    figure = new_figure(height=min(7.5, max(3.8, 0.11 * len(layers) + 1.2)))
    axis = figure.subplots()
    axis.imshow(
        shares,
        aspect="auto",
        cmap="Blues",
        vmin=0,
        vmax=1.15,
        extent=(edges[0], edges[-1], len(layers) - 0.5, -0.5),
    )
    rows = [row for row, array in enumerate(layers.values()) if array.size]
    quartiles = np.array([np.percentile(array, (25, 50, 75)) for array in layers.values() if array.size])
    for column, (style, width) in enumerate((("--", 1.0), ("-", 1.8), ("--", 1.0))):
        axis.plot(quartiles[:, column], rows, color="#C44E00", linestyle=style, linewidth=width)
    step = -(-len(layers) // _NAMED_ROWS)
    names = [f"{shorten(name, 28)}" + (f"  {zeros[name]:.0%} zero" if zeros[name] else "") for name in layers]
    axis.set_yticks(range(0, len(layers), step), names[::step])
    axis.set(xlabel=x_label, ylabel="layer, the first one above")
    axis.set_title(title or "darkest: most frequent in its layer; lines: median and quartiles", fontsize=9.5)
    axis.grid(visible=False)
    return figure

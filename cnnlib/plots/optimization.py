"""Optimization: paths on contours of a loss, and gradients by layer."""

import numpy as np
from matplotlib.ticker import LogFormatterMathtext, LogLocator, MaxNLocator

from cnnlib.plots.evidence import _apart, _dark
from cnnlib.plots.style import (
    as_array,
    as_mapping,
    legend_outside,
    new_figure,
    series_styles,
    shorten,
    styled,
)


@styled
def descent_paths(
    x, y, loss, paths, *, x_label="first weight", y_label="second weight", minimum=None, title=None
):
    """Contours of a loss over two weights, with the path of each optimizer and a marker at each of its steps.

    Args:
        x, y: numbers (M,) and (N,), the grid.
        loss: numbers (N, M) on the grid, above 0 for logarithmic contours; else the contours are even.
        paths: `{optimizer: (steps, 2)}`, the weights after each step, the starting point first.
        x_label, y_label: what the axes show.
        minimum: (x, y) of the best weights, marked by a star.
        title: one line above, or None.

    Raises:
        ValueError: shapes that do not belong together, or no path.
    """
    x, y, loss = (as_array(n, v, dimensions=d) for n, v, d in (("x", x, 1), ("y", y, 1), ("loss", loss, 2)))
    if loss.shape != (len(y), len(x)):
        raise ValueError(f"loss of shape {loss.shape} must have the grid's shape {(len(y), len(x))}.")
    paths = {
        str(k): as_array(f"paths[{k!r}]", v, dimensions=2) for k, v in as_mapping("paths", paths).items()
    }
    for name, path in paths.items():
        if path.shape[1] != 2:
            raise ValueError(f"paths[{name!r}] of shape {path.shape} must have two columns, the weights.")
    figure = new_figure(height=4.4, width=7.2)
    axis = figure.subplots()
    positive = loss.min() > 0
    low, high = (np.percentile(loss, 0.5), loss.max())
    levels = np.geomspace(max(low, high * 1e-6), high, 16) if positive else np.linspace(loss.min(), high, 16)
    axis.contourf(
        x,
        y,
        loss,
        levels=np.unique(np.r_[loss.min(), levels]),
        cmap="Greys",
        alpha=0.35,
        norm="log" if positive else None,
    )
    axis.contour(x, y, loss, levels=levels, colors="#9A9A9A", linewidths=0.6)
    handles = []
    for path, (color, marker, line) in zip(paths.values(), series_styles(paths), strict=True):
        handles += axis.plot(*path.T, color=color, marker=marker, linestyle=line, markersize=4, linewidth=1.5,
                             markeredgecolor="white", markeredgewidth=0.4, zorder=4)  # fmt: skip
    first = next(iter(paths.values()))[0]
    axis.plot(
        *first, "o", color="white", markeredgecolor="#202020", markersize=9, markeredgewidth=1.6, zorder=5
    )
    if minimum is not None:
        axis.plot(*minimum, "*", color="#202020", markersize=13, markeredgecolor="white", zorder=5)
    axis.set(xlabel=x_label, ylabel=y_label, title=title, xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    axis.grid(visible=False)
    legend_outside(figure, handles, list(paths))
    return figure


@styled
def gradient_norms(
    norms, *, y_label="norm of the gradient", x_label="layer, from the input", layer_names=None, title=None
):
    """The size of the gradient in each layer, a line for each network or initialization, named at its end.

    Args:
        norms: `{name: numbers (layers,)}`, from the input to the output; lengths may differ. Zeros are left out.
        y_label, x_label: what the axes show.
        layer_names: names of the layers for the ticks; default numbers from 1.
        title: one line above, or None.

    Raises:
        ValueError: no series, or nothing above 0.
    """
    series = {
        str(k): as_array(f"norms[{k!r}]", v, dimensions=1).astype(float)
        for k, v in as_mapping("norms", norms).items()
    }
    positive = [v[v > 0] for v in series.values()]
    if not any(map(len, positive)):
        raise ValueError("norms holds nothing above 0; there is nothing to draw.")
    figure = new_figure(height=3.6)
    axis = figure.subplots()
    ends = []
    for (name, values), (color, marker, line) in zip(series.items(), series_styles(series), strict=True):
        layers = np.arange(1, len(values) + 1)
        shown = np.where(values > 0, values, np.nan)
        axis.plot(
            layers,
            shown,
            color=color,
            marker=marker,
            linestyle=line,
            markersize=4 if len(values) <= 30 else 2.5,
        )
        last = np.flatnonzero(values > 0)
        if len(last):
            ends.append((name, layers[last[-1]], values[last[-1]], color))
    axis.set_yscale("log")
    low, high = min(v.min() for v in positive if len(v)), max(v.max() for v in positive if len(v))
    axis.set_ylim(low / (high / low) ** 0.06 / 1.1, high * (high / low) ** 0.06 * 1.1)
    axis.yaxis.set_major_locator(LogLocator(numticks=7))
    if high / low > 30:
        axis.yaxis.set_major_formatter(LogFormatterMathtext())
        axis.yaxis.set_minor_formatter("")
    longest = max(map(len, series.values()))
    if layer_names is not None:
        step = -(-longest // 12)
        axis.set_xticks(range(1, longest + 1, step), [shorten(str(n), 12) for n in layer_names][::step])
        if max(len(str(n)) for n in layer_names) * longest / step > 70:
            axis.tick_params(axis="x", rotation=90)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    axis.set(xlabel=x_label, ylabel=y_label, title=title)
    bottom, top = axis.get_ylim()
    places = _apart(np.log([end[2] for end in ends]), 0.2 * np.log(top / bottom) / 2.8)
    axis.set_ylim(min(bottom, np.exp(places.min()) / 1.05), max(top, np.exp(places.max()) * 1.05))
    leader = {"arrowstyle": "-", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    for (name, layer, value, color), place in zip(ends, places, strict=True):
        axis.annotate(shorten(name, 24), (layer, value), xytext=(longest * 1.03, np.exp(place)), textcoords="data",
                      va="center", fontsize=9, color=_dark(color), annotation_clip=False,
                      arrowprops=leader | {"color": color})  # fmt: skip
    return figure

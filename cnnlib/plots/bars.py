"""Comparisons of networks: a value each as bars, and accuracy against cost."""

import numpy as np
from matplotlib.lines import Line2D

from cnnlib.plots.style import (
    GREY,
    as_array,
    as_mapping,
    network_color,
    network_family,
    new_figure,
    series_styles,
    shorten,
    styled,
)


@styled
def bars(values, *, x_label, y_label=None, intervals=None, title=None, x_log=False, number_format="{:.3g}"):
    """Horizontal bars, one for each name, with the number beside it and an optional interval.

    Args:
        values: `{name: number}`, drawn from the top in this order; networks get their colour.
        x_label: what the length shows, with the unit.
        y_label: what the names are; default "network" where one of them is, else "variant".
        intervals: `{name: (low, high)}` around some or all of the values.
        title: one line above, or None.
        x_log: logarithmic lengths; then values must be above 0.
        number_format: how the number beside a bar is written.

    Raises:
        ValueError: no value, a value that is not finite, or an interval that does not hold its value.
    """
    values = {str(name): value for name, value in as_mapping("values", values).items()}
    numbers = as_array("values", list(values.values()), dimensions=1).astype(np.float64)
    if x_log and (numbers <= 0).any():
        raise ValueError("values has values of 0 or below, which x_log=True cannot show.")
    errors = _interval_errors(values, intervals)
    figure = new_figure(height=max(1.6, 0.3 * len(values) + 1.0))
    axis = figure.subplots()
    places = np.arange(len(values))
    axis.barh(places, numbers, color=[_bar_color(name, values) for name in values], height=0.7)
    measured = errors.any(axis=0)
    axis.errorbar(numbers[measured], places[measured], xerr=errors[:, measured], fmt="none", ecolor="#202020",
                  elinewidth=1, capsize=3)  # fmt: skip
    for place, number, low_high in zip(places, numbers, errors.T, strict=True):
        end, side = (number + low_high[1], 1) if number >= 0 else (number - low_high[0], -1)
        axis.annotate(
            number_format.format(number),
            (end, place),
            xytext=(5 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=8.5,
        )
    default = "network" if any(map(network_family, values)) else "variant"
    axis.set_yticks(places, [shorten(name, 32) for name in values])
    axis.set(xlabel=x_label, ylabel=y_label or default, title=title)
    axis.set_xscale("log" if x_log else "linear")
    axis.margins(x=0.14)
    if (numbers < 0).any():
        axis.axvline(0, color="#404040", linewidth=0.8)
    else:
        axis.set_xlim(left=10 ** np.floor(np.log10(numbers.min())) if x_log else 0)
    axis.set_ylim(len(values) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    return figure


def _bar_color(name, values):
    # Where no bar is a network all are alike, for then the colour would say nothing.
    return network_color(name) if any(map(network_family, values)) else "#0072B2"


def _interval_errors(values, intervals):
    """Distances (2, N) from each value down and up to its interval, 0 without one."""
    intervals = {} if intervals is None else {str(name): pair for name, pair in dict(intervals).items()}
    for name in set(intervals) - set(values):
        raise ValueError(f"intervals[{name!r}] belongs to no bar; values has {', '.join(values)}.")
    errors = np.zeros((2, len(values)))
    for i, (name, value) in enumerate(values.items()):
        if name in intervals:
            low, high = as_array(f"intervals[{name!r}]", intervals[name], dimensions=1, least=2)
            if not low <= value <= high:
                raise ValueError(
                    f"intervals[{name!r}]=({low:g}, {high:g}) does not hold its value {value:g}."
                )
            errors[:, i] = value - low, high - value
    return errors


@styled
def accuracy_cost(
    points, *, cost, cost_label, accuracy="accuracy", accuracy_label="test accuracy", name="network"
):
    """Accuracy against a cost on a logarithmic axis, with the front of those that nothing beats in both.

    Args:
        points: a DataFrame or mapping of columns, one row a network; rows where the cost or the accuracy is
            NaN are left out.
        cost: the column of the x axis (above 0), for instance "params" or "macs".
        cost_label, accuracy_label: what the axes show, with the unit.
        accuracy, name: the columns of the y axis and of the names.

    Raises:
        ValueError: a missing column, no complete row, or a cost of 0 or below.
    """
    names, costs, accuracies = _point_columns(points, name, cost, accuracy)
    figure = new_figure(height=max(4.2, 0.2 * len(names) + 0.8))
    axis = figure.subplots()
    front = pareto_front(costs, accuracies)
    axis.step(costs[front], accuracies[front], where="post", color=GREY, linewidth=1, zorder=1)
    handles = []
    styles = series_styles(names)
    for i, (color, marker, _) in enumerate(styles):
        axis.plot(costs[i], accuracies[i], color=color, marker=marker, linestyle="", markersize=7, zorder=2)
        handles.append(Line2D([], [], color=color, marker=marker, linestyle="", markersize=7))
    handles.append(Line2D([], [], color=GREY, linewidth=1))
    labels = [shorten(text, 28) for text in names]
    axis.set(xlabel=cost_label, ylabel=accuracy_label, xscale="log")
    axis.margins(0.08)
    figure.legend(handles, [*labels, "front: none is cheaper and better"], loc="outside right upper")
    return figure


def pareto_front(costs, accuracies):
    """Indices, by rising cost, of the points that no other equals or beats in cost and in accuracy."""
    front, best = [], -np.inf
    for i in np.lexsort((-accuracies, costs)):
        if accuracies[i] > best:
            front.append(i)
            best = accuracies[i]
    return front


def _point_columns(points, name, cost, accuracy):
    columns = {}
    for column in (name, cost, accuracy):
        try:
            columns[column] = list(points[column])
        except (KeyError, TypeError, IndexError):
            raise ValueError(
                f"points has no column {column!r}; it needs {name!r}, {cost!r} and {accuracy!r}."
            ) from None
    try:
        costs, accuracies = (np.array(columns[c], dtype=np.float64) for c in (cost, accuracy))
    except (TypeError, ValueError):
        raise ValueError(f"points[{cost!r}] and points[{accuracy!r}] must be numbers.") from None
    if not len(costs) == len(accuracies) == len(columns[name]):
        raise ValueError("points must have columns of one equal length.")
    complete = np.isfinite(costs) & np.isfinite(accuracies)
    if not complete.any():
        raise ValueError(f"points has no row with both {cost!r} and {accuracy!r}; give at least one.")
    if (costs[complete] <= 0).any():
        raise ValueError(
            f"points[{cost!r}] has values of 0 or below, which the logarithmic axis cannot show."
        )
    names = [str(n) for n, keep in zip(columns[name], complete, strict=True) if keep]
    return names, costs[complete], accuracies[complete]

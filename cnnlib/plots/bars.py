"""Comparisons of networks: a value each as bars, and accuracy against cost."""

import numpy as np

from cnnlib.plots.shapes import text_width
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
    """A value for each name, with the number beside it: bars of amounts, dots of what has intervals or both signs.

    A bar's length is its value, so it begins at zero; a dot's place is, and its axis begins where the values do.

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
    # A measurement with an interval, or a difference, is a place on the axis and no length from zero.
    measured, differences = errors.any(axis=0), bool((numbers < 0).any())
    colors = [_bar_color(name, values) for name in values]
    if measured.any() or differences:
        axis.hlines(places, *(numbers + np.array([[-1], [1]]) * errors), color=colors, linewidth=2.2)
        for place, number, color in zip(places, numbers, colors, strict=True):
            axis.plot(number, place, "o", color=color, markersize=7, markeredgecolor="white", zorder=3)
    else:
        axis.barh(places, numbers, color=colors, height=0.7)
    for place, number, (down, up) in zip(places, numbers, errors.T, strict=True):
        end, side = (number + up, 1) if number >= 0 else (number - down, -1)
        axis.annotate(number_format.format(number), (end, place), xytext=(7 * side, 0), textcoords="offset points",
                      ha="left" if side > 0 else "right", va="center", fontsize=9)  # fmt: skip
    default = "network" if any(map(network_family, values)) else "variant"
    axis.set_yticks(places, [shorten(name, 32) for name in values])
    axis.set(xlabel=x_label, ylabel=y_label or default, title=title)
    axis.set_xscale("log" if x_log else "linear")
    axis.margins(x=0.14)
    if differences:
        axis.axvline(0, color="#404040", linewidth=0.8)
    elif not measured.any():
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
    points,
    *,
    cost,
    cost_label,
    accuracy="accuracy",
    accuracy_label="test accuracy",
    name="network",
    intervals=None,
):
    """Accuracy against a cost on a logarithmic axis, each point with its name, and the front of what nothing beats.

    Args:
        points: a DataFrame or mapping of columns, one row a network; rows where the cost or the accuracy is
            NaN are left out.
        cost: the column of the x axis (above 0), for instance "params" or "macs".
        cost_label, accuracy_label: what the axes show, with the unit.
        accuracy, name: the columns of the y axis and of the names.
        intervals: `{name: (low, high)}` of the accuracy of some or all networks.

    Raises:
        ValueError: a missing column, no complete row, or a cost of 0 or below.
    """
    names, costs, accuracies = _point_columns(points, name, cost, accuracy)
    intervals = {} if intervals is None else {str(key): pair for key, pair in dict(intervals).items()}
    figure = new_figure(height=max(4.4, 0.17 * len(names) + 3.0))
    axis = figure.subplots()
    front = pareto_front(costs, accuracies)
    axis.step(costs[front], accuracies[front], where="post", color=GREY, linewidth=1.2, zorder=1)
    for i, (color, marker, _) in enumerate(series_styles(names)):
        low, high = intervals.get(names[i], (accuracies[i], accuracies[i]))
        axis.plot([costs[i]] * 2, [low, high], color=color, linewidth=1.6, zorder=2)
        axis.plot(costs[i], accuracies[i], color=color, marker=marker, linestyle="", markersize=7, zorder=3,
                  markeredgecolor="#202020" if i in front else "white")  # fmt: skip
    axis.set(xlabel=cost_label, ylabel=accuracy_label, xscale="log")
    axis.set_title(
        "grey line: the front of those that none equals at a lower cost",
        fontsize=9,
        color="#5A5A5A",
        loc="left",
    )
    axis.margins(x=0.12, y=0.1)
    spans = [intervals.get(name, (value, value)) for name, value in zip(names, accuracies, strict=True)]
    _name_points(figure, axis, [shorten(text, 28) for text in names], costs, accuracies, spans)
    return figure


def _name_points(figure, axis, names, x, y, spans):
    """A name beside each point, at the free place nearest to it; a thin line leads to one that is further away."""
    figure.draw_without_rendering()  # the layout decides where points lie
    box = axis.get_window_extent()
    scale = figure.dpi / 72
    points = axis.transData.transform(np.column_stack([x, y]))
    taken = [(px - 5 * scale, py - 5 * scale, px + 5 * scale, py + 5 * scale) for px, py in points]
    for px, span in zip(x, spans, strict=True):
        (left, low), (_, high) = axis.transData.transform([(px, value) for value in span])
        taken.append((left - 2 * scale, low, left + 2 * scale, high))
    for i in np.argsort(points[:, 1], kind="stable"):
        px, py = points[i]
        width, height = (text_width(names[i]) * 72 + 2) * scale, 11.5 * scale
        best = None
        for distance in (7, 12, 18, 26, 36, 48, 62, 80, 100, 125, 150):
            for angle in (0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 90, -90):
                dx, dy = (
                    distance * scale * np.cos(np.radians(angle)),
                    distance * scale * np.sin(np.radians(angle)),
                )
                left = px + dx - (width if abs(angle) > 90 else width / 2 if abs(angle) == 90 else 0)
                place = (left, py + dy - height / 2, left + width, py + dy + height / 2)
                inside = (
                    place[0] > box.x0 + 2
                    and place[2] < box.x1 - 2
                    and place[1] > box.y0 + 2
                    and place[3] < box.y1 - 2
                )
                if inside and not any(
                    _overlap(place, other) for k, other in enumerate(taken) if k != i or distance < 7
                ):
                    best = (place, dx, dy, angle)
                    break
            if best:
                break
        if best is None:  # nowhere: above the point, whatever is there
            best = ((px, py, px + width, py + height), 0, 9 * scale, 90)
        place, dx, dy, angle = best
        taken.append(place)
        align = "right" if abs(angle) > 90 else "center" if abs(angle) == 90 else "left"
        far = np.hypot(dx, dy) > 15 * scale
        name = axis.annotate(
            names[i],
            (x[i], y[i]),
            xytext=(dx / scale, dy / scale),
            textcoords="offset points",
            fontsize=9,
            ha=align,
            va="center",
            arrowprops=_LEADER if far else None,
            zorder=4,
            bbox=_PAPER,
        )
        name.set_in_layout(False)  # or the layout would make room, and move the points


_LEADER = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}


def _overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


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

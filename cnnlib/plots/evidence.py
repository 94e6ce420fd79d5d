"""Evidence: trials as points with their interval, values before and after, many small panels."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cnnlib.plots.style import GREY, as_array, as_mapping, new_figure, series_styles, shorten, styled

_INK, _RECORDED, _HERE = "#202020", "#0072B2", "#C44E00"
_OPEN = {"markerfacecolor": "white", "markersize": 5, "markeredgewidth": 1.3}
_MOST_PANELS = 36


@styled
def forest(differences, *, x_label, intervals=None, here=None, margin=None, paper=None, title=None):
    """Paired differences of trials, a row each claim: points, mean, interval, and a line at no difference.

    Args:
        differences: `{claim: numbers}`, the recorded differences, one a trial.
        x_label: what is different, with the unit.
        intervals: `{claim: (low, high)}` of the mean; default the 95% interval of Student's t where there are at least
            three trials.
        here: `{claim: numbers}`, differences of this run, drawn as open diamonds above the recorded ones.
        margin: differences of less magnitude do not matter; shaded.
        paper: `{claim: number}`, what the paper found, drawn as a cross.
        title: one line above, or None.

    Raises:
        ValueError: no claim, no trial, or a claim in the other arguments that has no row.
    """
    rows = {str(k): as_array(f"differences[{k!r}]", v, dimensions=1).astype(float)
            for k, v in as_mapping("differences", differences).items()}  # fmt: skip
    intervals, here, paper = map(_by_name, (intervals, here, paper))
    for argument, given in (("intervals", intervals), ("here", here), ("paper", paper)):
        for name in given:
            if name not in rows:
                raise ValueError(
                    f"{argument}[{name!r}] belongs to no row; differences has {', '.join(rows)}."
                )
    figure = new_figure(height=0.52 * len(rows) + 1.35)
    axis = figure.subplots()
    if margin is not None:
        axis.axvspan(-margin, margin, color="#EAEAEA", zorder=0, linewidth=0)
    axis.axvline(0, color=_INK, linewidth=1)
    texts = []
    for row, (name, values) in enumerate(rows.items()):
        spread = np.linspace(-0.09, 0.09, len(values)) if len(values) > 1 else [0.0]
        axis.plot(
            values,
            row + np.array(spread),
            "o",
            color=_RECORDED,
            markersize=4.5,
            alpha=0.55,
            markeredgewidth=0,
            zorder=3,
        )
        low, high = intervals.get(name, _student(values) if len(values) > 2 else (None, None))
        mean = values.mean()
        if low is not None:
            axis.plot([low, high], [row + 0.24] * 2, color=_INK, linewidth=2, solid_capstyle="butt", zorder=4)
            digits = int(np.clip(1 - np.floor(np.log10(high - low)), 0, 6)) if high > low else 3
            texts.append(f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]")
        else:
            texts.append(f"{mean:+.3g}, {len(values)} trial{'s' * (len(values) > 1)}")
        axis.plot(mean, row + 0.24, "s", color=_INK, markersize=5.5, zorder=5)
        if name in here:
            axis.plot(here[name], [row - 0.25] * len(here[name]), "D", color=_HERE, **_OPEN, zorder=5)
        if name in paper:
            axis.plot(paper[name], row, "x", color="#7A3E86", markersize=8, markeredgewidth=2, zorder=6)
    axis.set_yticks(range(len(rows)), [shorten(name, 34) for name in rows])
    axis.set_ylim(len(rows) - 0.45, -0.55)
    axis.margins(x=0.06)
    axis.set(xlabel=x_label, ylabel="claim", title=title)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    right = axis.secondary_yaxis("right")
    right.set_yticks(range(len(rows)), [text.replace("-", "−") for text in texts])
    right.tick_params(axis="y", length=0)
    right.spines[:].set_visible(False)
    handles = [Line2D([], [], marker="o", linestyle="", color=_RECORDED, alpha=0.55),
               Line2D([], [], marker="s", color=_INK, linewidth=2)]  # fmt: skip
    labels = ["recorded trials", "mean, 95% interval"]
    for used, handle, label in (
        (here, Line2D([], [], marker="D", linestyle="", color=_HERE, markerfacecolor="white"), "this run"),
        (
            paper,
            Line2D([], [], marker="x", linestyle="", color="#7A3E86", markeredgewidth=2, markersize=7),
            "paper",
        ),
        (margin is not None, Patch(color="#EAEAEA"), "does not matter"),
    ):
        if used:
            handles.append(handle)
            labels.append(label)
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _by_name(values):
    return {} if values is None else {str(key): value for key, value in dict(values).items()}


def _student(values):
    """The 95% interval of the mean of normal values."""
    from scipy.special import stdtrit  # Student's quantiles, without the seconds that scipy.stats takes

    half = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean() + half


@styled
def dots(
    values, *, x_label, y_label="variant", intervals=None, reference=None, title=None, number_format="{:.3g}"
):
    """A value each as a dot on an axis that need not begin at zero, with trials or an interval.

    Args:
        values: `{name: number or numbers}`; several numbers are trials, drawn as small points around their mean.
        x_label: what the place shows, with the unit.
        y_label: what the names are.
        intervals: `{name: (low, high)}` around some or all of the values.
        reference: a number drawn as a dashed line, or `(label, number)`.
        title: one line above, or None.
        number_format: how the number beside a dot is written.

    Raises:
        ValueError: no value, one that is not finite, or an interval that does not hold its value.
    """
    rows = {
        str(k): np.atleast_1d(as_array(f"values[{k!r}]", v)).astype(float)
        for k, v in as_mapping("values", values).items()
    }
    intervals = _by_name(intervals)
    for name in intervals:
        if name not in rows:
            raise ValueError(f"intervals[{name!r}] belongs to no value; values has {', '.join(rows)}.")
        low, high = as_array(f"intervals[{name!r}]", intervals[name], dimensions=1, least=2)
        if not low <= rows[name].mean() <= high:
            raise ValueError(
                f"intervals[{name!r}]=({low:g}, {high:g}) does not hold its value {rows[name].mean():g}."
            )
    figure = new_figure(height=max(1.7, 0.32 * len(rows) + 1.0))
    axis = figure.subplots()
    for row, ((name, trials), (color, marker, _)) in enumerate(
        zip(rows.items(), series_styles(rows), strict=True)
    ):
        mean = trials.mean()
        low, high = intervals.get(name, (mean, mean))
        axis.plot([low, high], [row, row], color=color, linewidth=2.2, solid_capstyle="butt", zorder=2)
        if len(trials) > 1:
            axis.plot(
                trials,
                [row] * len(trials),
                "o",
                color=color,
                markersize=4,
                alpha=0.45,
                markeredgewidth=0,
                zorder=3,
            )
        axis.plot(mean, row, marker, color=color, markersize=7, markeredgecolor="white", zorder=4)
        place = (max(high, trials.max()), row)
        axis.annotate(number_format.format(mean), place, xytext=(8, 0), textcoords="offset points", va="center",
                      fontsize=9)  # fmt: skip
    if reference is not None:
        label, place = reference if isinstance(reference, tuple) else (None, reference)
        axis.axvline(place, color=_INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        if label:
            axis.annotate(label, (place, 1), xycoords=("data", "axes fraction"), xytext=(4, 2),
                          textcoords="offset points", fontsize=9, va="bottom")  # fmt: skip
    axis.set_yticks(range(len(rows)), [shorten(name, 34) for name in rows])
    axis.set_ylim(len(rows) - 0.45, -0.55)
    axis.margins(x=0.1)
    axis.set(xlabel=x_label, ylabel=y_label)
    if title:
        axis.set_title(title, pad=16 if reference is not None else 6)
    axis.tick_params(axis="y", length=0)
    return figure


@styled
def slope(before, after, *, labels, y_label, number_format="{:.3g}"):
    """How values change from one condition to another: a line for each name, with its name and numbers at the ends.

    Args:
        before, after: `{name: number}` with the same names.
        labels: what the two conditions are.
        y_label: what the height shows, with the unit.
        number_format: how the numbers at the ends are written.

    Raises:
        ValueError: no name, or names that differ.
    """
    before = {str(k): float(v) for k, v in as_mapping("before", before).items()}
    after = {str(k): float(v) for k, v in as_mapping("after", after).items()}
    if set(before) != set(after):
        raise ValueError(
            f"before and after must have the same names, not {sorted(set(before) ^ set(after))} in one of them."
        )
    figure = new_figure(height=max(3.2, 0.24 * len(before) + 1.2), width=6.4)
    axis = figure.subplots()
    ends = []
    for (name, start), (color, marker, line) in zip(before.items(), series_styles(before), strict=True):
        axis.plot(
            [0, 1],
            [start, after[name]],
            color=color,
            marker=marker,
            linestyle=line,
            markersize=6,
            markeredgecolor="white",
        )
        ends.append((name, start, after[name], color))
    axis.set_xticks([0, 1], labels)
    axis.set_xlim(-0.75, 1.75)
    axis.margins(y=0.1)
    axis.set(ylabel=y_label, xlabel="condition")
    axis.grid(axis="x", visible=False)
    low, high = axis.get_ylim()
    least = 0.17 * (high - low) / (figure.get_size_inches()[1] - 1.0)
    for side, x, align in ((1, -0.05, "right"), (2, 1.05, "left")):
        for (name, *values, color), y in zip(ends, _apart([end[side] for end in ends], least), strict=True):
            number = number_format.format(values[side - 1])
            text = f"{shorten(name, 18)} {number}" if side == 2 else number
            axis.annotate(text, (x, y), ha=align, va="center", fontsize=9, color=_dark(color))
    return figure


@styled
def small_multiples(x, panels, *, x_label, y_label, bands=None, columns=None, y_log=False):
    """The same axes many times, a panel each, so that lines do not lie over each other.

    Args:
        x: numbers (N,) for all panels.
        panels: `{title: numbers (N,)}` or `{title: {series: numbers (N,)}}`, at most 36 panels.
        x_label, y_label: what the axes show, with the unit.
        bands: `{title: (low, high)}`, each (N,): recorded values, shaded.
        columns: panels in a row; default as suits their number.
        y_log: logarithmic y axis.

    Raises:
        ValueError: no or too many panels, or a series of another length.
    """
    x = as_array("x", x, dimensions=1)
    panels = {str(k): v for k, v in as_mapping("panels", panels).items()}
    bands = _by_name(bands)
    if len(panels) > _MOST_PANELS:
        raise ValueError(f"panels has {len(panels)} entries; give at most {_MOST_PANELS}.")
    columns = min(len(panels), columns or (4 if len(panels) > 6 else 3))
    rows = -(-len(panels) // columns)
    figure = new_figure(height=1.45 * rows + 0.75)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    named = [str(name) for series in panels.values() if isinstance(series, dict) for name in series]
    names = list(dict.fromkeys(named))
    styles = dict(zip(names, series_styles(names), strict=True))
    for axis, (title, series) in zip(axes, panels.items(), strict=False):
        lines = {str(k): v for k, v in series.items()} if isinstance(series, dict) else {None: series}
        if title in bands:
            axis.fill_between(x, *bands[title], color="#C9D9E8", linewidth=0, zorder=1)
        for name, y in lines.items():
            y = np.asarray(y, dtype=float)
            if y.shape != x.shape:
                raise ValueError(
                    f"panels[{title!r}] has shape {y.shape}, expected {x.shape}, one value for each x."
                )
            color, marker, line = styles[name] if name else (series_styles([title])[0][0], "o", "-")
            color = "#0072B2" if not name and color == GREY else color
            axis.plot(x, y, color=color, marker=marker, linestyle=line, markersize=3.5)
        axis.set_title(shorten(title, 22), fontsize=9.5)
        axis.set_yscale("log" if y_log else "linear")
        axis.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=np.array_equal(x, x.round())))
        axis.tick_params(labelsize=9)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    figure.supxlabel(x_label, fontsize=9.5)
    figure.supylabel(y_label, fontsize=9.5)
    if named:
        handles = [Line2D([], [], color=c, marker=m, linestyle=s) for c, m, s in styles.values()]
        figure.legend(handles, list(styles), loc="outside upper center", ncols=min(6, len(styles)))
    return figure


def _apart(values, least):
    """Places for labels: as near to the values as can be with `least` between any two, their order kept."""
    order = np.argsort(values, kind="stable")
    places = np.array(values, float)[order]
    for _ in range(200):
        gaps = np.diff(places)
        short = np.flatnonzero(gaps < least - 1e-12)
        if not len(short):
            break
        for k in short:
            push = (least - (places[k + 1] - places[k])) / 2
            places[k] -= max(push, 0)
            places[k + 1] += max(push, 0)
    result = np.empty(len(values))
    result[order] = places
    return result


def _dark(color):
    from cnnlib.plots.shapes import shade

    return shade(color, -0.25)

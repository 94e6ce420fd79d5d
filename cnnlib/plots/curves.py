"""Lines over an axis: learning curves, any measured series, and one-dimensional signals."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from cnnlib.plots.style import as_array, as_mapping, legend_outside, new_figure, series_styles, styled

_CURVE_COLUMNS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
OUTLIER = 10  # times the median loss
_MARKED = 60  # a line of more points shows its samples by its corners only, without a marker at each
_NAMED_TICKS = 9  # so many values on a logarithmic axis are named one by one


@styled
def learning_curves(histories, recorded=None):
    """Loss and accuracy by epoch: training dashed with open markers, validation solid, one color a network.

    The loss axis is logarithmic where one loss is far above the others.

    Args:
        histories: `{name: table}`; a table is a DataFrame, a mapping of columns, or anything whose method
            `.table()` gives one, with the columns train_loss, train_accuracy, validation_loss and
            validation_accuracy, one row an epoch. NaN marks what was not measured.
        recorded: `{name: [tables]}` of recorded trials, tables as above: the validation columns are drawn as a band
            from the least to the largest, with their mean, behind the curve of that name.

    Returns:
        Figure with two axes, loss and accuracy.

    Raises:
        ValueError: no history, a missing column, no epoch, columns of unequal length, or recorded trials of a name
            that has no history.
    """
    histories = as_mapping("histories", histories)
    tables = {str(name): _curve_columns(name, history) for name, history in histories.items()}
    recorded = {} if recorded is None else {str(name): trials for name, trials in dict(recorded).items()}
    for name in set(recorded) - set(tables):
        raise ValueError(f"recorded[{name!r}] belongs to no curve; histories has {', '.join(tables)}.")
    bands = {name: [_curve_columns(name, trial) for trial in trials] for name, trials in recorded.items()}
    every = [*tables.values(), *(columns for trials in bands.values() for columns in trials)]
    longest = max(len(columns["train_loss"]) for columns in every)
    figure = new_figure(height=max(3.2, 0.19 * len(tables) + 1.2))
    axes = figure.subplots(1, 2)
    styles = series_styles(tables)
    for (color, marker, _), (name, columns) in zip(styles, tables.items(), strict=True):
        epochs = np.arange(1, len(columns["train_loss"]) + 1)
        shape = {"color": color, "marker": _marker(marker, longest)}
        for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
            train, validation = columns[f"train_{quantity}"], columns[f"validation_{quantity}"]
            axis.plot(epochs, train, "--", markerfacecolor="white", alpha=0.7, **shape)
            axis.plot(epochs, validation, "-", **shape)
            if name in bands:
                _draw_band(axis, [trial[f"validation_{quantity}"] for trial in bands[name]], color)
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        axis.set(xlabel="epoch", ylabel=quantity)
        if quantity == "loss" and _has_outlier(every):
            axis.set_yscale("log")
            axis.set_ylabel("loss (logarithmic)")
        else:
            # A number of ticks that hangs on the height would change after the layout has made room for the labels.
            axis.locator_params(axis="y", nbins=7)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axis.set_xlim(*((0.5, 1.5) if longest == 1 else (1 - 0.03 * longest, longest * 1.03)))
    handles = [Line2D([], [], color=color, marker=marker) for color, marker, _ in styles]
    kinds = [Line2D([], [], color="#404040", linestyle=line) for line in ("--", "-")]
    labels = [*tables, "training", "validation"]
    if bands:
        kinds.append(Patch(color="#404040", alpha=0.2, linewidth=0))
        labels.append("recorded trials")
    legend_outside(figure, handles + kinds, labels)
    return figure


def _marker(marker, samples):
    """The marker of a line with so many samples: each has one, or none has, but never some."""
    return marker if samples <= _MARKED else ""


def _draw_band(axis, trials, color):
    """From the least to the largest of recorded trials, as far as two or more of them ran, with their mean."""
    length = max(map(len, trials))
    values = np.full((len(trials), length), np.nan)
    for row, trial in zip(values, trials, strict=True):
        row[: len(trial)] = trial
    measured = np.isfinite(values).any(axis=0)
    epochs, values = np.arange(1, length + 1)[measured], values[:, measured]
    axis.fill_between(
        epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=color, alpha=0.2, linewidth=0
    )
    axis.plot(epochs, np.nanmean(values, axis=0), color=color, linewidth=0.8, zorder=1)


def _has_outlier(tables):
    """Whether one loss, of a first epoch that nearly diverged say, would press all others to the bottom of the axis."""
    losses = np.concatenate(
        [columns[name] for columns in tables for name in ("train_loss", "validation_loss")]
    )
    losses = losses[np.isfinite(losses)]
    return len(losses) > 0 and losses.min() > 0 and losses.max() > OUTLIER * np.median(losses)


def _curve_columns(name, history):
    table = history.table() if callable(getattr(history, "table", None)) else history
    columns = {}
    for column in _CURVE_COLUMNS:
        try:
            columns[column] = np.asarray(table[column], dtype=np.float64)
        except (KeyError, TypeError, ValueError, IndexError):
            raise ValueError(
                f"histories[{name!r}] has no column {column!r} of numbers; "
                f"it needs {', '.join(_CURVE_COLUMNS)}."
            ) from None
    lengths = {values.shape for values in columns.values()}
    if len(lengths) != 1 or next(iter(lengths)) == (0,) or len(next(iter(lengths))) != 1:
        raise ValueError(f"histories[{name!r}] must have columns of one equal length, at least one epoch.")
    return columns


@styled
def lines(x, series, *, x_label, y_label, title=None, x_log=False, y_log=False, bands=None, chance=None):
    """One line for each entry of `series` over a common x.

    Args:
        x: numbers (N,).
        series: `{name: numbers (N,)}`; networks get their colour of the course. NaN leaves a gap.
        x_label, y_label: what the axes show, with the unit.
        title: one line above, or None.
        x_log, y_log: logarithmic axes.
        bands: `{name: (low, high)}`, each (N,), shaded around the line of that name.
        chance: a y value drawn as a dotted reference, for instance 0.1 with ten classes.

    Raises:
        ValueError: a series of another length, an empty or non-numeric one, an unknown name in `bands`, or
            values that a logarithmic axis cannot show.
    """
    x = as_array("x", x, dimensions=1)
    series = {str(name): _series(name, y, x) for name, y in as_mapping("series", series).items()}
    bands = {} if bands is None else {str(name): band for name, band in dict(bands).items()}
    for name in set(bands) - set(series):
        raise ValueError(f"bands[{name!r}] belongs to no line; series has {', '.join(series)}.")
    if x_log and (x <= 0).any():
        raise ValueError("x has values of 0 or below, which x_log=True cannot show.")
    if y_log and any((y[np.isfinite(y)] <= 0).any() for y in series.values()):
        raise ValueError("series has values of 0 or below, which y_log=True cannot show.")
    figure = new_figure(height=max(3.4, 0.19 * len(series) + 0.8))
    axis = figure.subplots()
    handles = []
    for (name, y), (color, marker, line) in zip(series.items(), series_styles(series), strict=True):
        handles += axis.plot(x, y, color=color, marker=_marker(marker, len(x)), linestyle=line)
        if name in bands:
            low, high = (_series(f"{name} band", edge, x) for edge in bands[name])
            axis.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    axis.set(xlabel=x_label, ylabel=y_label, title=title)
    axis.set_xscale("log" if x_log else "linear")
    if x_log and len(x) <= _NAMED_TICKS:  # a few chosen values: name these instead of powers of ten
        axis.set_xticks(x, [f"{value:g}" for value in x])
        axis.xaxis.set_minor_locator(NullLocator())
    axis.set_yscale("log" if y_log else "linear")
    if not x_log and np.array_equal(x, x.round()):
        axis.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    if chance is not None:
        axis.axhline(chance, color="#404040", linestyle=(0, (1, 3)), linewidth=1)
        # Beside the axis, where no line runs.
        axis.annotate("chance", (1, chance), xycoords=("axes fraction", "data"), xytext=(4, 0), fontsize=9,
                      textcoords="offset points", ha="left", va="center")  # fmt: skip
    if len(series) > 1:
        legend_outside(figure, handles, list(series))
    return figure


def _series(name, y, x):
    try:
        y = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"series[{name!r}] must be numbers, not {type(y).__name__}.") from None
    if y.shape != x.shape:
        raise ValueError(f"series[{name!r}] has shape {y.shape}, expected {x.shape}, one value for each x.")
    return y


@styled
def stem(signals, *, x_label="sample", y_label="value"):
    """Short discrete signals above each other on one time axis, as stems: for convolution in one dimension.

    Args:
        signals: `{title: numbers (N,)}`; the first sample is at 0. A value may also be `(start, numbers)`.
        x_label, y_label: what the axes show.

    Raises:
        ValueError: no signal, an empty one, or values that are not numbers.
    """
    rows = {}
    for name, value in as_mapping("signals", signals).items():
        start, samples = value if isinstance(value, tuple) and len(value) == 2 else (0, value)
        rows[str(name)] = (start, as_array(f"signals[{name!r}]", samples, dimensions=1))
    figure = new_figure(height=1.35 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, (start, samples)), (color, _, _) in zip(
        axes, rows.items(), series_styles(rows), strict=True
    ):
        container = axis.stem(np.arange(len(samples)) + start, samples, basefmt=" ")
        container.stemlines.set_color(color)
        container.markerline.set_color(color)
        axis.axhline(0, color="#404040", linewidth=0.8)
        axis.set(title=name, ylabel=y_label)
        axis.margins(y=0.15)
        axis.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=np.array_equal(samples, np.round(samples))))
        axis.xaxis.set_major_locator(MaxNLocator(nbins=16, integer=True))
    axes[-1].set_xlabel(x_label)
    return figure

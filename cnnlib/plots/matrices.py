"""Matrices as pictures: confusion between classes, and any table of numbers."""

import numpy as np

from cnnlib.plots.fonts import width_of
from cnnlib.plots.style import WIDTH, as_array, as_names, literal, new_figure, shorten, styled

_MAX_CELLS_WITH_NUMBERS = 16  # columns; beyond it numbers no longer fit into a cell


@styled
def confusion_matrix(labels, predictions, class_names, *, normalize=True):
    """How often each true class (row) is taken for each class (column).

    Args:
        labels, predictions: integers (N,), from 0 to len(class_names) - 1.
        class_names: one name a class.
        normalize: show percent of the row; else counts.

    Raises:
        ValueError: unequal lengths, no examples, or a class out of range.
    """
    labels = as_array("labels", labels, dimensions=1)
    predictions = as_array("predictions", predictions, dimensions=1)
    names = [literal(name) for name in class_names]
    if labels.shape != predictions.shape:
        raise ValueError(
            f"predictions has {len(predictions)} entries, expected {len(labels)}, one for each label."
        )
    for argument, values in (("labels", labels), ("predictions", predictions)):
        if not np.issubdtype(values.dtype, np.integer) or values.min() < 0 or values.max() >= len(names):
            raise ValueError(
                f"{argument} must be integers from 0 to {len(names) - 1}, one of {len(names)} classes."
            )
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (labels, predictions), 1)
    shown, what, text = counts, "images", "{:.0f}"
    if normalize:
        shown = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        what = "% of the true class"
    return _matrix(shown, names, names, "predicted class", "true class", what, text, low=0, zero_text="·")


@styled
def heatmap(
    matrix,
    *,
    x_label,
    y_label,
    value_label,
    row_names=None,
    column_names=None,
    number_format="{:.2f}",
    diverging=None,
):
    """A matrix as colours, with numbers where they fit.

    Args:
        matrix: numbers (rows, columns).
        x_label, y_label, value_label: what columns, rows and colours show, with the unit.
        row_names, column_names: a name each; default their indices, from 0.
        number_format: how a cell's number is written, or None for no numbers.
        diverging: colours around a white 0; default where the matrix has values of both signs.

    Raises:
        ValueError: not a matrix of finite numbers, or names of another length.
    """
    matrix = as_array("matrix", matrix, dimensions=2)
    rows, columns = matrix.shape
    row_names = None if row_names is None else as_names("row_names", row_names, rows)
    column_names = None if column_names is None else as_names("column_names", column_names, columns)
    if diverging is None:
        diverging = matrix.min() < 0 < matrix.max()
    return _matrix(
        matrix, row_names, column_names, x_label, y_label, value_label, number_format, diverging=diverging
    )


def _matrix(matrix, row_names, column_names, x_label, y_label, value_label, number_format,
            *, low=None, diverging=False, zero_text=None):  # fmt: skip
    rows, columns = matrix.shape
    # Cells of a compact matrix are squares; those of a long one must fill the width to be seen.
    aspect = "equal" if max(rows, columns) <= 3 * min(rows, columns) else "auto"
    cell = min(0.42, 5.5 / max(rows, columns))
    width = WIDTH if aspect == "auto" else min(WIDTH, max(cell * columns, 1.5) + 2.6)
    height = float(np.clip(cell * rows + 1.5, 2.6, WIDTH))
    figure = new_figure(height, width, layout="compressed")
    axis = figure.subplots()
    limit = np.abs(matrix).max() or 1
    scale = (
        {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if diverging else {"cmap": "cividis", "vmin": low}
    )
    picture = axis.imshow(matrix, aspect=aspect, **scale)
    figure.colorbar(picture, ax=axis, label=value_label)
    axis.set(xlabel=x_label, ylabel=y_label)
    axis.grid(visible=False)
    if column_names is not None:
        _name_ticks(
            axis.xaxis, column_names, most=30, rotated=max(map(width_of, column_names)) * columns > 50
        )
    if row_names is not None:
        _name_ticks(axis.yaxis, row_names, most=30)
    if number_format is not None and columns <= _MAX_CELLS_WITH_NUMBERS and rows <= _MAX_CELLS_WITH_NUMBERS:
        for (i, j), value in np.ndenumerate(matrix):
            red, green, blue, _ = picture.cmap(picture.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            text = zero_text if zero_text and value == 0 else number_format.format(value)
            axis.text(j, i, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
    return figure


def _name_ticks(axis, names, *, most, rotated=False):
    """A tick for each name, or for every k-th where there are more than fit."""
    step = -(-len(names) // most)
    axis.set_ticks(range(0, len(names), step), [shorten(name, 24) for name in names[::step]])
    if rotated:
        axis.set_tick_params(rotation=90)

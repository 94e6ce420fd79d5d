"""What figures are put together from: a canvas in inches, cuboids, arrows, grids of numbers, measured text."""

import functools

import matplotlib
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyArrowPatch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from cnnlib.plots.style import new_figure

TEXT = 9  # points: no text of a figure is smaller at notebook width
LINE = 0.16  # inches from one line of such text to the next
INK, SOFT, EDGE = "#202020", "#5A5A5A", "#555555"
ACCENT = "#C44E00"  # what a figure is about: the window, the shortcut
SLANT = (0.36, 0.27)  # right and up, for each inch into depth


def canvas(width, height):
    """A figure and its one axes, whose coordinates are inches from the top left corner."""
    figure = new_figure(height, width=width, layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


@functools.lru_cache(maxsize=4096)
def _line_width(text, size, weight):
    properties = FontProperties(family=matplotlib.rcParams["font.family"], size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, properties, ismath=False)[0] / 72


def text_width(text, size=TEXT, weight="normal"):
    """Inches that the widest line of `text` takes; a little more than it needs."""
    return 1.04 * max(_line_width(line, size, weight) for line in text.split("\n")) + 0.02


def write(axes, x, y, text, *, size=TEXT, **options):
    """Text whose middle is at (x, y)."""
    options = {"ha": "center", "va": "center", "color": INK, "linespacing": 1.2} | options
    return axes.text(x, y, text, fontsize=size, **options)


def lines(axes, x, y, texts):
    """Lines of text under each other, the first one's top at y, the last one softer."""
    for i, text in enumerate(texts):
        write(axes, x, y + (i + 0.75) * LINE, text, va="baseline", color=SOFT if i == len(texts) - 1 else INK)


def disc(axes, x, y, radius, symbol, color=ACCENT):
    """A circle with a sign in it, for an operation on two tensors."""
    axes.add_patch(Circle((x, y), radius, facecolor="#FFFFFF", edgecolor=color, linewidth=1.4, zorder=4))
    size = 12 if len(symbol) == 1 else TEXT
    write(axes, x, y, symbol, size=size, color=color, zorder=6, fontweight="bold")


def shade(color, amount):
    """A color mixed with white (amount above 0) or black (below), by a share of 1."""
    target = 1.0 if amount > 0 else 0.0
    return tuple(np.array(to_rgb(color)) * (1 - abs(amount)) + target * abs(amount))


def cuboid(axes, x, y, thickness, height, depth, color, *, cuts=(), dashed=False):
    """A block seen from the front, with its left front edge at x and its front face centred at y.

    `cuts` are shares of the thickness at which a line divides it. Returns how far it reaches to the right.
    """
    right, up = (share * depth for share in SLANT)
    top, low, end = y - height / 2, y + height / 2, x + thickness
    faces = [
        [(x, top), (end, top), (end, low), (x, low)],
        [(x, top), (x + right, top - up), (end + right, top - up), (end, top)],
        [(end, top), (end + right, top - up), (end + right, low - up), (end, low)],
    ]
    colors = [color, shade(color, 0.45), shade(color, -0.18)]
    axes.add_collection(
        PolyCollection(
            faces if depth else faces[:1],
            facecolors=colors,
            edgecolors=EDGE,
            linewidths=0.7,
            linestyles=(0, (2, 2)) if dashed else "solid",
            zorder=3,
        ),
        autolim=False,
    )
    for share in cuts:
        at = x + share * thickness
        axes.plot([at, at, at + right], [low, top, top - up], color=EDGE, linewidth=0.7, zorder=4)
    return end + right


def arrow(axes, *points, color=EDGE, width=1.0, head=True, zorder=2, dashed=False):
    """A line through the points, with a head at the last one."""
    path = Path(points)
    axes.add_patch(
        FancyArrowPatch(
            path=path,
            arrowstyle="-|>,head_length=3.2,head_width=1.8" if head else "-",
            mutation_scale=1,
            color=color,
            linewidth=width,
            linestyle=(0, (3, 2)) if dashed else "solid",
            joinstyle="round",
            capstyle="butt",
            zorder=zorder,
        )
    )


def arc(axes, x0, x1, y, height, *, color=ACCENT, width=1.2, head=True, zorder=2, drop=None, dashed=False):
    """A flat-topped bow from (x0, y) to (x1, `drop` or y), `height` inches above the higher end."""
    end = y if drop is None else drop
    top = min(y, end) - height * 4 / 3
    path = Path([(x0, y), (x0, top), (x1, top), (x1, end)], [Path.MOVETO, *[Path.CURVE4] * 3])
    style = "-|>,head_length=3.2,head_width=1.8" if head else "-"
    line = (0, (3, 2)) if dashed else "solid"
    axes.add_patch(FancyArrowPatch(path=path, arrowstyle=style, mutation_scale=1, color=color,
                                   linewidth=width, zorder=zorder, linestyle=line))  # fmt: skip


def bow(axes, x0, x1, y, height, **options):
    """A half ellipse from (x0, y) to (x1, y)."""
    shape = {"edgecolor": INK, "facecolor": "none", "linewidth": 1.0} | options
    path = Path([(x0, y), (x0, y - height * 4 / 3), (x1, y - height * 4 / 3), (x1, y)],
                [Path.MOVETO, *[Path.CURVE4] * 3])  # fmt: skip
    axes.add_patch(PathPatch(path, **shape))


def frame(axes, x, y, width, height, *, color=ACCENT, line=1.8, fill="none", zorder=6, dashed=False):
    """A rectangle, its top left corner at (x, y)."""
    style = (0, (3, 2)) if dashed else "solid"
    axes.add_patch(
        Rectangle(
            (x, y),
            width,
            height,
            edgecolor=color,
            facecolor=fill,
            linewidth=line,
            linestyle=style,
            zorder=zorder,
            joinstyle="miter",
        )
    )


def number(value):
    """A number as short as a cell can hold, with a true minus sign."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return (
        text.replace("-", "−").replace("−0.", "−.").replace("0.", ".", 1)
        if "." in text
        else text.replace("-", "−")
    )


def grid(axes, x, y, values, cell, *, fills=None, colors=None, limits=None, empty=(), texts=True, size=TEXT,
         edge="#9A9A9A"):  # fmt: skip
    """A matrix as cells with their numbers, its top left corner at (x, y).

    Args:
        values: numbers or texts (rows, columns).
        cell: side of a cell in inches.
        fills: a color for each cell (rows, columns) as an array of objects, or None for white.
        colors: a colormap's name: cells are filled by their values between `limits`.
        empty: (row, column) of cells whose number is not there yet.
        texts: write the numbers.
    """
    values = np.asarray(values)
    rows, columns = values.shape
    faces, squares, dark = [], [], np.zeros((rows, columns), bool)
    empty = set(empty)
    if colors is not None:
        low, high = limits if limits is not None else (values.min(), values.max())
        shown = matplotlib.colormaps[colors]((values - low) / ((high - low) or 1))
    for (i, j), _ in np.ndenumerate(values):
        left, top = x + j * cell, y + i * cell
        squares.append([(left, top), (left + cell, top), (left + cell, top + cell), (left, top + cell)])
        face = "#FFFFFF"
        if (i, j) not in empty:
            if colors is not None:
                face = tuple(shown[i, j])
            elif fills is not None and fills[i, j] is not None:
                face = fills[i, j]
        red, green, blue = to_rgb(face)
        dark[i, j] = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        faces.append(face)
    axes.add_collection(
        PolyCollection(squares, facecolors=faces, edgecolors=edge, linewidths=0.6, zorder=3), autolim=False
    )
    if texts:
        for (i, j), value in np.ndenumerate(values):
            if (i, j) not in empty:
                text = value if isinstance(value, str) else number(value)
                write(axes, x + (j + 0.5) * cell, y + (i + 0.5) * cell, text, size=size, zorder=5,
                      color="#FFFFFF" if dark[i, j] else INK)  # fmt: skip


def cells(axes, x, y, cell, rows, columns, **options):
    """A frame around the cells rows[0]..rows[1]-1, columns[0]..columns[1]-1 of a grid at (x, y)."""
    frame(axes, x + columns[0] * cell, y + rows[0] * cell, (columns[1] - columns[0]) * cell,
          (rows[1] - rows[0]) * cell, **options)  # fmt: skip

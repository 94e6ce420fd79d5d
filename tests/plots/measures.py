"""What a reader would find wrong with a figure: texts that overlap, are cut, too small, or crossed by an arrow."""

import itertools

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

SMALLEST = 9  # points at notebook width


def texts_of(figure):
    """[(text, its box in pixels)] of every text that the figure shows, tick labels out of view left out."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (low if axis.get_scale() == "log" else max(abs(low), abs(high)))
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not axes.axison or not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {tick.label1, tick.label2}
        if not axes.axison:
            hidden |= {axes.xaxis.label, axes.yaxis.label, axes.xaxis.offsetText, axes.yaxis.offsetText}
    return [
        (text, Text.get_window_extent(text, renderer))  # of an annotation without its arrow
        for text in figure.findobj(Text)
        if text not in hidden and text.get_visible() and text.get_text().strip()
    ]


def faults(figure):
    """Sentences about the texts of a figure; none is an empty list."""
    found = texts_of(figure)
    width, height = figure.canvas.get_width_height()
    result = [
        f"{text.get_text()!r} leaves the figure"
        for text, box in found
        if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > width + 0.5 or box.y1 > height + 0.5
    ]
    result += [
        f"{text.get_text()!r} has {text.get_fontsize():.1f} points"
        for text, _ in found
        if text.get_fontsize() < SMALLEST - 1e-6
    ]
    for (one, a), (two, b) in itertools.combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > 0.5 and down > 2:  # a box holds room for descenders that touching lines share
            result.append(f"{one.get_text()!r} and {two.get_text()!r} overlap")
    for patch in figure.findobj(FancyArrowPatch):
        if patch._path_original is None or patch._path_original.codes is not None:
            continue  # a curve
        points = patch.get_transform().transform(patch._path_original.vertices)
        for start, end in itertools.pairwise(points):
            line = np.linspace(start, end, 60)
            for text, box in found:
                inside = (line[:, 0] > box.x0 + 1) & (line[:, 0] < box.x1 - 1)
                inside &= (line[:, 1] > box.y0 + 2) & (line[:, 1] < box.y1 - 2)
                if inside.any():
                    result.append(f"an arrow crosses {text.get_text()!r}")
    return result

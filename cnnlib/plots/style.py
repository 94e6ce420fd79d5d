"""One look for all pictures: size, fonts, and colours that colour-blind readers can tell apart."""

import contextlib
import functools
import io
import itertools
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure as _MatplotlibFigure

from cnnlib.plots import fonts

WIDTH = 8.0  # inches: the text column of a notebook at DPI
DPI = 100

# Okabe and Ito's palette (2008) without its yellow, which white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#7F7F7F"  # whatever is no network of the course
LIGHT_GREY = "#D0D0D0"

# One colour and one marker a family in all lessons. Where a family follows from another it has a darker
# shade of its colour, which differs in lightness and so survives colour blindness and grey print.
NETWORK_STYLES = {
    "lenet": ("#000000", "o"),
    "alexnet": ("#E69F00", "o"),
    "zfnet": ("#8A5F00", "s"),
    "vgg": ("#009E73", "o"),
    "nin": ("#A39B00", "D"),
    "googlenet": ("#D55E00", "o"),
    "inception": ("#7A3600", "s"),
    "batchnorm-lenet": ("#595959", "s"),
    "highway": ("#CC79A7", "o"),
    "resnet": ("#0072B2", "o"),
    "plain": ("#56B4E9", "v"),
    "resnext": ("#00436A", "s"),
    "densenet": ("#8B3A6B", "D"),
    "mobilenet": ("#004D38", "s"),
    "convnext": ("#5B4FA8", "D"),
    "capsnet": ("#A05A5A", "v"),
}
_ALIASES = {
    "bn-lenet": "batchnorm-lenet",
    "lenet-bn": "batchnorm-lenet",
    "lenet5-bn": "batchnorm-lenet",
    "capsule": "capsnet",
}

_STYLE = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "image.interpolation": "nearest",
}


class Figure(_MatplotlibFigure):
    """A figure that a notebook shows as one PNG, the same bytes for the same content."""

    def png(self):
        """The picture as PNG bytes."""
        file = io.BytesIO()
        with _look():
            fonts.provide(self)
            # A second run of the layout would start from the first one's result and move things by a hair.
            if self.get_layout_engine() is not None:
                self.draw_without_rendering()
                self.set_layout_engine("none")
            self.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
        return file.getvalue()

    _repr_png_ = png  # IPython's protocol

    def __repr__(self):
        width, height = (self.get_size_inches() * DPI).round().astype(int)
        return f"Figure({width} x {height} pixels)"

    __str__ = __repr__


def new_figure(height, width=WIDTH, layout="constrained"):
    """An empty figure of the course, its parts laid out so that they do not overlap; inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


@contextlib.contextmanager
def _look():
    """Matplotlib's own defaults with the course's on top, whatever the reader's settings are.

    Of these only the fonts are heeded, for characters that the course's own font lacks.
    """
    look = {**_DEFAULTS, **_STYLE, "font.family": fonts.families()}
    with matplotlib.rc_context(look), fonts.quiet():
        yield


_DEFAULTS = {
    key: value
    for key, value in matplotlib.rcParamsDefault.items()
    if not key.startswith(("backend", "webagg", "toolbar", "interactive", "date.epoch"))
}


def styled(function):
    """Run a plotting function in the course's look and leave the reader's settings as they were."""

    @functools.wraps(function)
    def wrapper(*arguments, **options):
        with _look():
            return function(*arguments, **options)

    return wrapper


def network_family(name):
    """The family of NETWORK_STYLES that a network's name speaks of, or None."""
    text = re.sub(r"[\s_]+", "-", str(name).lower())
    for alias, family in _ALIASES.items():
        text = text.replace(alias, family)
    # A name must stand alone: "plain20" and "resnet-v2" do, the "lenet" of "googlenet" does not.
    found = [f for f in NETWORK_STYLES if re.search(rf"(?<![a-z]){f}(?:$|[^a-z]|v\d)", text)]
    return max(found, key=len, default=None)


def network_color(name):
    """The colour ("#rrggbb") of a network or family in the whole course; grey for any other name."""
    family = network_family(name)
    return GREY if family is None else NETWORK_STYLES[family][0]


def series_styles(names):
    """A (colour, marker, line style) for each name, no two alike for up to 20 of them.

    Networks keep their family's colour; a second network of a family gets another line and marker. Other
    names take the palette's colours that no network here uses.
    """
    taken = {network_color(name) for name in names if network_family(name)}
    free = [color for color in PALETTE if color not in taken] or [GREY]
    # Markers for the second and later series of one colour, and line styles that go with them.
    variations = list(
        zip(("o", "s", "D", "v", "^", "P", "X"), ("-", "--", "-.", ":", "-", "--", "-."), strict=True)
    )
    used, others, styles = {}, itertools.cycle(free), []
    for name in names:
        family = network_family(name)
        color, marker = NETWORK_STYLES[family] if family else (next(others), "o")
        count = used[color] = used.get(color, -1) + 1
        if count:
            marker = [m for m, _ in variations if m != marker][(count - 1) % (len(variations) - 1)]
        styles.append((color, marker, variations[count % len(variations)][1]))
    return styles


def as_array(name, values, *, dimensions=None, least=1):
    """`values` as a finite numeric array; a one-sentence ValueError that names the argument otherwise."""
    try:
        array = np.asarray(values)
        numeric = np.issubdtype(array.dtype, np.number) or array.dtype == bool
    except ValueError:
        numeric = False
    if not numeric:
        raise ValueError(f"{name} must be an array of numbers, not {type(values).__name__}.")
    allowed = (dimensions,) if isinstance(dimensions, int) else dimensions
    if allowed and array.ndim not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ValueError(f"{name} of shape {array.shape} must have {wanted} dimensions.")
    if array.size < least:
        raise ValueError(f"{name} of shape {array.shape} is too small; at least {least} value is needed.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite; remove NaN and infinity first.")
    return array


def as_names(name, values, count):
    """`values` as a list of `count` strings."""
    names = [str(value) for value in values]
    if len(names) != count:
        raise ValueError(f"{name} has {len(names)} entries, expected {count}, one for each.")
    return names


def as_mapping(name, values):
    """`values` as a non-empty dict."""
    try:
        mapping = dict(values)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be a mapping from names to values, not {type(values).__name__}."
        ) from None
    if not mapping:
        raise ValueError(f"{name} is empty; give at least one entry.")
    return mapping


def legend_outside(figure, handles, labels):
    """A legend in one row above the axes where it fits, else in a column beside them."""
    if len(labels) <= 6 and sum(fonts.width_of(label) + 6 for label in labels) <= 105:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    else:
        figure.legend(handles, [shorten(label, 28) for label in labels], loc="outside right upper")


def literal(text):
    """`text` so that matplotlib shows it as it stands: a folder's name with dollar signs is no formula."""
    return str(text).replace("$", r"\$")


def shorten(text, limit):
    """`text` with its end cut to `limit` columns, marked by an ellipsis; a Chinese character takes two."""
    if fonts.width_of(text) <= limit:
        return text
    while fonts.width_of(text) > limit - 1:
        text = text[:-1]
    return text + "…"

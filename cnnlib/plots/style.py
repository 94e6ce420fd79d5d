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

# {family: (color, marker)}, filled by `use_family_styles`; figures know no network by name.
_family_styles = {}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
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
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
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


def use_family_styles(styles):
    """From now on draw networks of these families in their color and with their marker.

    `cnnlib.lesson` does so with the rows of `cnnlib.networks`; a name of no family takes the next color of the palette.

    Args:
        styles: `{family: ("#rrggbb", marker)}`, markers as matplotlib has them; they join those already known.
    """
    _family_styles.update({str(name): (color, marker) for name, (color, marker) in dict(styles).items()})


def network_family(name):
    """The family, of those with a style, that a network's name speaks of, or None."""
    text = re.sub(r"[\s_]+", "-", str(name).lower())
    for alias, family in _ALIASES.items():
        text = text.replace(alias, family)
    # A name must stand alone: "plain20" and "resnet-v2" do, the "lenet" of "googlenet" does not.
    found = [f for f in _family_styles if re.search(rf"(?<![a-z]){f}(?:$|[^a-z]|v\d)", text)]
    return max(found, key=len, default=None)


def network_color(name):
    """The colour ("#rrggbb") of a network or family in the whole course; grey for any other name."""
    family = network_family(name)
    return GREY if family is None else _family_styles[family][0]


def series_styles(names):
    """A (color, marker, line style) for each name, no two alike for up to 20 of them, also in grey.

    Networks keep their family's color and marker; a second network of a family gets another line and marker. Other
    names take the palette's colors that no network here uses, each with a marker of its own.
    """
    families = [network_family(name) for name in names]
    colors, markers = ({_family_styles[family][k] for family in families if family} for k in (0, 1))
    others = itertools.cycle([color for color in PALETTE if color not in colors] or [GREY])
    lines, seen, styles = ("-", "--", "-.", ":"), {}, []
    for family in families:
        color, marker = _family_styles[family] if family else (next(others), None)
        count = seen[color] = seen.get(color, -1) + 1
        if marker is None or count:
            marker = next((m for m in _MARKERS if m not in markers), _MARKERS[len(styles) % len(_MARKERS)])
            markers.add(marker)
        nameless = sum(f is None for f in families[: len(styles)])
        styles.append((color, marker, lines[(count if family else nameless) % len(lines)]))
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

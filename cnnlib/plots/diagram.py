"""Networks as boxes and arrows, drawn from their graph."""

from cnnlib.plots.style import GREY, PALETTE, new_figure, styled

_ROW, _COLUMN = 0.34, 1.75  # inches: height of a line of text, least width of a column
_LETTER = 0.06  # inches: mean width of a letter in a box
_BOX = 0.88  # share of a column that a box takes
_FILLS = {"input": "#FFFFFF", "conv": "#DCEBF7", "dense": "#FBE3D4", "pool": "#DDF1E8", "add": "#F5E1EC",
          "concatenate": "#F5E1EC"}  # fmt: skip


@styled
def architecture(boxes):
    """A network or a part of it, from top to bottom; each box says what it does and the shape of what it gives.

    Args:
        boxes: list of objects with `name`, `label`, `shape` and `sources` (names), each after its sources;
            `inspect.diagram(model, part)` makes them.

    Raises:
        ValueError: no boxes, or one whose source is not among those before it.
    """
    if not boxes:
        raise ValueError("boxes is empty; expected at least one, for instance of inspect.diagram(model)")
    levels, columns = _levels(boxes), {}
    for level in range(max(levels.values()) + 1):
        _place([box for box in boxes if levels[box.name] == level], boxes, columns)
    tops, height = _rows(boxes, levels)
    lanes = _side_lanes(boxes, levels, columns)
    left, right = min(columns.values()) - 0.5, max(columns.values()) + 0.5
    right += 0.22 * (max(lanes.values()) + 1) if lanes else 0
    figure = new_figure(height, width=(right - left) * _column_width(boxes), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(height, 0))
    axes.axis("off")
    by_name = {box.name: box for box in boxes}
    edge = max(columns.values()) + 0.5
    for box in boxes:
        for source in box.sources:
            lane = lanes.get((source, box.name))
            side = None if lane is None else edge + 0.22 * lane
            _arrow(
                axes,
                columns[source],
                tops[source] + _height(by_name[source]),
                columns[box.name],
                tops[box.name],
                side,
            )
    for box in boxes:
        _draw(axes, box, columns[box.name], tops[box.name])
    return figure


def _levels(boxes):
    """The longest way to each box, in boxes."""
    levels = {}
    for box in boxes:
        missing = [source for source in box.sources if source not in levels]
        if missing:
            raise ValueError(
                f"box {box.name!r} takes from {missing[0]!r}, which is not among the boxes before it"
            )
        levels[box.name] = 1 + max((levels[source] for source in box.sources), default=-1)
    return levels


def _place(row, boxes, columns):
    """Give the boxes of one level their columns: below what they take from, and side by side."""
    if not row:
        return
    wishes = {}
    for box in row:
        siblings = [
            other.name for other in boxes if box.sources and other.sources == box.sources and other in row
        ]
        shift = siblings.index(box.name) - (len(siblings) - 1) / 2 if siblings else 0
        places = [columns[source] for source in box.sources]
        wishes[box.name] = (sum(places) / len(places) if places else 0) + shift
    order = sorted(row, key=lambda box: wishes[box.name])
    for before, box in zip([None, *order], order, strict=False):
        wish = wishes[box.name]
        columns[box.name] = wish if before is None else max(wish, columns[before.name] + 1)


def _column_width(boxes):
    longest = max(len(line) for box in boxes for line in box.label.split("\n"))
    return max(_COLUMN, (longest * _LETTER + 0.16) / _BOX)


def _height(box):
    return _ROW * (0.55 * (box.label.count("\n") + 2) + 0.35)


def _rows(boxes, levels):
    tops, y = {}, 0.1
    for level in range(max(levels.values()) + 1):
        row = [box for box in boxes if levels[box.name] == level]
        tops.update({box.name: y for box in row})
        y += max(_height(box) for box in row) + 0.3
    return tops, y - 0.2


def _side_lanes(boxes, levels, columns):
    """A lane beside all boxes for each arrow that would run through one; arrows one above the other share a lane."""
    lanes = {}
    for box in boxes:
        for source in box.sources:
            between = [
                other
                for other in boxes
                if levels[source] < levels[other.name] < levels[box.name]
                and abs(columns[other.name] - columns[source]) < _BOX
            ]
            if between:
                taken = {
                    lane
                    for (other, target), lane in lanes.items()
                    if levels[other] < levels[box.name] and levels[source] < levels[target]
                }
                lanes[source, box.name] = next(lane for lane in range(len(boxes)) if lane not in taken)
    return lanes


def _arrow(axes, x0, y0, x1, y1, side):
    style = {"arrowstyle": "-|>", "color": GREY, "lw": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    if side is None:
        bend = y1 - 0.2
        if abs(x0 - x1) > 1e-6 and bend > y0:
            axes.plot([x0, x0], [y0, bend], color=GREY, lw=1.1, solid_capstyle="round", zorder=1)
            y0 = bend
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=style)
        return
    down, up = y0 + 0.08, y1 - 0.14
    axes.plot([x0, x0, side, side, x1], [y0, down, down, up, up], color=PALETTE[1], lw=1.1, zorder=1)
    axes.annotate("", (x1, y1), (x1, up), arrowprops=style | {"color": PALETTE[1]})


def _draw(axes, box, x, y):
    from matplotlib.patches import FancyBboxPatch

    height = _height(box)
    words = box.label.replace(",", " ").split()
    fill = next((color for word, color in _FILLS.items() if word in words), "#F4F4F4")
    axes.add_patch(
        FancyBboxPatch(
            (x - _BOX / 2, y),
            _BOX,
            height,
            boxstyle="round,pad=0,rounding_size=0.05",
            fc=fill,
            ec="#555555",
            lw=0.8,
        )
    )
    shape = " x ".join(str(size) for size in box.shape)
    axes.text(
        x, y + height / 2, f"{box.label}\n{shape}", ha="center", va="center", fontsize=8, linespacing=1.25
    )

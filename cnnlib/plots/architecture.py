"""Networks as blocks whose sides show height, width and channels, drawn from their graph."""

import itertools
import math
from dataclasses import dataclass

from cnnlib.plots import graph, shapes
from cnnlib.plots.shapes import ACCENT, LINE, arrow, cuboid, text_width, write
from cnnlib.plots.style import WIDTH, styled

_COLORS = {"input": "#E4E4E4", "conv": "#8DB9E0", "pool": "#93CDAE", "dense": "#F2B48A", "norm": "#E8DC9A",
           "average": "#93CDAE", "join": "#CDA9D3"}  # fmt: skip
_BLOCKS = ("#6FA3D0", "#E0A35C", "#7DB98C", "#B98CC0", "#C9B458", "#8FA7B5")  # fill of block A, B, ...
_ARC_COLORS = ("#1F1F1F", "#C44E00", "#2E6E9E", "#7A3E86", "#3E7A4A", "#8A6A1A", "#555555")
_OTHER = "#D6D6D6"
_MARGIN, _GAP = 0.12, 0.3  # inches around a figure, and between two blocks
_SLABS, _DOTS = 4, 0.22  # blocks of a repeated layer that are drawn, and inches of the dots for the others
_HIGHEST = 14.0  # inches: two screens; blocks that would need more are named only
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ARCS = 6  # layers of a dense block that are drawn
_SYMBOLS = {"add": "+", "multiply": "×", "subtract": "−", "maximum": "max", "average": "mean"}


@styled
def architecture(boxes):
    """A network or a part of it as blocks, from left to right in lines like text.

    Each block is the tensor that a layer gives: its front is as high as the map and as thick as it has channels, its
    depth is the map's width; all sides grow with the square root. Layers that repeat stand once, with their count.
    A region of several paths is one block in the line, and is drawn below with its paths: shortcuts as arcs, the
    layers of a dense block with an arc from each to all that follow. Channels in groups are drawn as towers.

    Args:
        boxes: list of objects with `name`, `label`, `shape` and `sources` (names), each after its sources;
            `inspect.diagram(model, part)` makes them.

    Raises:
        ValueError: no boxes, or one whose source is not among those before it.
    """
    graph.check(boxes)
    trunk, heads = graph.split(boxes)
    drawing = _Drawing(boxes)
    elements = graph.chain(trunk)
    groups = graph.fold(elements)
    regions = [group for group in groups if group.members[0].region]
    if len(regions) == 1 and all(e.region or e.join.label == "input" for e in elements):
        drawing.inset("", regions[0])
    else:
        drawing.flow(groups)
        for head in heads:
            drawing.head(head)
        drawing.insets()
    drawing.notes()
    return drawing.figure()


@dataclass(frozen=True)
class _Scale:
    """How long the sides of blocks are: `inches` for the largest map, channels and units in proportion to the root."""

    inches: float
    side: int
    channels: int
    units: int

    @classmethod
    def of(cls, boxes, inches):
        maps = [box.shape for box in boxes if len(box.shape) == 3]
        rest = [box.shape for box in boxes if len(box.shape) < 3 and box.shape]
        return cls(
            inches,
            max((max(map(_size, shape[:2])) for shape in maps), default=1),
            max((_size(shape[2]) for shape in maps), default=1),
            max((_size(shape[-1]) for shape in rest), default=1),
        )

    def measure(self, shape):
        """(thickness, height, depth) in inches of a tensor of this shape."""
        if len(shape) == 3:
            height, width, channels = map(_size, shape)
            sides = [max(0.1, self.inches * math.sqrt(value / self.side)) for value in (height, width)]
            return max(0.05, 0.42 * self.inches * math.sqrt(channels / self.channels)), *sides
        if len(shape) == 2:  # a sequence, as a sheet: its length and its channels
            length, channels = map(_size, shape)
            thickness = 0.42 * self.inches * math.sqrt(channels / max(self.channels, channels))
            return (
                max(0.08, thickness),
                max(0.15, self.inches * math.sqrt(min(1, length / self.side**2))),
                0.0,
            )
        units = _size(shape[0]) if shape else 1
        return 0.09, max(0.12, 0.85 * self.inches * math.sqrt(units / self.units)), 0.0


@dataclass
class _Item:
    """What stands in a line, in inches: its width with text, of its block, above and below the middle."""

    group: graph.Group
    width: float
    block: float
    rise: float
    fall: float
    below: list  # lines of text under the block
    lead: float  # above the block, for a count or an arc
    bracket: tuple | None = None  # (first, last, count) of layers that repeat together


class _Drawing:
    """A figure whose height is known only at its end: what to draw is kept, with its place, until then."""

    def __init__(self, boxes):
        self.boxes = boxes
        self.work = []  # functions of (axes)
        self.width, self.y = WIDTH, _MARGIN
        self.motifs, self.letters = {}, {}
        self.tails = {kind: graph.usual_tail(boxes, kind) for kind in ("conv", "dense")}
        self.used_tails = set()
        self.scale = _Scale.of(boxes, 1.15)
        self.towers = graph.towers(boxes)
        self.consumed = {source for box in boxes for source in box.sources}
        # Inches between the middles of two towers: as the largest ones need.
        tall = [self.measure(box, self.scale) for box in boxes if box.name in self.towers]
        self.step = max((h + shapes.SLANT[1] * d + 0.12 for _, h, d in tall), default=0.0)

    def figure(self):
        figure, axes = shapes.canvas(self.width, self.y + 0.05)
        for draw in self.work:
            draw(axes)
        return figure

    # Blocks

    def measure(self, box, scale):
        """(thickness, height, depth) in inches of a box's block, or of each of its towers."""
        t, h, d = scale.measure(box.shape)
        count = self.towers.get(box.name, 1)
        return (t, h, d) if count == 1 else (t / count * 1.3, h * 0.8, d * 0.8)

    def extent(self, box, scale):
        """(width, height, height above the middle) of what `block` draws."""
        t, h, d = self.measure(box, scale)
        right, up = (share * d for share in shapes.SLANT)
        tall = h + (self.towers.get(box.name, 1) - 1) * self.step
        return t + right, tall + up, tall / 2 + up

    def block(self, axes, box, x, y, scale, color=None, cuts=()):
        """Draw a box's tensor with its left edge at x; returns its right edge."""
        end = x
        for middle in self.middles(box, y):
            end = cuboid(axes, x, middle, *self.measure(box, scale), color or _color(box), cuts=cuts)
        return end

    def middles(self, box, y):
        """Where the towers of a box are centred when the box is at y."""
        count = self.towers.get(box.name, 1)
        return [y + (i - (count - 1) / 2) * self.step for i in range(count)]

    def text(self, box):
        """The lines under a block: what the layer does and the shape of what it gives."""
        head, rest, tail = graph.words(box)
        lines = [head, *rest]
        for kind in ("conv", "dense"):
            if kind in head.split():
                usual = self.tails[kind]
                if usual is not None and tail == usual:
                    self.used_tails.add(kind)
                    tail = []
                elif usual is not None and not tail and box.name in self.consumed:
                    tail = [f"no {_named(usual[-1])}"]
        return [*_wrapped([*lines, *_short(tail)], limit=1.15), _shape(box.shape)]

    # The main line

    def flow(self, groups):
        """The main chain in lines of about equal length, from left to right."""
        items = [item for group in groups for item in self.items(group)]
        before = None
        for line in _lines_of(items, self.width - 2 * _MARGIN - 0.25):
            before = self.line(line, before)

    def items(self, group):
        if len(group.members) == 1:
            yield self.item(group)
            return
        for position, element in enumerate(group.members, start=1):
            item = self.item(graph.Group((element,), 1, (element,)))
            item.bracket = (position == 1, position == len(group.members), group.count)
            item.lead = max(item.lead, 0.34)
            yield item

    def item(self, group):
        element, box = group.members[0], group.members[0].join
        width, tall, rise = self.extent(box, self.scale)
        slabs = min(group.count, _SLABS)
        block = width + (slabs - 1) * self.slab(box) + (_DOTS if group.count > _SLABS else 0)
        lead = 0.2 if graph.has_identity(element) else 0.0
        if element.region:
            name = graph.prefix(group.rounds)
            name = (
                name if any(letter.isdigit() for letter in name) else ""
            )  # else it is no part of the model's name
            below = _wrapped([f"block {self.letter(group)}", name], limit=1.2)
            below = [line for line in below if line] + [_shape(group.rounds[-1].join.shape)]
        else:
            below = self.text(box)
        lead += 0.2 if group.count > 1 else 0.0
        label = max(map(text_width, below))
        return _Item(group, max(block, label) + 0.04, block, rise, tall - rise, below, lead)

    def slab(self, box):
        return max(self.measure(box, self.scale)[0], 0.1) + 0.05

    def letter(self, group):
        key = graph.motif(group.members[0])
        if key not in self.letters:
            self.letters[key] = _LETTERS[len(self.letters) % len(_LETTERS)]
            self.motifs[self.letters[key]] = group
        return self.letters[key]

    def line(self, items, before):
        """Draw a line of items; `before` and the return value are the last item and where it ended: (item, x, y)."""
        self.y += 0.24 if before is not None else 0.0
        middle = self.y + max(item.rise + item.lead for item in items)
        words = middle + max(item.fall for item in items) + 0.08
        x = _MARGIN + (0.25 if before is not None else 0.0)
        free = self.width - _MARGIN - 0.1 - x - sum(item.width for item in items)
        gap = min(0.5, free / max(1, len(items) - 1))
        previous, places = None, []
        for item in items:
            left = x + (item.width - item.block) / 2
            self.work.append(
                lambda axes, a=(item, left, middle, words, x + item.width / 2): self.place(axes, *a)
            )
            if previous is not None:
                self.work.append(lambda axes, a=(previous, item, middle, left): self.link(axes, *a))
            elif before is not None:
                self.work.append(
                    lambda axes, a=(before, self.y - 0.14, item, middle, left): self.turn(axes, *a)
                )
            previous = (item, left + item.block, middle)
            places.append((item, left))
            x += item.width + gap
        self.brackets(places, middle)
        self.y = words + max(len(item.below) for item in items) * LINE + 0.06
        return previous

    def place(self, axes, item, left, middle, words, centre):
        """Draw an item: its blocks, its count, and the lines below."""
        element, count = item.group.members[0], item.group.count
        box, top = element.join, middle - item.rise
        thickness, _, depth = self.measure(box, self.scale)
        color = self.color(self.letters[graph.motif(element)]) if element.region else None
        x, slabs = left, min(count, _SLABS)
        for i in range(slabs):
            lift = shapes.SLANT[0] * depth / 2
            if i == slabs - 1 and count > _SLABS:
                write(axes, x + lift + _DOTS / 2 - 0.02, middle, "…", size=11, zorder=6)
                x += _DOTS
            end = self.block(axes, box, x, middle, self.scale, color)
            if graph.has_identity(element):
                shapes.bow(axes, x + lift - 0.05, x + lift + thickness + 0.07, top - 0.01, 0.13, edgecolor=ACCENT,
                           linewidth=1.3, zorder=5)  # fmt: skip
            x += self.slab(box)
        if count > 1:
            write(axes, (left + end) / 2, top - item.lead + 0.09, f"×{count}", size=10, fontweight="bold")
        shapes.lines(axes, centre, words, item.below)

    @staticmethod
    def color(letter):
        return _BLOCKS[_LETTERS.index(letter) % len(_BLOCKS)]

    def link(self, axes, before, item, middle, left):
        """Arrows between two blocks: from each tower to each, unless the layer behind keeps them apart."""
        source, target = before[0].group.rounds[-1].join, item.group.members[0].join
        starts, ends = self.middles(source, middle), self.middles(target, middle)
        apart = len(starts) == len(ends) and graph.keeps_groups(target)
        for i, y0 in enumerate(starts):
            for j, y1 in enumerate(ends):
                if i == j or not apart:
                    arrow(axes, (before[1] + 0.02, y0), (left - 0.02, y1), color="#404040")

    def turn(self, axes, before, lane, item, middle, left):
        """The arrow from the end of a line to the beginning of the next, along `lane` between the two."""
        last, right, y0 = before
        edge, start = self.width - 0.06, 0.08
        grey = "#8A8A8A"
        for y in self.middles(last.group.rounds[-1].join, y0):
            arrow(axes, (right + 0.02, y), (edge, y), head=False, color=grey)
        top = min(self.middles(last.group.rounds[-1].join, y0))
        ends = self.middles(item.group.members[0].join, middle)
        arrow(axes, (edge, top), (edge, lane), (start, lane), (start, max(ends)), head=False, color=grey)
        for y in ends:
            arrow(axes, (start, y), (left - 0.02, y), color=grey)

    def brackets(self, places, middle):
        """A bracket over layers that repeat together, also where it goes on in the next line."""
        start = None
        for k, (item, left) in enumerate(places):
            if item.bracket is None:
                continue
            _, final, count = item.bracket
            start = k if start is None else start
            if final or k == len(places) - 1:
                top = middle - max(i.rise for i, _ in places[start : k + 1]) - 0.09
                span = (places[start][1], left + item.block)
                self.work.append(lambda axes, a=(*span, top, count): self.bracket(axes, *a))
                start = None

    @staticmethod
    def bracket(axes, left, right, y, count):
        arrow(axes, (left, y + 0.06), (left, y), (right, y), (right, y + 0.06), head=False)
        write(axes, (left + right) / 2, y - 0.1, f"×{count}", size=10, fontweight="bold")

    def head(self, boxes):
        """A further output, as a line of its own."""
        names = {box.name for box in boxes}
        origin = next((s for box in boxes for s in box.sources if s not in names), "")
        self.y += 0.12
        self.title(f"further output {boxes[-1].name}, from {origin}")
        self.flow(graph.fold(graph.chain(boxes)))

    def title(self, text):
        y = self.y + 0.09
        self.work.append(lambda axes: write(axes, _MARGIN, y, text, ha="left", size=9.5, fontweight="bold"))
        self.y += 0.24

    def notes(self):
        lines = []
        for kind, word in (("conv", "convolution"), ("dense", "dense layer")):
            if kind in self.used_tails:
                ends = any(
                    b.name not in self.consumed and kind in graph.words(b)[0].split() for b in self.boxes
                )
                follows = ", ".join(map(_named, self.tails[kind]))
                lines.append(f"after each {word}{' but the last' * ends}, where no other is named: {follows}")
        if any(graph.has_identity(group.members[0]) for group in self.motifs.values()):
            lines.append("an arc over a block: its input also goes past it, unchanged")
        lines.append("height × width × channels under each block; its sides grow with the square root")
        self.y += 0.08
        for line in lines:
            self.note(line)
        self.y += 0.03

    # Regions

    def insets(self):
        """All blocks that the line names, as far as two screens hold them."""
        left_out = []
        for letter, group in self.motifs.items():
            before = self.y, len(self.work), self.width
            self.inset(letter, group)
            if self.y > _HIGHEST:
                self.y, count, self.width = before
                del self.work[count:]
                left_out.append(f"{letter} ({graph.prefix(group.members)})")
        if left_out:
            self.y += 0.1
            self.note(f"not drawn here, each a part of its own to draw: block {', '.join(left_out)}")

    def inset(self, letter, group):
        """The paths of block `letter` (or of the only block) below a rule of its color."""
        if letter:
            self.y += 0.16
            y, color = self.y - 0.07, self.color(letter)
            ends = (_MARGIN, self.width - _MARGIN)
            self.work.append(lambda axes: axes.plot(ends, [y, y], color=color, linewidth=2.5))
        dense = graph.is_dense(group.members[0]) and group.count > 1
        name = graph.prefix(group.rounds if dense else group.members)
        title = ": ".join(filter(None, (f"Block {letter}" if letter else "", name)))
        if dense:
            self.dense(title, group)
        else:
            self.region(title, group.members[0])

    def region(self, title, element):
        """The paths between an entry and a join, a row each, in the order in which the join takes them."""
        if title:
            self.title(title)
        rows, column = graph.lanes(element), graph.columns(element)
        entry, join = element.entry, element.join
        scale = _Scale.of(
            (*element.inner, join, *([entry] if entry else [])), 0.45 if len(rows) > 2 else 0.65
        )
        symbol, action = _SYMBOLS.get(graph.words(join)[0]), graph.words(join)[0]
        size = {
            box.name: self.extent(box, scale) for box in (*element.inner, join, *([entry] if entry else []))
        }
        texts = {box.name: self.text(box) for box in element.inner}
        texts[join.name] = [*_wrapped([action, *_short(graph.words(join)[2])], limit=1.1), _shape(join.shape)]
        if symbol:
            size[join.name] = (0.26, 0.26, 0.13)
        if entry:
            texts[entry.name] = ["input", _shape(entry.shape)]
        need = {name: max(size[name][0], *map(text_width, texts[name])) for name in texts}
        # Columns: -1 the entry, then those of the inner boxes, then the join.
        last = max(column.values()) + 1
        column = {**column, join.name: last, **({entry.name: -1} if entry else {})}
        wide = {c: max(need[name] for name in column if column[name] == c) for c in set(column.values())}
        space = self.width - 2 * _MARGIN - 0.25 - sum(wide.values())
        gap = min(0.75, max(0.26, space / (len(wide) - 1)))
        left, x = {}, _MARGIN
        for c in sorted(wide):
            left[c] = x
            x += wide[c] + gap
        self.width = max(self.width, x - gap + 0.25 + _MARGIN)
        # Rows
        y = self.y + (0.3 if graph.has_identity(element) else 0.04)
        above, middles, falls = [], [], []
        passed = _passed_rows(element, rows, column)
        for i, row in enumerate(rows):
            y += 0.16 if i in passed else 0.0
            rise = max(size[box.name][2] for box in row)
            falls.append(max(size[box.name][1] - size[box.name][2] for box in row))
            middles.append(y + rise)
            above.append(y)
            y += rise + falls[-1] + 0.05 + max(len(texts[box.name]) for box in row) * LINE + 0.1
        centre = (middles[0] + middles[-1]) / 2
        place = {}
        for name, c in column.items():
            row = next((i for i, boxes in enumerate(rows) if name in [box.name for box in boxes]), None)
            at = left[c] + (wide[c] - size[name][0]) / 2
            y = centre if row is None else middles[row]
            place[name] = _Place(at, at + size[name][0], y, size[name][2], row, c)
        words = {name: p.y + size[name][1] - size[name][2] + 0.05 if p.row is None else p.y + falls[p.row] + 0.05
                 for name, p in place.items()}  # fmt: skip
        self.y = max(words[name] + len(texts[name]) * LINE for name in place) + 0.08
        routes = _Routes(place, left, wide, gap, above, min(above) - 0.13)

        def draw(axes):
            for box in (*([entry] if entry else []), *element.inner, join):
                p = place[box.name]
                if box is join and symbol:
                    shapes.disc(axes, (p.left + p.right) / 2, p.y, 0.13, symbol)
                else:
                    color = _COLORS["input"] if box is entry else _COLORS["join"] if box is join else None
                    self.block(
                        axes, box, p.left, p.y, scale, color, cuts=self.cuts(box) if box is join else ()
                    )
                shapes.lines(axes, left[p.column] + wide[p.column] / 2, words[box.name], texts[box.name])
                for source in box.sources:
                    if source in place:
                        direct = box is join and entry is not None and source == entry.name
                        points = routes.past(source, box.name) if direct else routes.points(source, box.name)
                        arrow(axes, *points, **({"color": ACCENT, "width": 1.6} if direct else {}))
            end = place[join.name]
            arrow(axes, (end.right + 0.02, end.y), (end.right + 0.2, end.y))

        self.work.append(draw)

    def cuts(self, join):
        """Shares of a concatenation at which one part ends and the next begins."""
        by_name = {box.name: box for box in self.boxes}
        parts = [_size(by_name[source].shape[-1]) for source in join.sources]
        if len(join.shape) != 3 or sum(parts) != _size(join.shape[-1]):
            return ()
        return [sum(parts[:i]) / sum(parts) for i in range(1, len(parts))]

    def dense(self, title, group):
        """A dense block: the input and each layer's new maps, with an arc to every layer behind."""
        element, final = group.members[0], group.rounds[-1].join
        layer, entry = element.inner[-1], element.entry
        self.title(f"{title}, a dense block of {group.count} layers")
        shown = min(group.count, _ARCS)
        numbers = [*range(1, shown), group.count]
        boxes = [entry, *[layer] * shown, final]
        texts = [["input", _shape(entry.shape)], *([f"layer {n}", _shape(layer.shape)] for n in numbers),
                 ["all maps", _shape(final.shape)]]  # fmt: skip
        scale = _Scale.of(boxes, 0.6)
        size = [self.extent(box, scale) for box in boxes]
        wide = [max(s[0], *map(text_width, lines)) for s, lines in zip(size, texts, strict=True)]
        gap = min(0.6, (self.width - 2 * _MARGIN - sum(wide)) / (len(wide) - 1))
        centres = [_MARGIN + sum(wide[:i]) + i * gap + wide[i] / 2 for i in range(len(wide))]
        rise, fall = max(s[2] for s in size), max(s[1] - s[2] for s in size)
        middle = self.y + 0.22 + 0.14 * (len(wide) - 1) + rise
        parts = [_size(entry.shape[-1]), *[_size(layer.shape[-1])] * group.count]
        cuts = [sum(parts[:i]) / sum(parts) for i in range(1, len(parts))] if len(parts) <= 13 else ()
        steps = [word for box in element.inner for word in (graph.words(box)[0], *graph.words(box)[2])]
        steps = ", ".join(_named(word) for word in steps if word != "concatenate")

        def draw(axes):
            spans = []
            for i, box in enumerate(boxes):
                left = centres[i] - size[i][0] / 2
                color = _COLORS["input" if i == 0 else "conv" if i <= shown else "join"]
                right = self.block(axes, box, left, middle, scale, color, cuts=cuts if i > shown else ())
                shapes.lines(axes, centres[i], middle + fall + 0.05, texts[i])
                if i == shown < group.count:
                    write(axes, (spans[-1][1] + left) / 2, middle, "…", size=12)
                elif i:
                    arrow(axes, (spans[-1][1] + 0.02, middle), (left - 0.02, middle))
                spans.append((left, right, middle - size[i][2] - 0.02))
            for i, (left, right, top) in enumerate(spans):
                for j in range(i + 2, len(spans)):
                    end = sum(spans[j][:2]) / 2 + 0.05 * (i - (j - 2) / 2)
                    shapes.arc(axes, (left + right) / 2 + 0.04 * (j - i - 2), end, top, 0.14 * (j - i),
                               color=_ARC_COLORS[i % len(_ARC_COLORS)], drop=spans[j][2], width=1.1)  # fmt: skip

        self.work.append(draw)
        self.y = middle + fall + 0.05 + 2 * LINE + 0.06
        self.note(f"each layer takes all maps before it, by the arcs: {steps}")

    def note(self, text):
        for line in _wrapped([text], limit=self.width - 2 * _MARGIN):
            y = self.y + 0.75 * LINE
            self.work.append(lambda axes, a=(y, line): write(
                axes, _MARGIN, a[0], a[1], ha="left", va="baseline", color=shapes.SOFT))  # fmt: skip
            self.y += LINE + 0.01


@dataclass(frozen=True)
class _Place:
    """Where a block of a region stands; its row is None for entry and join, which stand between the rows."""

    left: float
    right: float
    y: float
    rise: float
    row: int | None
    column: int


@dataclass(frozen=True)
class _Routes:
    """Arrows of a region: along the rows, and between the columns' texts from row to row."""

    place: dict
    left: dict
    wide: dict
    gap: float
    above: list  # the upper edge of each row's blocks
    top: float  # above all rows

    def points(self, source, target):
        a, b = self.place[source], self.place[target]
        start, end = (a.right + 0.02, a.y), (b.left - 0.02, b.y)
        early = self.left[a.column] + self.wide[a.column] + 0.35 * self.gap
        late = self.left[b.column] - 0.45 * self.gap
        row = a.row if a.row is not None else b.row
        if row is None or self.free(row, a.column, b.column):
            bend = early if a.row is None else late
            return (start, end) if a.y == b.y else (start, (bend, a.y), (bend, b.y), end)
        if b.row is not None and self.free(b.row, a.column, b.column):
            return start, (early, a.y), (early, b.y), end
        over = self.above[row] - 0.08
        return start, (early, a.y), (early, over), (late, over), (late, b.y), end

    def free(self, row, first, last):
        return not any(p.row == row and first < p.column < last for p in self.place.values())

    def past(self, source, target):
        """The shortcut: over all rows, and from above into the join."""
        a, b = self.place[source], self.place[target]
        x0 = self.left[a.column] + self.wide[a.column] + 0.15 * self.gap
        x1 = (b.left + b.right) / 2
        return (a.right + 0.02, a.y), (x0, a.y), (x0, self.top), (x1, self.top), (x1, b.y - b.rise - 0.02)


def _lines_of(items, width):
    """Items in as few lines as hold them, with lines as even as can be: the least sum of squared free space."""
    best = {0: (0, 0.0, [])}
    for end in range(1, len(items) + 1):
        for start in range(end):
            free = width - sum(item.width for item in items[start:end]) - 0.16 * (end - start - 1)
            if free >= 0 or end - start == 1:
                lines, cost, cut = best[start]
                option = (lines + 1, cost + free**2, [*cut, start])
                best[end] = min(best.get(end, option), option, key=lambda o: o[:2])
    cuts = [*best[len(items)][2], len(items)]
    return [items[a:b] for a, b in itertools.pairwise(cuts)]


def _passed_rows(element, rows, column):
    """Rows of which an arrow passes a block, from a box of the same row."""
    row_of = {box.name: i for i, row in enumerate(rows) for box in row}
    taken = {(row, column[name]) for name, row in row_of.items()}
    return {
        row_of[source]
        for box in (*element.inner, element.join)
        for source in box.sources
        if source in row_of
        and any((row_of[source], c) in taken for c in range(column[source] + 1, column[box.name]))
    }


def _color(box):
    head = graph.words(box)[0].split()
    return next((color for word, color in _COLORS.items() if word in head), _OTHER)


def _size(side):
    return 1 if side is None else int(side)


def _shape(shape):
    return "×".join("?" if side is None else str(side) for side in shape) or "1"


def _short(words):
    """ "batch norm", "relu" as one line."""
    text = ", ".join("BN" if word == "batch norm" else _named(word) for word in words)
    return [text] if text else []


def _named(word):
    return {"relu": "ReLU", "gelu": "GELU"}.get(word, word)


def _wrapped(lines, limit):
    """Lines no wider than `limit` inches where a space, comma or underscore allows a break."""
    result = []
    for line in lines:
        while text_width(line) > limit:
            breaks = (i + (c == "_") for i, c in enumerate(line) if c in " _" and i)
            keep = max((i for i in breaks if text_width(line[:i]) <= limit), default=None)
            if keep is None:
                break
            result.append(line[:keep])
            line = line[keep:].lstrip()
        result.append(line)
    return result

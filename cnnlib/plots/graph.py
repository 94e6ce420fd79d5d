"""The shape of a network's graph, for drawing: its main chain, the regions between, what repeats."""

import re
from collections import Counter
from dataclasses import dataclass

_PERIOD = 4  # longest sequence of layers whose repetition is folded


@dataclass(frozen=True)
class Element:
    """One step of the main chain: a box that every path passes, and the boxes of the paths before it.

    `entry` is the step's beginning, None for the model's inputs; without `inner` the step is a plain layer.
    """

    entry: object
    inner: tuple
    join: object

    @property
    def region(self):
        return bool(self.inner)

    @property
    def shape(self):
        return self.join.shape


@dataclass(frozen=True)
class Group:
    """Consecutive elements that repeat `count` times: `members` those of the first round, `rounds` all."""

    members: tuple
    count: int
    rounds: tuple


def check(boxes):
    """Raise a ValueError for no boxes, or a box before its source."""
    if not boxes:
        raise ValueError("boxes is empty; expected at least one, for instance of inspect.diagram(model)")
    known = set()
    for box in boxes:
        for source in box.sources:
            if source not in known:
                raise ValueError(
                    f"box {box.name!r} takes from {source!r}, which is not among the boxes before it"
                )
        known.add(box.name)


def split(boxes):
    """(the boxes on the way to the main output, [the boxes of each further output]).

    The main output is the one that most boxes lie before, in the longest path.
    """
    by_name = {box.name: box for box in boxes}
    depth = {}
    for box in boxes:
        depth[box.name] = 1 + max((depth[source] for source in box.sources), default=0)
    used = {source for box in boxes for source in box.sources}
    sinks = [box for box in boxes if box.name not in used]
    main = max(sinks, key=lambda box: depth[box.name])
    taken = _ancestors(main, by_name)
    trunk = [box for box in boxes if box.name in taken]
    heads = []
    for sink in sinks:
        if sink is not main:
            own = _ancestors(sink, by_name) - taken
            taken |= own
            heads.append([box for box in boxes if box.name in own])
    return trunk, heads


def _ancestors(box, by_name):
    found, waiting = set(), [box.name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].sources
    return found


def chain(boxes):
    """The elements of boxes that lead to one output, in order.

    A box is a joint of the chain if no arrow passes it by in the order of computation.
    """
    place = {box.name: i for i, box in enumerate(boxes)}
    reach = max((i for i, box in enumerate(boxes) if not set(box.sources) & set(place)), default=0)
    furthest = [0] * len(boxes)
    for i, box in enumerate(boxes):
        for source in box.sources:
            if source in place:
                furthest[place[source]] = max(furthest[place[source]], i)
    elements, entry, inner = [], None, []
    for i, box in enumerate(boxes):
        if reach <= i:
            elements.append(Element(entry, tuple(inner), box))
            entry, inner = box, []
        else:
            inner.append(box)
        reach = max(reach, furthest[i])
    return elements


def words(box):
    """What a box does, its further properties, what follows: "3×3 conv", ["stride 2"], ["batch norm", "relu"]."""
    lines = [line for line in box.label.split("\n") if line != "pad"] or ["pad"]
    head, *rest = lines[0].split(", ")
    rest = [item for item in rest if not item.isdigit()]
    return re.sub(r"(?<=\d)x(?=\d)", "×", head), rest, lines[1:]


def _form(element, name):
    """What makes two elements alike, by `name` of a box."""
    numbers = {box.name: i for i, box in enumerate((*element.inner, element.join))}
    boxes = [(name(box), tuple(numbers.get(source, -1) for source in box.sources)) for box in element.inner]
    join = tuple(numbers.get(source, -1) for source in element.join.sources)
    return (*boxes, (element.join.label.split("\n")[0] if element.region else name(element.join), join))


def same_work(element):
    """A key: elements with equal keys do the same to maps of the same size."""
    shape = element.shape[:2] if element.region else element.shape
    return shape, _form(element, lambda box: box.label)


def motif(element):
    """A key: regions with equal keys have the same paths, whatever their channels and strides."""
    return _form(element, lambda box: (*words(box)[:1], *(w for w in words(box)[1] if "stride" not in w)))


def fold(elements):
    """Groups of elements: what repeats at once stands once, with its count."""
    keys = [same_work(element) for element in elements]
    groups, i = [], 0
    while i < len(elements):
        best = (0, 1, 1)
        for period in range(1, _PERIOD + 1):
            count = 1
            while keys[i + count * period : i + (count + 1) * period] == keys[i : i + period]:
                count += 1
            saved = (count - 1) * period
            if count > 1 and saved > best[0]:
                best = (saved, period, count)
        _, period, count = best
        # Of the ways to cut a repetition into rounds, the one whose round's layers are named alike.
        while period > 1 and i + count * period < len(keys) and keys[i + count * period] == keys[i]:
            if len(prefix(elements[i + 1 : i + 1 + period])) <= len(prefix(elements[i : i + period])):
                break
            groups.append(Group((elements[i],), 1, (elements[i],)))
            i += 1
        end = i + period * count
        groups.append(Group(tuple(elements[i : i + period]), count, tuple(elements[i:end])))
        i = end
    return groups


def is_dense(element):
    """Whether a region concatenates what it makes to what it was given, as a layer of a dense block does."""
    return (
        element.region
        and element.entry is not None
        and element.join.label.startswith("concatenate")
        and element.entry.name in element.join.sources
    )


def has_identity(element):
    """Whether the entry reaches the join untouched."""
    return element.region and element.entry is not None and element.entry.name in element.join.sources


def towers(boxes, most=4):
    """{name: number of towers}: the parts into which a grouped convolution divides the channels, seen from both sides.

    A box belongs to towers where it is grouped, or where all that takes from it keeps the groups apart; pools and
    normalizations pass them on.
    """
    consumers = {}
    for box in boxes:
        for source in box.sources:
            consumers.setdefault(source, []).append(box)
    found = {}
    for box in boxes:
        groups = re.search(r"(\d+) groups", box.label)
        if groups and 1 < int(groups[1]) <= most:
            found[box.name] = int(groups[1])
        elif len(box.sources) == 1 and box.sources[0] in found and _passes(box):
            found[box.name] = found[box.sources[0]]
    for box in reversed(boxes):
        ahead = {
            found.get(other.name) if keeps_groups(other) else None for other in consumers.get(box.name, ())
        }
        if box.name not in found and len(ahead) == 1 and None not in ahead and box.label != "input":
            found[box.name] = ahead.pop()
    return found


def keeps_groups(box):
    """Whether a box lets groups of channels stay apart: grouped itself, or a pool or normalization."""
    return _passes(box) or "groups" in box.label


def _passes(box):
    return any(word in words(box)[0] for word in ("pool", "norm")) and len(box.shape) == 3


def lanes(element):
    """The rows of a region: [[boxes of a path, in order]], in the order in which the join takes the paths.

    Every inner box is in one row; a path that leaves another one begins where it leaves.
    """
    inner = {box.name: box for box in element.inner}
    taken, rows = set(), []

    def walk(name, at):
        path = []
        while name in inner and name not in taken:
            taken.add(name)
            path.append(inner[name])
            name = next((s for s in inner[name].sources if s in inner and s not in taken), None)
        if path:
            rows.insert(at, path[::-1])
            for box in path:
                for source in box.sources:
                    walk(source, rows.index(path[::-1]) + 1)

    for source in element.join.sources:
        walk(source, len(rows))
    for box in reversed(element.inner):  # what only further outputs need
        walk(box.name, len(rows))
    return rows


def columns(element):
    """{name: column} of a region's inner boxes: as late as the paths to the join allow."""
    inner = {box.name: box for box in element.inner}
    late = dict.fromkeys(inner, 0)
    for box in reversed((*element.inner, element.join)):
        below = -1 if box is element.join else late[box.name]
        for source in box.sources:
            if source in inner:
                late[source] = max(late[source], below + 1)
    deepest = max(late.values())
    return {name: deepest - value for name, value in late.items()}


def usual_tail(boxes, kind):
    """What follows most boxes of a kind ("conv", "dense"), as a list of words; None where nothing is usual."""
    tails = Counter(tuple(words(box)[2]) for box in boxes if kind in words(box)[0].split())
    if not tails:
        return None
    tail, count = tails.most_common(1)[0]
    return list(tail) if tail and count >= 2 and count > 0.5 * tails.total() else None


def prefix(elements):
    """The beginning that the names of all boxes of regions share, up to an underscore or slash; "" for none."""
    names = [box.name for element in elements for box in (*element.inner, element.join)]
    first, last = min(names), max(names)
    common = first[
        : next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    ]
    if any(name[len(common) : len(common) + 1] not in ("", "_", "/") for name in names):
        common = common[: max(common.rfind("_"), common.rfind("/"), 0)]
    return common.rstrip("_/")

"""The operations of convolutional networks as film strips: every number that is multiplied, added or compared."""

import itertools

import numpy as np

from cnnlib.plots import shapes
from cnnlib.plots.shapes import ACCENT, LINE, SOFT, arrow, canvas, cells, grid, number, write
from cnnlib.plots.style import WIDTH, as_array, styled

_CELL = 0.25  # inches: holds two digits and a sign
_MARGIN, _EDGE = 0.15, 0.1
_MOST = 14  # cells on a side: more do not fit with their numbers
_WINDOW, _PADDED, _RESULT, _KERNEL = "#FBE0CC", "#E9E9E9", "#D7EBDD", "#D9E7F5"
_GROUPS = ("#7FAFDB", "#F0B27F", "#8CCBA5", "#CDA9D3", "#DDD08A", "#A9B7C0", "#E59A9A", "#9A9AD6")
_MODES = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@styled
def sliding_kernel(image, kernel, *, stride=1, padding=0, dilation=1, steps=None):
    """A kernel sliding over an image, a frame for each position: values, products, and the sum.

    As in every framework the kernel is not rotated (cross-correlation).

    Args:
        image: numbers (H, W), at most 14 on a side with the padding.
        kernel: numbers (kh, kw).
        stride, padding, dilation: pixels, alike in both directions; zeros are padded on all sides.
        steps: list of (row, column) of the outputs to show; default the first, the second, the last.

    Raises:
        ValueError: arrays of other shapes, settings out of range, or a step outside of the output.
    """
    image, kernel = _matrix("image", image), _matrix("kernel", kernel)
    padded, reach, out = _windows(image, kernel.shape, stride, padding, dilation)
    results = np.array([[np.sum(_window(padded, (i, j), kernel.shape, stride, dilation) * kernel)
                         for j in range(out[1])] for i in range(out[0])])  # fmt: skip
    settings = (
        [f"stride {stride}"]
        + [f"padding {padding}"] * bool(padding)
        + [f"dilation {dilation}"] * (dilation > 1)
    )

    def explain(window):
        rows = [" + ".join(f"{number(a)}·{_signed(b)}" for a, b in zip(*pair, strict=True))
                for pair in zip(window, kernel, strict=True)]  # fmt: skip
        return [row + " +" * (i < len(rows) - 1) for i, row in enumerate(rows)]

    return _strip(
        padded, kernel, results, reach, stride, padding, dilation, steps, explain, ", ".join(settings)
    )


@styled
def sliding_pool(image, size, *, stride=None, operation="max", steps=None):
    """A pooling window sliding over an image, a frame for each position.

    Args:
        image: numbers (H, W), at most 14 on a side.
        size: side of the window.
        stride: pixels from window to window; default `size`.
        operation: "max" or "average".
        steps: list of (row, column) of the outputs to show; default the first, the second, the last.

    Raises:
        ValueError: an image of another shape, settings out of range, or a step outside of the output.
    """
    functions = {"max": np.max, "average": np.mean}
    if operation not in functions:
        raise ValueError(f"operation={operation!r} must be 'max' or 'average'.")
    image, stride = _matrix("image", image), size if stride is None else stride
    padded, reach, out = _windows(image, (size, size), stride, 0, 1)
    results = np.array([[functions[operation](_window(padded, (i, j), (size, size), stride, 1))
                         for j in range(out[1])] for i in range(out[0])])  # fmt: skip

    def explain(window):
        values = [number(value) for value in window.ravel()]
        rows = [", ".join(values[i : i + 4]) for i in range(0, len(values), 4)]
        return [f"{'max' if operation == 'max' else 'mean'} of", *rows]

    title = f"{size}×{size} {operation} pooling, stride {stride}"
    return _strip(padded, None, results, reach, stride, 0, 1, steps, explain, title)


def _strip(padded, kernel, results, reach, stride, padding, dilation, steps, explain, title):
    """Frames of one kind of sliding window, beside each other as long as they fit."""
    out, cell, small = results.shape, _cell_of(padded), _cell_of(results)
    wide, arrow_width, gap = padded.shape[1], 0.3, 0.14
    least = wide * cell + arrow_width + out[1] * small
    if steps is None:  # three frames in a line, or four in two
        few = 3 if 3 * least + 2 * gap <= WIDTH - 2 * _EDGE else 4
        chosen = [0, 1, out[1], results.size - 1] if few == 4 and out[0] > 1 else [0, 1, results.size - 1]
        steps = [divmod(min(k, results.size - 1), out[1]) for k in chosen]
        steps = list(dict.fromkeys(steps))
    steps = [tuple(map(int, step)) for step in steps]
    for i, j in steps:
        if not (0 <= i < out[0] and 0 <= j < out[1]):
            raise ValueError(f"steps has {(i, j)}, outside of the output of {out[0]}×{out[1]}.")
    size = (reach[0] // dilation + 1, reach[1] // dilation + 1)
    texts = [explain(_window(padded, step, size, stride, dilation)) for step in steps]
    high = padded.shape[0]
    tall = max(high * cell, out[0] * small)
    frame_width = max(
        least,
        *(shapes.text_width(line) for lines in texts for line in lines),
    )
    across = max(1, int((WIDTH - 2 * _EDGE + gap) / (frame_width + gap)))
    across = min(across, len(steps))
    frame_height = 0.25 + tall + 0.08 + (max(map(len, texts)) + 1) * LINE + 0.2
    rows = -(-len(steps) // across)
    head = 0.34 if kernel is None else max(0.34, len(kernel) * cell + 0.2)
    width = max(across * (frame_width + gap) - gap + 2 * _EDGE, 3.4)
    figure, axes = canvas(max(width, 2 * _EDGE + frame_width), head + rows * frame_height + 0.15)
    x = _EDGE
    if kernel is not None:
        write(axes, x, 0.12 + len(kernel) * cell / 2, "kernel", ha="left", fontweight="bold")
        x += 0.6
        grid(axes, x, 0.12, kernel, cell, fills=_filled(kernel.shape, _KERNEL))
        x += len(kernel[0]) * cell + 0.25
    write(axes, x, 0.12 + (0 if kernel is None else len(kernel)) * cell / 2 + 0.05 * (kernel is None), title, ha="left",
          fontweight="normal" if kernel is not None else "bold")  # fmt: skip
    for index, (step, lines) in enumerate(zip(steps, texts, strict=True)):
        x = _EDGE + (index % across) * (frame_width + gap)
        y = head + (index // across) * frame_height
        flat = step[0] * out[1] + step[1]
        write(axes, x, y + 0.1, f"output ({step[0]}, {step[1]})", ha="left", color=SOFT)
        y += 0.25
        fills = _filled(padded.shape, None)
        if padding:
            fills[:] = _PADDED
            fills[padding:-padding, padding:-padding] = None
        top, left = step[0] * stride, step[1] * stride
        fills[top : top + reach[0] + 1 : dilation, left : left + reach[1] + 1 : dilation] = _WINDOW
        grid(axes, x, y, padded, cell, fills=fills)
        cells(axes, x, y, cell, (top, top + reach[0] + 1), (left, left + reach[1] + 1))
        middle = y + tall / 2
        start = x + wide * cell
        arrow(axes, (start + 0.08, middle), (start + arrow_width - 0.08, middle))
        right, above = start + arrow_width, y + (tall - out[0] * small) / 2
        hidden = [divmod(k, out[1]) for k in range(results.size) if k > flat]
        fills = _filled(out, None)
        fills[step] = _RESULT
        grid(axes, right, above, results, small, fills=fills, empty=hidden)
        cells(axes, right, above, small, (step[0], step[0] + 1), (step[1], step[1] + 1), color="#1B7A3D")
        lines = [*lines, f"= {number(results[step])}"]
        for k, line in enumerate(lines):
            write(axes, x, y + tall + 0.08 + (k + 0.75) * LINE, line, ha="left", va="baseline",
                  fontweight="bold" if k == len(lines) - 1 else "normal")  # fmt: skip
    return figure


@styled
def padding_kinds(image, amount=2, kinds=("constant", "reflect", "edge", "wrap")):
    """An image beside its padded forms: what stands beyond its edges.

    Args:
        image: numbers (H, W), at most 6 on a side.
        amount: pixels on each side, less than H and W.
        kinds: of "constant" (zeros), "reflect", "edge" (replicate), "wrap" (circular): numpy's names.

    Raises:
        ValueError: another shape, an amount out of range, or an unknown kind.
    """
    image = _matrix("image", image, most=6)
    if not 1 <= amount < min(image.shape):
        raise ValueError(
            f"amount={amount!r} must be from 1 to {min(image.shape) - 1}, less than the image's sides."
        )
    for kind in kinds:
        if kind not in _MODES:
            raise ValueError(f"kinds has {kind!r}, which must be one of {', '.join(map(repr, _MODES))}.")
    rows, columns = (side + 2 * amount for side in image.shape)
    cell = min(_CELL, (WIDTH - 2 * _MARGIN - 0.2 * (len(kinds) - 1)) / (columns * len(kinds)))
    cell = max(cell, 0.215)
    figure, axes = canvas(2 * _MARGIN + len(kinds) * (columns * cell + 0.2) - 0.2, rows * cell + 0.5)
    for k, kind in enumerate(kinds):
        x, y = _MARGIN + k * (columns * cell + 0.2), 0.38
        write(axes, x + columns * cell / 2, 0.18, _MODES[kind], fontweight="bold", size=9.5)
        fills = _filled((rows, columns), _PADDED)
        fills[amount:-amount, amount:-amount] = None
        grid(axes, x, y, np.pad(image, amount, mode=kind), cell, fills=fills)
        cells(
            axes, x, y, cell, (amount, rows - amount), (amount, columns - amount), color=shapes.INK, line=1.5
        )
    return figure


@styled
def window_settings(size, settings):
    """Stride, padding and dilation side by side: the first two windows on the input, and the size that comes out.

    Args:
        size: side of the square input, at most 10.
        settings: `{title: {"kernel": 3, "stride": 1, "padding": 0, "dilation": 1}}`; what is left out has these values.

    Raises:
        ValueError: no setting, or a window that does not fit.
    """
    if not settings:
        raise ValueError("settings is empty; give at least one, for instance {'stride 2': {'stride': 2}}.")
    panels = []
    for title, chosen in settings.items():
        values = {"kernel": 3, "stride": 1, "padding": 0, "dilation": 1, **chosen}
        k, s, p, d = (values[name] for name in ("kernel", "stride", "padding", "dilation"))
        padded, reach, out = _windows(np.zeros((size, size)), (k, k), s, p, d)
        panels.append((title, k, s, p, d, len(padded), reach[0], out[0]))
    across = min(len(panels), 4)
    widest = max(panel[5] for panel in panels)
    cell = min(0.24, (WIDTH - 2 * _MARGIN - 0.3 * (across - 1)) / across / widest)
    column = max(widest * cell, 1.7)
    rows = -(-len(panels) // across)
    high = widest * cell + 0.95
    figure, axes = canvas(2 * _MARGIN + across * column + 0.2 * (across - 1), rows * high + 0.35)
    for index, (title, _, s, p, d, side, reach, out) in enumerate(panels):
        x = _MARGIN + (index % across) * (column + 0.2) + (column - side * cell) / 2
        y = (index // across) * high + 0.36 + (widest - side) * cell / 2
        centre = x + side * cell / 2
        write(axes, centre, (index // across) * high + 0.17, title, fontweight="bold", size=9.5)
        fills = _filled((side, side), _PADDED if p else None)
        if p:
            fills[p:-p, p:-p] = None
        fills[0 : reach + 1 : d, 0 : reach + 1 : d] = "#F0B27F"
        grid(axes, x, y, np.zeros((side, side)), cell, fills=fills, texts=False)
        cells(axes, x, y, cell, (0, reach + 1), (0, reach + 1))
        if out > 1:
            cells(axes, x, y, cell, (0, reach + 1), (s, s + reach + 1), color="#1F5F99", dashed=True)
        below = (index // across) * high + 0.36 + widest * cell + 0.1
        top = f"⌊({size} + 2·{p} − {reach + 1}) / {s}⌋ + 1"
        shapes.lines(axes, x + side * cell / 2, below, [top, f"= {out}: output {out}×{out}"])
    write(axes, _MARGIN, rows * high + 0.2, "orange: first window; dashed blue: the next one; grey: padding", ha="left",
          color=SOFT)  # fmt: skip
    return figure


@styled
def convolution_channels(image, kernel, bias=0, *, step=(0, 0)):
    """One output value of a convolution over several channels: a kernel slice for each, all products added.

    Args:
        image: numbers (H, W, C), at most 7 on a side and 4 channels.
        kernel: numbers (kh, kw, C), one filter.
        bias: added at the end.
        step: (row, column) of the output to compute.

    Raises:
        ValueError: shapes that do not belong together, or a step outside of the output.
    """
    image, kernel = as_array("image", image, dimensions=3), as_array("kernel", kernel, dimensions=3)
    if image.shape[2] != kernel.shape[2] or image.shape[2] > 4:
        raise ValueError(
            f"image has {image.shape[2]} channels and kernel {kernel.shape[2]}; give equally many, up to 4."
        )
    _matrix("image", image[..., 0], most=7)
    out = tuple(np.array(image.shape[:2]) - kernel.shape[:2] + 1)
    if min(out) < 1 or not (0 <= step[0] < out[0] and 0 <= step[1] < out[1]):
        raise ValueError(f"step={step!r} lies outside of the output of {out[0]}×{out[1]}.")
    (h, w, channels), (kh, kw, _) = image.shape, kernel.shape
    cell = _cell_of(image, kernel)
    row = max(h, kh) * cell + 0.22
    figure, axes = canvas(WIDTH, 0.4 + channels * row + 0.1)
    x_kernel = _MARGIN + 0.85 + w * cell + 0.45
    x_products = x_kernel + kw * cell + 0.45
    x_sum = x_products + kw * 0.34 + 0.42
    for x, text in ((_MARGIN + 0.85 + w * cell / 2, "image"), (x_kernel + kw * cell / 2, "kernel"),
                    (x_products + kw * 0.17, "products"), (x_sum + 0.2, "sum")):  # fmt: skip
        write(axes, x, 0.18, text, fontweight="bold", size=9.5)
    names, total = ("red", "green", "blue") if channels == 3 else [f"channel {c}" for c in range(channels)], 0
    tones = ("#F6CFCB", "#CFE8D2", "#CDDDF3") if channels == 3 else _GROUPS
    right = x_sum + 1.15
    middle = 0.36 + (channels * row - 0.22) / 2
    for c in range(channels):
        y = 0.36 + c * row
        centre = y + max(h, kh) * cell / 2
        above = centre - kh * cell / 2
        write(axes, _MARGIN, centre, names[c], ha="left")
        window = image[step[0] : step[0] + kh, step[1] : step[1] + kw, c]
        fills = _filled((h, w), None)
        fills[step[0] : step[0] + kh, step[1] : step[1] + kw] = tones[c]
        grid(axes, _MARGIN + 0.85, centre - h * cell / 2, image[..., c], cell, fills=fills)
        cells(
            axes,
            _MARGIN + 0.85,
            centre - h * cell / 2,
            cell,
            (step[0], step[0] + kh),
            (step[1], step[1] + kw),
        )
        write(axes, x_kernel - 0.22, centre, "⊙", size=12)
        grid(axes, x_kernel, above, kernel[..., c], cell, fills=_filled((kh, kw), tones[c]))
        write(axes, x_products - 0.22, centre, "=", size=11)
        products = window * kernel[..., c]
        for (i, j), value in np.ndenumerate(products):
            write(axes, x_products + (j + 0.5) * 0.34, above + (i + 0.5) * cell, number(value))
        arrow(axes, (x_products + kw * 0.34 + 0.06, centre), (x_sum - 0.05, centre))
        write(axes, x_sum + 0.2, centre, number(products.sum()), size=10, fontweight="bold")
        arrow(axes, (x_sum + 0.45, centre), (right - 0.22, middle))
        total += products.sum()
    shapes.disc(axes, right, middle, 0.16, "Σ")
    arrow(axes, (right + 0.17, middle), (right + 0.55, middle))
    grid(axes, right + 0.6, middle - 0.18, [[total + bias]], 0.36, fills=_filled((1, 1), _RESULT), size=10)
    write(axes, right + 0.78, middle + 0.36, f"output ({step[0]}, {step[1]})")
    write(axes, right, middle - 0.34, f"bias {number(bias)}")
    return figure


@styled
def channel_groups(inputs, outputs, groups=(1, 2), kernel=3):
    """Which input channels each output channel sees, for several numbers of groups, and the weights that it takes.

    Args:
        inputs, outputs: numbers of channels, at most 12.
        groups: numbers of groups, each a divisor of both; `inputs` itself is the depthwise convolution.
        kernel: side of the kernel, for the count of weights.

    Raises:
        ValueError: numbers out of range, or groups that do not divide both.
    """
    if not (1 <= inputs <= 12 and 1 <= outputs <= 12):
        raise ValueError(f"inputs={inputs} and outputs={outputs} must be from 1 to 12.")
    for count in groups:
        if inputs % count or outputs % count:
            raise ValueError(f"groups has {count}, which must divide inputs={inputs} and outputs={outputs}.")
    panel = min(2.45, (WIDTH - 2 * _MARGIN) / len(groups))
    most = max(inputs, outputs)
    figure, axes = canvas(2 * _MARGIN + panel * len(groups), 0.75 + most * 0.3 + 0.55)
    for k, count in enumerate(groups):
        x0 = _MARGIN + k * panel + 0.35
        x1 = x0 + panel - 1.15
        title = "depthwise" if count == inputs > 1 else f"{count} groups" if count > 1 else "all to all"
        write(axes, (x0 + x1) / 2 + 0.13, 0.18, title, fontweight="bold", size=9.5)
        write(axes, x0 + 0.13, 0.46, "input", color=SOFT)
        write(axes, x1 + 0.13, 0.46, "output", color=SOFT)
        a, b = inputs // count, outputs // count
        tops = [[0.65 + (most - n) * 0.15 + i * 0.3 for i in range(n)] for n in (inputs, outputs)]
        for side, (x, per) in enumerate(((x0, a), (x1, b))):
            for i, top in enumerate(tops[side]):
                color = _GROUPS[(i // per) % len(_GROUPS)]
                shapes.cuboid(axes, x, top + 0.11, 0.09, 0.2, 0.28, color)
        for i, j in itertools.product(range(inputs), range(outputs)):
            if i // a == j // b:
                tone = shapes.shade(_GROUPS[(i // a) % len(_GROUPS)], -0.35)
                ends = [tops[0][i] + 0.09, tops[1][j] + 0.09]
                axes.plot([x0 + 0.24, x1 - 0.04], ends, color=tone, linewidth=1, zorder=1)
        weights = kernel * kernel * a * outputs
        shapes.lines(axes, (x0 + x1) / 2 + 0.13, 0.72 + most * 0.3,
                     [f"{kernel}·{kernel}·{a}·{outputs}", f"= {weights} weights"])  # fmt: skip
    return figure


@styled
def transposed_convolution(image, kernel, *, stride=2):
    """A transposed convolution: each input value lays down the kernel, scaled; where they overlap, they add.

    Args:
        image: numbers (H, W), at most 3 on a side.
        kernel: numbers (kh, kw), at most 4 on a side.
        stride: pixels of the output from one kernel to the next.

    Raises:
        ValueError: arrays of other shapes, or a stride below 1.
    """
    image, kernel = _matrix("image", image, most=3), _matrix("kernel", kernel, most=4)
    if not isinstance(stride, int) or stride < 1:
        raise ValueError(f"stride={stride!r} must be an integer of at least 1.")
    (h, w), (kh, kw) = image.shape, kernel.shape
    out = ((h - 1) * stride + kh, (w - 1) * stride + kw)
    cell = _cell_of(image, kernel, np.abs(image).max() * np.abs(kernel).max() * -2)
    total, covered = np.zeros(out), np.zeros(out, int)
    frame = out[1] * cell + 0.4
    start = _MARGIN + max(w, kw) * cell + 0.55
    across = max(1, int((WIDTH - start - _MARGIN + 0.4) / frame))
    count = image.size + 1
    rows = -(-count // across)
    high = out[0] * cell + 0.5
    figure, axes = canvas(WIDTH, max(rows * high + 0.1, (h + kh) * cell + 0.95))
    write(axes, _MARGIN, 0.15, "input", ha="left", fontweight="bold")
    grid(axes, _MARGIN, 0.3, image, cell, fills=_filled(image.shape, _WINDOW))
    below = 0.3 + h * cell + 0.2
    write(axes, _MARGIN, below, "kernel", ha="left", fontweight="bold")
    grid(axes, _MARGIN, below + 0.15, kernel, cell, fills=_filled(kernel.shape, _KERNEL))
    for k in range(count):
        x, y = start + (k % across) * frame, 0.3 + (k // across) * high
        last = k == count - 1
        if not last:
            i, j = divmod(k, w)
            rows_, columns = (slice(i * stride, i * stride + kh), slice(j * stride, j * stride + kw))
            part = np.zeros(out)
            part[rows_, columns] = image[i, j] * kernel
            total += part
            covered[rows_, columns] += 1
            fills = _filled(out, None)
            fills[rows_, columns] = _WINDOW
            outside = [p for p in np.ndindex(out) if fills[p] is None]
            write(axes, x, y - 0.15, f"{'+ ' if k else ''}{number(image[i, j])} · kernel", ha="left")
            grid(axes, x, y, part, cell, fills=fills, empty=outside)
            cells(axes, x, y, cell, (i * stride, i * stride + kh), (j * stride, j * stride + kw))
        else:
            fills = _filled(out, _RESULT)
            fills[covered > 1] = "#A8D3B5"
            write(axes, x, y - 0.15, f"= output {out[0]}×{out[1]}", ha="left", fontweight="bold")
            grid(axes, x, y, total, cell, fills=fills)
    return figure


@styled
def im2col(image, kernel, *, stride=1, step=0):
    """A convolution as one product of matrices: every window is a row, the kernel a column (im2col).

    Args:
        image: numbers (H, W), at most 6 on a side.
        kernel: numbers (kh, kw), at most 3 on a side.
        stride: pixels from window to window.
        step: the row to point out, from 0.

    Raises:
        ValueError: arrays of other shapes, more than 16 windows, or a step out of range.
    """
    image, kernel = _matrix("image", image, most=6), _matrix("kernel", kernel, most=3)
    padded, _, out = _windows(image, kernel.shape, stride, 0, 1)
    windows = np.array([_window(padded, p, kernel.shape, stride, 1).ravel() for p in np.ndindex(*out)])
    if len(windows) > 16 or not 0 <= step < len(windows):
        raise ValueError(
            f"{len(windows)} windows and step={step!r}: give at most 16 windows, and one of them as step."
        )
    results = windows @ kernel.ravel()
    cell = _cell_of(windows, kernel, results)
    (h, w), (kh, kw), size = image.shape, kernel.shape, kernel.size
    rows = max(h + kh + 2, len(windows), size)
    figure, axes = canvas(WIDTH, 0.45 + rows * cell + 0.15)
    y = 0.4
    place = np.unravel_index(step, out)
    fills = _filled(image.shape, None)
    top, left = place[0] * stride, place[1] * stride
    fills[top : top + kh, left : left + kw] = _WINDOW
    x = _MARGIN
    write(axes, x, 0.2, f"image {h}×{w}", ha="left", fontweight="bold")
    grid(axes, x, y, image, cell, fills=fills)
    cells(axes, x, y, cell, (top, top + kh), (left, left + kw))
    under = y + h * cell + 0.35
    write(axes, x, under - 0.13, f"kernel {kh}×{kw}", ha="left", fontweight="bold")
    grid(axes, x, under, kernel, cell, fills=_filled(kernel.shape, _KERNEL))
    x = _MARGIN + max(w, kw) * cell + 0.75
    arrow(axes, (_MARGIN + w * cell + 0.1, y + (top + kh / 2) * cell), (x - 0.32, y + (top + kh / 2) * cell),
          (x - 0.32, y + (step + 0.5) * cell), (x - 0.04, y + (step + 0.5) * cell), color=ACCENT)  # fmt: skip
    write(axes, x, 0.2, f"windows as rows: {len(windows)}×{size}", ha="left", fontweight="bold")
    fills = _filled(windows.shape, None)
    fills[step] = _WINDOW
    grid(axes, x, y, windows, cell, fills=fills)
    cells(axes, x, y, cell, (step, step + 1), (0, size))
    x += size * cell + 0.3
    write(axes, x, y + len(windows) * cell / 2, "×", size=13)
    x += 0.3
    write(axes, x + cell / 2, 0.2, "kernel", fontweight="bold")
    grid(axes, x, y, kernel.ravel()[:, None], cell, fills=_filled((size, 1), _KERNEL))
    x += cell + 0.3
    write(axes, x, y + len(windows) * cell / 2, "=", size=13)
    x += 0.3
    fills = _filled((len(windows), 1), None)
    fills[step] = _RESULT
    write(axes, x, 0.2, "results", fontweight="bold", ha="left")
    grid(axes, x, y, results[:, None], cell, fills=fills)
    x += cell + 0.55
    arrow(axes, (x - 0.5, y + len(windows) * cell / 2), (x - 0.05, y + len(windows) * cell / 2))
    above = y + len(windows) * cell / 2 - out[0] * cell / 2
    fills = _filled(out, None)
    fills[place] = _RESULT
    write(axes, x + out[1] * cell / 2, above - 0.15, f"output {out[0]}×{out[1]}", fontweight="bold")
    grid(axes, x, above, results.reshape(out), cell, fills=fills)
    return figure


@styled
def convolution_backward(image, kernel, gradient):
    """The backward pass of a convolution: two more convolutions, one of them with the rotated kernel.

    The gradient of the image is the gradient of the output, padded by k - 1, convolved with the kernel rotated by 180
    degrees; that of the kernel is the image convolved with the gradient of the output.

    Args:
        image: numbers (H, W), at most 5 on a side.
        kernel: numbers (kh, kw), at most 3 on a side.
        gradient: of the loss with respect to the output, (H - kh + 1, W - kw + 1).

    Raises:
        ValueError: shapes that do not belong together.
    """
    image, kernel = _matrix("image", image, most=5), _matrix("kernel", kernel, most=3)
    gradient = _matrix("gradient", gradient)
    expected = tuple(np.array(image.shape) - kernel.shape + 1)
    if gradient.shape != expected:
        raise ValueError(f"gradient of shape {gradient.shape} must have the output's shape {expected}.")
    kh, kw = kernel.shape
    padded = np.pad(gradient, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    rotated = kernel[::-1, ::-1]
    to_image = np.array([[np.sum(padded[i : i + kh, j : j + kw] * rotated) for j in range(image.shape[1])]
                         for i in range(image.shape[0])])  # fmt: skip
    gh, gw = gradient.shape
    to_kernel = np.array(
        [[np.sum(image[i : i + gh, j : j + gw] * gradient) for j in range(kw)] for i in range(kh)]
    )
    cell = _cell_of(padded, image, to_image, to_kernel)
    heights = [max(len(padded), len(to_image)) * cell, max(len(image), kh, gh) * cell]
    figure, axes = canvas(WIDTH, sum(heights) + 2 * 0.75 + 0.1)
    y = 0.1
    columns = [_MARGIN, _MARGIN + 7 * cell + 0.45]
    columns.append(columns[1] + 3 * cell + 0.95)
    columns.append(columns[2] + max(to_image.shape[1], kw) * cell + 0.3)

    def row(y, height, title, first, second, result, names, pad):
        write(axes, _MARGIN, y + 0.08, title, ha="left", fontweight="bold", size=9.5)
        middle = y + 0.55 + height / 2
        for x, values, name, fill in zip(
            columns, (first, second, result), names, ("window", _KERNEL, _RESULT), strict=False
        ):
            rows = len(values)
            fills = _filled(values.shape, None if fill == "window" else fill)
            if fill == "window":
                if pad:
                    fills[:] = _PADDED
                    fills[kh - 1 : kh - 1 + gh, kw - 1 : kw - 1 + gw] = None
                fills[: second.shape[0], : second.shape[1]] = _WINDOW
            top = middle - rows * cell / 2
            write(axes, x, top - 0.13, name, ha="left", color=SOFT)
            grid(axes, x, top, values, cell, fills=fills)
            if fill == "window":
                cells(axes, x, top, cell, (0, second.shape[0]), (0, second.shape[1]))
            if fill == _RESULT:
                cells(axes, x, top, cell, (0, 1), (0, 1), color="#1B7A3D")
        write(axes, columns[1] - 0.22, middle, "∗", size=14)
        write(axes, columns[2] - 0.35, middle, "=", size=13)
        pairs = zip(first[: second.shape[0], : second.shape[1]].ravel(), second.ravel(), strict=True)
        products = [f"{number(a)}·{_signed(b)}" for a, b in pairs if a]
        lines = [
            " + ".join(products[i : i + 2]) + (" +" if i + 2 < len(products) else "")
            for i in range(0, len(products), 2)
        ]
        lines = [*(lines or ["0"]), f"= {number(result[0, 0])}"]
        for i, line in enumerate(lines):
            write(
                axes, columns[3], middle + (i - len(lines) / 2 + 0.75) * LINE, line, ha="left", va="baseline"
            )

    row(y, heights[0], "gradient of the image", padded, rotated, to_image,
        ("gradient of the output, padded", "kernel, rotated", "gradient of the image"), True)  # fmt: skip
    row(y + heights[0] + 0.75, heights[1], "gradient of the kernel", image, gradient, to_kernel,
        ("image", "gradient of output", "gradient of the kernel"), False)  # fmt: skip
    return figure


@styled
def convolution(image, kernel, *, stride=1, padding=0, dilation=1, position=None):
    """A convolution of a whole image: one window of it in numbers, and the map that comes out.

    Args:
        image: numbers (H, W).
        kernel: numbers (kh, kw), at most 5 on a side.
        stride, padding, dilation: pixels, alike in both directions.
        position: (row, column) of the output that is shown in numbers; default the middle.

    Raises:
        ValueError: arrays of other shapes, or settings out of range.
    """
    image, kernel = as_array("image", image, dimensions=2).astype(float), _matrix("kernel", kernel, most=5)
    padded, reach, out = _windows(image, kernel.shape, stride, padding, dilation, most=None)
    spans = [slice(i, i + (n - 1) * stride + 1, stride) for i, n in zip((0, 0), out, strict=True)]
    result = np.zeros(out)
    for (a, b), weight in np.ndenumerate(kernel):
        rows, columns = (slice(s.start + k * dilation, s.stop + k * dilation, stride)
                         for s, k in zip(spans, (a, b), strict=True))  # fmt: skip
        result += weight * padded[rows, columns]
    position = (
        tuple(n // 2 for n in out)
        if position is None
        else tuple(min(p, n - 1) for p, n in zip(position, out, strict=True))
    )
    window = _window(padded, position, kernel.shape, stride, dilation)
    kh, kw = kernel.shape
    side, cell = 2.35, 0.4
    middle = 0.5 + side / 2
    figure, axes = canvas(WIDTH, side + 1.5)

    def picture(x, values, title, colors, limits):
        scale = side / max(values.shape)
        top, width = middle - values.shape[0] * scale / 2, values.shape[1] * scale
        axes.imshow(values, cmap=colors, vmin=limits[0], vmax=limits[1], zorder=2, aspect="auto",
                    extent=(x, x + width, top + values.shape[0] * scale, top), interpolation="nearest")  # fmt: skip
        shapes.frame(axes, x, top, width, values.shape[0] * scale, color="#9A9A9A", line=0.8)
        write(axes, x, 0.2, title, ha="left", fontweight="bold")
        return top, scale

    left = _MARGIN
    title = f"image {image.shape[0]}×{image.shape[1]}" + (
        f", padded to {padded.shape[0]}×{padded.shape[1]}" if padding else ""
    )
    top, scale = picture(left, padded, title, "gray", (padded.min(), padded.max() or 1))
    y, x = (p * stride * scale for p in position)
    shapes.frame(axes, left + x, top + y, (reach[1] + 1) * scale, (reach[0] + 1) * scale, line=1.6)
    right = WIDTH - _MARGIN - side
    limit = np.abs(result).max() or 1
    title = f"output {out[0]}×{out[1]}"
    top2, scale2 = picture(right, result, title, "RdBu_r", (-limit, limit))
    shapes.frame(
        axes,
        right + position[1] * scale2 - 0.02,
        top2 + position[0] * scale2 - 0.02,
        scale2 + 0.04,
        scale2 + 0.04,
        line=1.6,
    )
    size = min(cell, 1.08 / max(kh, kw))
    centre = WIDTH / 2
    block = kh * size
    a = middle - block - 0.12
    texts = size >= 0.3
    grid(axes, centre - kw * size / 2, a, np.round(window, 2), size, colors="gray", texts=texts,
         limits=(padded.min(), padded.max() or 1))  # fmt: skip
    write(axes, centre, a - 0.14, "window", fontweight="bold")
    write(axes, centre, middle + 0.0, "⊙", size=11)
    b = middle + 0.12
    limit_ = np.abs(kernel).max() or 1
    grid(
        axes,
        centre - kw * size / 2,
        b,
        np.round(kernel, 2),
        size,
        colors="RdBu_r",
        limits=(-limit_, limit_),
        texts=texts,
    )
    write(axes, centre, b + block + 0.14, "kernel", fontweight="bold")
    arrow(axes, (left + side + 0.15, middle), (centre - kw * size / 2 - 0.1, middle), color=ACCENT)
    arrow(axes, (centre + kw * size / 2 + 0.1, middle), (right - 0.15, middle), color=ACCENT)
    products = " + ".join(f"{window[0, j]:.2g}·{_signed(kernel[0, j])}" for j in range(min(3, kw)))
    write(
        axes, centre, side + 0.98, f"sum of {kernel.size} products: {products} + … = {result[position]:.3g}"
    )
    formula = [
        f"⌊({n} + 2·{padding} − {r + 1}) / {stride}⌋ + 1 = {o}"
        for n, r, o in zip(image.shape, reach, out, strict=True)
    ]
    write(
        axes,
        centre,
        side + 1.22,
        f"output side: {formula[0] if formula[0] == formula[1] else '; '.join(formula)}",
        color=SOFT,
    )
    return figure


def _matrix(name, values, most=_MOST):
    values = as_array(name, values, dimensions=2)
    if max(values.shape) > most:
        raise ValueError(
            f"{name} of shape {values.shape} is too large to show its numbers; give at most {most} on a side."
        )
    return values


def _windows(image, size, stride, padding, dilation, most=_MOST):
    """(the padded image, pixels from the first to the last of a window, size of the output)."""
    for name, value, low in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < low:
            raise ValueError(f"{name}={value!r} must be an integer of at least {low}.")
    padded = np.pad(image, padding)
    if most is not None and max(padded.shape) > most:
        raise ValueError(
            f"the padded image of shape {padded.shape} is too large; give at most {most} on a side."
        )
    reach = tuple((side - 1) * dilation for side in size)
    out = tuple((n - r - 1) // stride + 1 for n, r in zip(padded.shape, reach, strict=True))
    if min(out) < 1:
        raise ValueError(
            f"a window of {reach[0] + 1}×{reach[1] + 1} does not fit into {padded.shape[0]}×{padded.shape[1]}; "
            "give more padding, or a smaller kernel or dilation."
        )
    return padded, reach, out


def _window(padded, position, size, stride, dilation):
    rows, columns = (slice(p * stride, p * stride + (k - 1) * dilation + 1, dilation)
                     for p, k in zip(position, size, strict=True))  # fmt: skip
    return padded[rows, columns]


def _cell_of(*arrays):
    """Side of cells that hold the numbers of all arrays, in inches."""
    widest = max(shapes.text_width(number(value)) for array in arrays for value in np.ravel(array))
    return max(_CELL, widest)


def _filled(shape, color):
    fills = np.empty(shape, object)
    fills[:] = color
    return fills


def _signed(value):
    return f"({number(value)})" if value < 0 else number(value)

"""Receptive fields: how windows add up from layer to layer, in theory and by the gradient."""

import numpy as np

from cnnlib.plots import shapes
from cnnlib.plots.shapes import ACCENT, SOFT, canvas, write
from cnnlib.plots.style import WIDTH, as_array, as_mapping, new_figure, shorten, styled

_MOST_LAYERS, _MOST_UNITS = 10, 61


@styled
def receptive_field_cone(layers):
    """What one unit of the last layer sees, traced down to the input in one dimension.

    Args:
        layers: list of (name, kernel, stride, dilation) from the input upwards, at most 10.

    Raises:
        ValueError: no layer or too many, a value below 1, or a field of more than 61 pixels.
    """
    layers = [tuple(layer) for layer in layers]
    if not 1 <= len(layers) <= _MOST_LAYERS:
        raise ValueError(f"layers has {len(layers)} entries; give from 1 to {_MOST_LAYERS}.")
    for name, *values in layers:
        if len(values) != 3 or any(not isinstance(v, (int, np.integer)) or v < 1 for v in values):
            raise ValueError(
                f"layer {name!r} has {values}; give kernel, stride and dilation, integers of at least 1."
            )
    # Units seen in each row, from the top down, numbered from the first unit of the row that is seen.
    seen = [np.array([0])]
    for _, kernel, stride, dilation in reversed(layers):
        taps = np.arange(kernel) * dilation
        seen.append(np.unique((seen[-1][:, None] * stride + taps).ravel()))
    seen.reverse()
    sizes = [int(units[-1]) + 1 for units in seen]
    if sizes[0] > _MOST_UNITS:
        raise ValueError(
            f"the field has {sizes[0]} pixels; at most {_MOST_UNITS} can be drawn: take fewer layers or strides."
        )
    jumps, starts = [1.0], [0.0]
    for _, kernel, stride, dilation in layers:
        starts.append(starts[-1] + (kernel - 1) * dilation * jumps[-1] / 2)
        jumps.append(jumps[-1] * stride)
    names = ["input", *(name for name, *_ in layers)]
    texts = ["1 pixel"]
    for index, (_, kernel, stride, dilation) in enumerate(layers):
        size = 1 + sum((k - 1) * d * j for (_, k, _, d), j in zip(layers[: index + 1], jumps, strict=False))
        extra = f", dilation {dilation}" * (dilation > 1)
        texts.append(f"{kernel}-wide, stride {stride}{extra}; sees {size:.0f}")
    left = max(shapes.text_width(text) for text in names) + 0.3
    right = max(shapes.text_width(text) for text in texts) + 0.3
    step = (WIDTH - left - right) / max(sizes[0], 2)
    radius = min(0.1, 0.4 * step)
    row, bottom = 0.52, 0.3 + 0.52 * len(layers)
    figure, axes = canvas(WIDTH, bottom + 0.3)
    place = [
        [left + (starts[i] + u * jumps[i] + 0.5) * step for u in range(sizes[i])] for i in range(len(sizes))
    ]
    heights = [bottom - i * row for i in range(len(sizes))]
    for i, (_, kernel, stride, dilation) in enumerate(layers, start=1):
        ends = []
        for unit in seen[i]:
            for tap in range(kernel):
                below = unit * stride + tap * dilation
                axes.plot([place[i][unit], place[i - 1][below]], [heights[i], heights[i - 1]], color="#C9C9C9",
                          linewidth=0.7, zorder=1)  # fmt: skip
            ends += [place[i - 1][unit * stride], place[i - 1][unit * stride + (kernel - 1) * dilation]]
        outline = [place[i][seen[i][0]], min(ends), max(ends), place[i][seen[i][-1]]]
        axes.fill(
            outline, [heights[i], heights[i - 1], heights[i - 1], heights[i]], color="#FBE9DC", zorder=0
        )
    for i, units in enumerate(seen):
        used = set(units.tolist())
        for u, x in enumerate(place[i]):
            axes.add_patch(shapes.Circle((x, heights[i]), radius, zorder=3, linewidth=0.8, edgecolor=shapes.INK,
                                         facecolor=ACCENT if u in used else "#FFFFFF"))  # fmt: skip
        write(axes, 0.12, heights[i], names[i], ha="left")
        write(
            axes,
            WIDTH - 0.12,
            heights[i],
            f"{sizes[0]} pixels in all" if i == 0 else texts[i],
            ha="right",
            color=SOFT,
        )
    return figure


@styled
def receptive_field_pyramid(fields, *, image_size, effective=None, share=0.95):
    """How the receptive field grows from layer to layer: in theory, and where the gradient really goes.

    Args:
        fields: `{layer: (height, width)}` in pixels, or objects with `size`, as `inspect.receptive_fields` gives them;
            None or more than the image stands for all of it.
        image_size: (H, W) of the input.
        effective: `{layer: (H, W) array}` of mean absolute gradients of the layer's middle unit
            (`inspect.effective_receptive_field`), for some or all layers; up to five of them are shown as maps.
        share: part of the gradient that the effective side holds: the square around the middle with so much of it.

    Raises:
        ValueError: no layer, or an effective field of an unknown layer or another size.
    """
    given = {str(k): v for k, v in as_mapping("fields", fields).items()}
    fields = {name: getattr(field, "size", field) for name, field in given.items()}
    effective = {} if effective is None else {str(k): v for k, v in dict(effective).items()}
    for name, values in effective.items():
        if name not in fields:
            raise ValueError(
                f"effective[{name!r}] belongs to no layer; fields has {', '.join(list(fields)[:20])}."
            )
        if np.shape(values) != tuple(image_size):
            raise ValueError(
                f"effective[{name!r}] has shape {np.shape(values)}, expected the image's {tuple(image_size)}."
            )
        effective[name] = as_array(f"effective[{name!r}]", values, dimensions=2)
    limit = image_size[1]
    sizes = {name: limit if size is None or size[1] is None else size[1] for name, size in fields.items()}
    shown = (
        list(effective)[-5:]
        if len(effective) <= 5
        else [list(effective)[i] for i in np.linspace(0, len(effective) - 1, 5).round().astype(int)]
    )
    maps = 1.75 if shown else 0
    figure = new_figure(height=max(2.2, 0.24 * len(fields) + 1.0) + maps)
    grid = figure.add_gridspec(
        2 if shown else 1,
        max(1, len(shown)),
        height_ratios=[max(2.2, 0.24 * len(fields) + 1.0), maps][: 2 if shown else 1],
    )
    axis = figure.add_subplot(grid[0, :])
    rows = np.arange(len(fields))[::-1]
    widths = np.array(list(sizes.values()), float)
    axis.barh(
        rows,
        widths,
        left=-widths / 2,
        height=0.72,
        color="#CFE0F1",
        edgecolor="#1F5F99",
        linewidth=0.8,
        label="theoretical",
    )
    middles = {name: _middle(given[name], image_size) for name in effective}
    held = {name: _side(values, share, middles[name]) for name, values in effective.items()}
    if held:
        index = dict(zip(fields, rows, strict=True))
        axis.barh([index[n] for n in held], list(held.values()), left=[-s / 2 for s in held.values()], height=0.36,
                  color=ACCENT, label=f"effective: {share:.0%} of the gradient")  # fmt: skip
    for edge in (-limit / 2, limit / 2):
        axis.axvline(edge, color=shapes.INK, linewidth=1, linestyle=(0, (4, 3)))
    span = max(widths.max(), limit)
    axis.set_xlim(-0.62 * span, 0.62 * span)
    for row, width in zip(rows, widths, strict=True):
        axis.annotate(
            f"{width:.0f}",
            (width / 2, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axis.set_yticks(rows, [shorten(name, 26) for name in fields])
    axis.set_ylim(-0.6, len(fields) - 0.4)
    axis.set(
        xlabel=f"pixels from the middle of the field; dashed: the image of {limit} pixels", ylabel="layer"
    )
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    if held:
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    for i, name in enumerate(shown):
        panel = figure.add_subplot(grid[1, i])
        values = effective[name]
        panel.imshow(values / (values.max() or 1), cmap="magma", vmin=0, vmax=1)
        side = min(sizes[name], limit)
        y, x = middles[name]
        shapes.frame(panel, x - side / 2, y - side / 2, side, side, color="#7FC1FF", line=1.2)
        panel.set(xlim=(-0.5, values.shape[1] - 0.5), ylim=(values.shape[0] - 0.5, -0.5))
        panel.set(xticks=[], yticks=[])
        panel.set_title(shorten(name, 18), fontsize=9)
        panel.grid(visible=False)
    return figure


def _middle(field, image_size):
    """The pixel in the middle of what the middle unit sees; of the image where the field tells no places."""
    if not getattr(field, "jump", None) or not all(field.jump):
        return tuple(side // 2 for side in image_size)
    units = (round(side / jump) // 2 for side, jump in zip(image_size, field.jump, strict=True))
    places = zip(field.start, units, field.jump, field.size, strict=True)
    return tuple(start + unit * jump + (size - 1) / 2 for start, unit, jump, size in places)


def _side(values, share, middle):
    """Side of the smallest square around the middle that holds a share of the sum."""
    if values.sum() <= 0:
        return 0
    rows, columns = (abs(np.arange(n) - m) for n, m in zip(values.shape, middle, strict=True))
    reach = np.maximum(rows[:, None], columns)
    for half in np.unique(reach):
        if values[reach <= half].sum() >= share * values.sum():
            return min(2 * half + 1, *values.shape)
    raise AssertionError("the whole image holds all of the gradient")

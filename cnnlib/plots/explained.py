"""Figures behind the explorers: what a normalization, a shortcut, a shifted image change."""

import numpy as np

from cnnlib.plots.style import as_array, as_names, literal, new_figure, shorten, styled

_BEFORE, _AFTER, _INK = "#9CB8D3", "#C44E00", "#202020"


@styled
def normalization(before, normalized, after, *, x_label="activation of one channel"):
    """A channel's values as they come, normalized, and scaled and shifted by gamma and beta.

    Args:
        before, normalized, after: numbers of one shape, the three states of the same values.
        x_label: what the axes show.

    Raises:
        ValueError: no numbers, or arrays of unequal size.
    """
    states = [
        as_array(n, v).ravel() for n, v in (("before", before), ("normalized", normalized), ("after", after))
    ]
    if len({len(values) for values in states}) != 1:
        raise ValueError(
            f"before, normalized and after have {[len(v) for v in states]} values; give equally many."
        )
    figure = new_figure(height=2.7)
    axes = figure.subplots(1, 3, sharey=True)
    titles = ("as it comes", "minus mean, by deviation", "times gamma, plus beta")
    reach = max(6.0, *(np.abs(values).max() for values in states))
    edges = np.linspace(-reach, reach, 61)
    for axis, values, title, color in zip(axes, states, titles, (_BEFORE, "#6E9E7E", _AFTER), strict=True):
        axis.hist(values, edges, color=color)
        axis.axvline(values.mean(), color=_INK, linewidth=1.5)
        axis.set_title(
            f"{title}\nmean {round(float(values.mean()), 2) + 0.0:.2f}, deviation {values.std():.2f}",
            fontsize=9,
        )
        axis.set(xlabel=x_label)
    axes[0].set_ylabel("values")
    return figure


@styled
def residual_growth(shares, norms, *, gradients=None):
    """How much each block changes what it gets, and how the signal grows through the blocks.

    Args:
        shares: numbers (blocks,), norm of a block's change over the norm of its output.
        norms: `{name: numbers (blocks + 1,)}`, norms of the signal before and after each block.
        gradients: `{name: numbers (blocks + 1,)}`, norms of the gradient at the same places, or None.

    Raises:
        ValueError: no block, or norms of another length.
    """
    shares = as_array("shares", shares, dimensions=1)
    panels = [("norm of the signal", norms)] + ([("norm of the gradient", gradients)] if gradients else [])
    figure = new_figure(height=2.9)
    axes = figure.subplots(1, 1 + len(panels))
    blocks = np.arange(1, len(shares) + 1)
    axes[0].plot(blocks, shares, "o-", color=_AFTER, markersize=4)
    axes[0].set(xlabel="block", ylabel="change / output", ylim=(0, max(1.05, 1.1 * shares.max())))
    for axis, (label, series) in zip(axes[1:], panels, strict=True):
        for (name, values), (color, marker, line) in zip(
            series.items(), (("#0072B2", "o", "-"), ("#202020", "s", "--")), strict=False
        ):
            values = as_array(name, values, dimensions=1)
            if len(values) != len(shares) + 1:
                raise ValueError(
                    f"{name} has {len(values)} norms, expected {len(shares) + 1}, one more than blocks."
                )
            axis.plot(np.arange(len(values)), np.maximum(values, 1e-30), color=color, marker=marker, linestyle=line,
                      markersize=3.5, label=name)  # fmt: skip
        axis.set(xlabel="block", ylabel=label, yscale="log")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


@styled
def decision(original, changed, before, after, class_names, *, label=None):
    """An image and its changed form, and what a network makes of each: the probability of every class.

    Args:
        original, changed: (H, W), (H, W, 1) or (H, W, 3), floats in [0, 1] or uint8.
        before, after: probabilities (classes,) of the two.
        class_names: one name a class.
        label: index of the true class, marked by a star, or None.

    Raises:
        ValueError: shapes that do not belong together.
    """
    before, after = as_array("before", before, dimensions=1), as_array("after", after, dimensions=1)
    names = [literal(shorten(n, 18)) for n in as_names("class_names", class_names, len(before))]
    if before.shape != after.shape:
        raise ValueError(f"before has {len(before)} probabilities and after {len(after)}; give equally many.")
    if label is not None:
        names[label] = f"★ {names[label]}"
    figure = new_figure(height=max(2.9, 0.27 * len(names) + 0.8))
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.7))
    for axis, image, title, values in (
        (axes[0], original, "as it is", before),
        (axes[1], changed, "changed", after),
    ):
        image = np.squeeze(as_array(title, image))
        top = 255 if image.dtype == np.uint8 else 1
        axis.imshow(image, cmap="gray", vmin=0, vmax=top)
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.set_title(f"{title}\n{names[int(values.argmax())]} {values.max():.0%}", fontsize=9)
    rows = np.arange(len(names))
    axes[2].barh(rows - 0.19, before, height=0.36, color=_BEFORE, label="as it is")
    axes[2].barh(
        rows + 0.19,
        after,
        height=0.36,
        color=_AFTER,
        label="changed",
        hatch="///",
        edgecolor="white",
        linewidth=0,
    )
    axes[2].set_yticks(rows, names)
    axes[2].set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel="probability", ylabel="class")
    axes[2].tick_params(axis="y", length=0)
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure

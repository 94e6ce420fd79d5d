"""Images in a grid: examples, filters, feature maps, and what a network got most wrong."""

import math

import numpy as np

from cnnlib.plots.fonts import width_of
from cnnlib.plots.shapes import TEXT, text_width
from cnnlib.plots.style import LIGHT_GREY, WIDTH, as_array, as_names, literal, new_figure, shorten, styled

ROUNDING = 1e-5  # transforms in single precision leave [0, 1] by so much
_MAX_TILES = 256  # beyond this a tile is too small to be seen


@styled
def image_grid(images, titles=None, columns=None):
    """Images side by side, grey or in colour.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3); uint8, or floats in [0, 1].
        titles: a string above each, or None.
        columns: images in a row; default as suits N, at most 10.

    Raises:
        ValueError: another shape or range, more than 256 images, or not one title for each.
    """
    return _tiles(_as_images(images), titles, columns, vmin=0, vmax=1)


@styled
def filters(kernels, columns=None):
    """The kernels of a convolution: in colour where they see 3 channels, else each input channel's in grey.

    Args:
        kernels: (kh, kw, channels, filters), as Keras stores them; at most 256 pictures.
        columns: pictures in a row.

    Raises:
        ValueError: not four dimensions, or more than 256 pictures.
    """
    kernels = as_array("kernels", kernels, dimensions=4).astype(np.float64)
    count = kernels.shape[3]
    if kernels.shape[2] == 3:
        tiles = kernels.transpose(3, 0, 1, 2)
        tiles = 0.5 + 0.5 * tiles / _largest(tiles, axis=(1, 2, 3))
        return _tiles(tiles, [f"{i}" for i in range(count)], columns, vmin=0, vmax=1)
    channels = kernels.shape[2]
    tiles = kernels.transpose(3, 2, 0, 1).reshape(-1, *kernels.shape[:2])
    titles = [f"{i}" if channels == 1 else f"{i} ← {j}" for i in range(count) for j in range(channels)]
    tiles = tiles / _largest(tiles, axis=(1, 2))
    if columns is None and 1 < channels <= 16:
        columns = channels
    return _tiles(tiles[..., None], titles, columns, vmin=-1, vmax=1, colors="RdBu_r")


@styled
def feature_maps(maps, titles=None, columns=None):
    """What each channel of a layer makes of one image, each channel on its own scale, dark to light.

    Args:
        maps: (H, W, channels) of one image, at most 256 channels.
        titles: a string above each; default the channel's number.
        columns: maps in a row.

    Raises:
        ValueError: not three dimensions, more than 256 channels, or not one title for each.
    """
    maps = as_array("maps", maps, dimensions=3).astype(np.float64)
    tiles = maps.transpose(2, 0, 1)
    low = tiles.min(axis=(1, 2), keepdims=True)
    tiles = (tiles - low) / _largest(tiles - low, axis=(1, 2))
    titles = [f"{i}" for i in range(len(tiles))] if titles is None else titles
    return _tiles(tiles[..., None], titles, columns, vmin=0, vmax=1, colors="cividis")


@styled
def worst_mistakes(images, labels, probabilities, class_names, count=12):
    """The wrong predictions that the network was most sure of, each with its class and the true one.

    Args:
        images: (N, H, W, C) or (N, H, W), uint8, or floats in [0, 1].
        labels: integers (N,).
        probabilities: (N, classes), each row the network's belief.
        class_names: one name a class.
        count: how many at most; fewer are shown where there are fewer mistakes, and one line where there is none.

    Raises:
        ValueError: shapes that do not belong together, or a label out of range.
    """
    probabilities = as_array("probabilities", probabilities, dimensions=2)
    labels = as_array("labels", labels, dimensions=1)
    names = as_names("class_names", class_names, probabilities.shape[1])
    if not len(images) == len(labels) == len(probabilities):
        raise ValueError(
            f"images, labels and probabilities have {len(images)}, {len(labels)} and {len(probabilities)} "
            "entries; they must be equally many."
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(f"labels must be integers from 0 to {len(names) - 1}, one of {len(names)} classes.")
    if not isinstance(count, (int, np.integer)) or not 1 <= count <= _MAX_TILES:
        raise ValueError(f"count={count!r} must be an integer from 1 to {_MAX_TILES}.")
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    if not len(wrong):
        return _says_so(f"no mistake among {len(labels)} images")
    surest = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:count]
    names = [literal(shorten(name, 16)) for name in names]
    titles = [
        f"{names[predicted[i]]} {probabilities[i, predicted[i]]:.0%}\nis {names[labels[i]]}" for i in surest
    ]
    return _tiles(_as_images(np.asarray(images)[surest]), titles, min(6, len(surest)), vmin=0, vmax=1)


def _says_so(text):
    """A figure of one line, for where there is nothing to show."""
    figure = new_figure(height=0.6)
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def _as_images(images):
    images = as_array("images", images, dimensions=(3, 4))
    images = images[..., None] if images.ndim == 3 else images
    if images.shape[3] not in (1, 3):
        raise ValueError(f"images of shape {images.shape} must have 1 or 3 channels, in the last dimension.")
    if images.dtype == np.uint8:
        return images / 255
    if images.min() < -ROUNDING or images.max() > 1 + ROUNDING:
        raise ValueError(
            f"images range from {images.min():g} to {images.max():g}; give uint8 images, or floats in [0, 1]."
        )
    return images.astype(np.float64).clip(0, 1)


def _largest(tiles, axis):
    """Largest magnitude of each tile, 1 where it is 0, to divide by."""
    largest = np.abs(tiles).max(axis=axis, keepdims=True)
    return np.where(largest == 0, 1, largest)


def _tiles(tiles, titles, columns, *, vmin, vmax, colors="gray"):
    """Tiles (N, H, W, 1 or 3) in rows of `columns`, each with its title."""
    count = len(tiles)
    if count > _MAX_TILES:
        raise ValueError(f"{count} pictures do not fit; give at most {_MAX_TILES}.")
    titles = None if titles is None else as_names("titles", titles, count)
    columns = _columns(columns, count, titles)
    if titles is not None:
        titles = [_fitted(title, min(WIDTH / columns, 2.0) - 0.08) for title in titles]
    rows = math.ceil(count / columns)
    lines = 0 if titles is None else max(title.count("\n") + 1 for title in titles)
    # As wide as the column allows, but the whole no higher than wide unless tiles would get too small.
    tile_width = min(WIDTH / columns, 2.0, max(0.5, WIDTH / rows))
    tile_height = tile_width * tiles.shape[1] / tiles.shape[2] + 0.175 * lines
    figure = new_figure(height=max(0.6, rows * tile_height + 0.1), width=max(1.0, columns * tile_width))
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.04, wspace=0.01, hspace=0.0)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.set_axis_off()
    for i, axis in enumerate(axes[:count]):
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color=LIGHT_GREY, linewidth=0.8)
        picture = tiles[i] if tiles.shape[3] == 3 else tiles[i, ..., 0]
        axis.imshow(picture, cmap=colors, vmin=vmin, vmax=vmax)
        if titles is not None:
            axis.set_title(titles[i], fontsize=TEXT, pad=2)
    return figure


def _columns(columns, count, titles):
    if columns is None:
        longest = max((width_of(line) for title in titles or () for line in title.split("\n")), default=0)
        most = 10 if longest <= 10 else 6
        return min(count, most)
    if not isinstance(columns, (int, np.integer)) or isinstance(columns, bool) or not 1 <= columns <= 32:
        raise ValueError(f"columns={columns!r} must be an integer from 1 to 32.")
    return int(min(columns, count))


def _fitted(title, width):
    """A title in lines that are no wider than `width` inches: broken at spaces, and cut where one word is too long."""
    lines = []
    for line in title.split("\n"):
        current = ""
        for word in line.split(" "):
            while len(word) > 1 and text_width(word) > width:
                word = word[:-2].rstrip("…") + "…"
            joined = f"{current} {word}" if current else word
            if current and text_width(joined) > width:
                lines.append(current)
                joined = word
            current = joined
        lines.append(current)
    return "\n".join(lines)

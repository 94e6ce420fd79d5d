"""What a change of the picture does: to a network's answers (invariance) and to its maps (equivariance)."""

import operator

import numpy as np

from cnnlib.inspect.outputs import as_float, feature_maps, predict


def shift_consistency(model, images, shifts):
    """Share of pictures that keep their answer, right or wrong, when they are moved (Zhang, 2019, section 4.1).

    Args:
        model: a `keras.Model` from images to scores (N, classes), or to a dict with them under `scores`.
        images: (N, H, W, C), uint8 or floats in [0, 1]. Black comes in at one side, and what leaves at the other is
            lost: pictures with a black margin of the largest shift lose nothing.
        shifts: pixels; for each either (down, right), negative for up and left, or one integer s, which stands for
            the mean of moves by s downwards and by s to the right.

    Returns:
        list of floats in [0, 1], one for each shift; 1 for an unmoved picture.

    Raises:
        ValueError: a shift that is no integer or pair of integers, or not smaller than the picture.
    """
    moves = [_moves_of(shift, images.shape[1:3]) for shift in shifts]
    before = _answers(model, images)
    return [
        float(np.mean([_answers(model, _moved(images, *move)) == before for move in group]))
        for group in moves
    ]


def equivariance_error(model, images, layer_names, transform, transform_maps=None, crop=0):
    """How far the maps of changed pictures are from the changed maps of the pictures, layer by layer.

    A layer f is equivariant to a change T if f(T x) = T' f(x). The error is the root mean square of the difference
    of both sides, divided by that of their deviations from each channel's mean: 0 for an equivariant layer, about 1
    for maps that have nothing to do with each other.

    Args:
        model: a functional `keras.Model` on images (N, H, W, C).
        images: (N, H, W, C), uint8 or floats in [0, 1].
        layer_names: one name or several of layers with maps (N, h, w, c).
        transform: T, from float images (N, H, W, C) to images of the same shape, in NumPy.
        transform_maps: T', the same change on maps (N, h, w, c); default `transform`. A picture moved by two pixels
            moves the maps behind a stride of two by one.
        crop: rows and columns at each side of the maps that are not compared, at least 0.

    Returns:
        `{name: error}`, in the order of the names.

    Raises:
        ValueError: a layer without maps, a change of the maps' shape, or a crop that leaves nothing.
    """
    names = [layer_names] if isinstance(layer_names, str) else list(layer_names)
    pictures = as_float(images)
    maps = feature_maps(model, pictures, names)
    for name in names:
        if maps[name].ndim != 4:
            raise ValueError(
                f"layer_names={name!r} gives {maps[name].shape}; expected a layer of maps (N, h, w, c)"
            )
    changed = {name: (transform_maps or transform)(maps[name]) for name in names}
    of_changed = feature_maps(model, np.ascontiguousarray(transform(pictures)), names)
    return {name: _relative_distance(name, of_changed[name], changed[name], crop) for name in names}


def _moves_of(shift, sides):
    try:
        pair = [operator.index(s) for s in (shift if isinstance(shift, tuple | list) else (shift,))]
    except TypeError:
        pair = []
    if len(pair) not in (1, 2) or any(abs(s) >= side for s, side in zip(pair, sides, strict=False)):
        raise ValueError(
            f"shifts: {shift!r} must be an integer or a pair (down, right) of less than {sides[0]}x{sides[1]} pixels"
        )
    return [tuple(pair)] if len(pair) == 2 else [(pair[0], 0), (0, pair[0])]


def _moved(images, down, right):
    """Images moved by whole pixels, black where nothing comes in."""
    target, source = zip(*(_overlap(s) for s in (down, right)), strict=True)
    moved = np.zeros_like(images)
    moved[:, *target] = images[:, *source]
    return moved


def _overlap(shift):
    """The places of a moved axis that are filled, and where they come from."""
    return (
        (slice(shift, None), slice(None, -shift or None))
        if shift >= 0
        else (slice(shift), slice(-shift, None))
    )


def _answers(model, images):
    scores = predict(model, images)
    return (scores["scores"] if isinstance(scores, dict) else scores).argmax(axis=-1)


def _relative_distance(name, one, other, crop):
    if one.shape != other.shape:
        raise ValueError(
            f"layer_names={name!r}: maps of {one.shape} and {other.shape} cannot be compared; expected a change that "
            "leaves their shape"
        )
    if not 0 <= 2 * crop < min(one.shape[1:3]):
        raise ValueError(
            f"crop={crop!r} must be from 0 to less than half of the maps' {one.shape[1]}x{one.shape[2]}"
        )
    inside = slice(crop, -crop or None)
    one, other = (maps[:, inside, inside].astype("float64") for maps in (one, other))
    spread = sum(np.mean(np.square(maps - maps.mean(axis=(0, 1, 2)))) for maps in (one, other))
    distance = np.mean(np.square(one - other))
    if spread == 0:  # constant maps are equal or have nothing in common
        return 0.0 if distance == 0 else float("inf")
    return float(np.sqrt(distance / spread))

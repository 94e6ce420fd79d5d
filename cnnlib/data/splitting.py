"""Cutting the validation set and a training subset: seeded, stratified by class, sizes exact."""

import numpy as np

from cnnlib._checks import as_count


def spread_classes(labels: np.ndarray, tie_break: np.ndarray | None = None) -> np.ndarray:
    """An order of the images in which every prefix holds the classes in (nearly) their overall shares.

    The r-th image of a class of n is given the position (r + 1/2) / n; all images are sorted by it. A
    prefix differs from the exact share of a class by less than one image for each class, and a longer
    prefix contains every shorter one.

    Args:
        labels: integers (N,).
        tie_break: floats (N,) which decide the rank inside a class and between classes at one position;
            default the order given.

    Returns:
        Indices (N,) into `labels`.
    """
    if tie_break is None:
        tie_break = np.arange(len(labels), dtype=np.float64)
    by_class = np.lexsort((tie_break, labels))
    counts = np.bincount(labels)
    first = np.cumsum(counts) - counts
    rank = np.empty(len(labels), np.int64)
    rank[by_class] = np.arange(len(labels)) - first[labels[by_class]]
    return np.lexsort((tie_break, (rank + 0.5) / counts[labels]))


def split_indices(
    labels: np.ndarray, train_examples: int | None, validation_examples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation images, each ascending and disjoint.

    Args:
        labels: integers (N,) of all images that are not test images.
        train_examples: size of the training set, or None for all that validation leaves.
        validation_examples: size of the validation set, 0 for none.
        seed: integer of at least 0; with one seed and one validation size, a smaller training set is
            contained in a larger one.

    Raises:
        ValueError: a size is no integer, negative, or more than there are images.
    """
    total = len(labels)
    seed = as_count("seed", seed, least=0)
    validation_examples = as_count("validation_examples", validation_examples, least=0)
    remaining = total - validation_examples
    if remaining < 1:
        raise ValueError(
            f"validation_examples={validation_examples} leaves none of the {total} training images to "
            f"train on; give at most {total - 1}."
        )
    train_examples = (
        remaining if train_examples is None else as_count("train_examples", train_examples, least=1)
    )
    if train_examples > remaining:
        raise ValueError(
            f"train_examples={train_examples} is more than the {remaining} images that remain of {total} "
            f"after validation_examples={validation_examples}; give at most {remaining}."
        )
    order = spread_classes(labels, np.random.default_rng(seed).random(total))
    validation = order[:validation_examples]
    train = order[validation_examples : validation_examples + train_examples]
    return np.sort(train), np.sort(validation)

"""A little data set that can be learnt in seconds: bright squares in one of four corners, with noise."""

import numpy as np

from cnnlib.data import Dataset, Split

CLASSES = 4


def corner_split(examples, seed, size=12):
    """uint8 (N, size, size, 1); the label tells which quarter is bright."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, examples).astype(np.int32)
    images = random.integers(0, 120, (examples, size, size, 1))
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half : (row + 1) * half, column * half : (column + 1) * half] += 100
    return Split(images.astype(np.uint8), labels)


def corners(train=512, validation=130, test=203):
    """Training, validation and test set; the last two are no multiples of any batch size."""
    names = ("upper left", "upper right", "lower left", "lower right")
    return Dataset(
        corner_split(train, 1), corner_split(validation, 2), corner_split(test, 3), names, "corners", "0" * 64
    )

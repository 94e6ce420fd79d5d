"""The form in which all of the course's images come: three splits of uint8 images and labels."""

from dataclasses import dataclass

import numpy as np

from cnnlib._checks import as_count, shown


class DataError(ValueError):
    """A file of a data set is missing, damaged or not what it should be; the message is one sentence."""


# What a reader gives: (train_images, train_labels), (test_images, test_labels), class_names, sha256.
Source = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], tuple[str, ...], str]


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    images: uint8 (N, H, W, C), 0 is black; labels: int32 (N,), from 0 to classes - 1.

    Raises:
        ValueError: arrays of another type or shape, or a label below 0.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"images must be a NumPy array of uint8 (N, H, W, C), not {_form(images)}.")
        if not isinstance(labels, np.ndarray) or labels.dtype != np.int32 or labels.shape != images.shape[:1]:
            raise ValueError(f"labels must be a NumPy array of int32 ({len(images)},), not {_form(labels)}.")
        if labels.min(initial=0) < 0:
            raise ValueError(f"labels must be numbers of classes from 0 on, and one is {labels.min()}.")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, count: int) -> "Split":
        """The first `count` images as a Split of their own (a view, not a copy).

        Raises:
            ValueError: `count` is no integer, negative, or more than there are.
        """
        count = as_count("count", count, least=0)
        if count > len(self):
            raise ValueError(f"count={count} is more than the {len(self)} images of this split; take fewer.")
        return Split(self.images[:count], self.labels[:count])

    def __repr__(self) -> str:
        return f"Split({len(self)} images {self.images.shape[1:]})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint sets: `train` to fit, `validation` to choose, `test` to report once.

    class_names: one name a label; name: what `load` was asked for; sha256: hash (hexadecimal) of the
    content of the files that the images came from, before splitting or coloring.

    Raises:
        ValueError: a part is no Split or of another image size, or a label has no class name.
    """

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    name: str
    sha256: str

    def __post_init__(self) -> None:
        for part in ("train", "validation", "test"):
            split = getattr(self, part)
            if not isinstance(split, Split):
                raise ValueError(f"{part}={shown(split)} must be a data.Split(images, labels).")
            if split.images.shape[1:] != self.train.images.shape[1:]:
                sizes = f"{split.images.shape[1:]}, those of train {self.train.images.shape[1:]}"
                raise ValueError(f"images of {part} are {sizes}; they must be of one shape (H, W, C).")
            if split.labels.max(initial=0) >= len(self.class_names):
                highest = f"label {split.labels.max()}, and class_names has {len(self.class_names)}"
                raise ValueError(f"{part} holds the {highest}; give one name for each class from 0 on.")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image, in pixels and channels."""
        return self.train.images.shape[1:]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part}={len(getattr(self, part))}" for part in ("train", "validation", "test"))
        return (
            f"Dataset({self.name!r}, {sizes}, image_shape={self.image_shape}, classes={self.classes}, "
            f"sha256={self.sha256[:12]}...)"
        )


def to_float(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images of any shape to float32 in [0, 1]: images / 255.

    The one scaling of the course. It leaves black at 0, which is what zero padding puts around an image.

    Raises:
        ValueError: `images` is not uint8, for instance because it has been scaled already.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images of type {images.dtype} cannot be scaled; give uint8 images, 0 to 255.")
    # A table of the 256 results is exact and much quicker than a division for each pixel.
    return (np.arange(256, dtype=np.float32) / np.float32(255))[images]


def _form(value):
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else shown(value)

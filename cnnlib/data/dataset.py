"""The form in which all of the course's images come: three splits of uint8 images and labels."""

from dataclasses import dataclass

import numpy as np


class DataError(ValueError):
    """A file of a data set is missing, damaged or not what it should be; the message is one sentence."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    images: uint8 (N, H, W, C), 0 is black; labels: int32 (N,), from 0 to classes - 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images must be uint8 (N, H, W, C), not {self.images.dtype} {self.images.shape}"
            )
        if self.labels.dtype != np.int32 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels must be int32 ({len(self.images)},), not {self.labels.dtype} {self.labels.shape}"
            )

    def __len__(self):
        return len(self.labels)

    def take(self, count):
        """The first `count` images as a Split of their own (a view, not a copy).

        Raises:
            ValueError: `count` is no integer, negative, or more than there are.
        """
        count = as_count("count", count, least=0)
        if count > len(self):
            raise ValueError(f"count={count} is more than the {len(self)} images of this split; take fewer.")
        return Split(self.images[:count], self.labels[:count])

    def __repr__(self):
        return f"Split({len(self)} images {self.images.shape[1:]})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint sets: `train` to fit, `validation` to choose, `test` to report once.

    class_names: one name a label; name: what `load` was asked for; sha256: hash (hexadecimal) of the
    content of the files that the images came from, before splitting or colouring.
    """

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    name: str
    sha256: str

    @property
    def image_shape(self):
        """(H, W, C) of every image, in pixels and channels."""
        return self.train.images.shape[1:]

    @property
    def classes(self):
        """Number of classes."""
        return len(self.class_names)

    def __repr__(self):
        sizes = ", ".join(f"{part}={len(getattr(self, part))}" for part in ("train", "validation", "test"))
        return (
            f"Dataset({self.name!r}, {sizes}, image_shape={self.image_shape}, classes={self.classes}, "
            f"sha256={self.sha256[:12]}...)"
        )


def to_float(images):
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


def as_count(name, value, *, least):
    """`value` as an int of at least `least`; a ValueError that names the argument otherwise."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ValueError(f"{name}={value!r} must be an integer of at least {least}.")

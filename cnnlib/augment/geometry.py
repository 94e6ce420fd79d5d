"""Transforms that move pixels: mirror images, crops, rotation, scale, shear, elastic distortion."""

import math

import keras
import numpy as np
from keras import ops

from cnnlib.augment.base import Augmentation, check_range
from cnnlib.layers._common import serializable


def sample(images, rows, columns):
    """Images read at places between pixels, bilinearly: (N,H,W,C).

    Args:
        images: (N,H,W,C).
        rows, columns: (N,H,W), where each pixel of the result comes from, in pixels; black outside the image.
    """
    height, width, channels = images.shape[1:]
    top, left = ops.floor(rows), ops.floor(columns)
    first = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32") * (height * width), (-1, 1, 1))
    flat = ops.reshape(images, (-1, channels))

    def corner(row, column, weight):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row = ops.cast(ops.clip(row, 0, height - 1), "int32")
        column = ops.cast(ops.clip(column, 0, width - 1), "int32")
        values = ops.take(flat, first + row * width + column, axis=0)
        return values * ops.expand_dims(weight * ops.cast(inside, images.dtype), -1)

    down, right = rows - top, columns - left
    return (
        corner(top, left, (1 - down) * (1 - right))
        + corner(top, left + 1, (1 - down) * right)
        + corner(top + 1, left, down * (1 - right))
        + corner(top + 1, left + 1, down * right)
    )


def _centred_grid(images):
    """Rows and columns of the pixels, counted from the middle of the image: (1,H,W) each."""
    height, width = images.shape[1:3]
    rows, columns = np.meshgrid(
        np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
    )
    return tuple(ops.convert_to_tensor(axis[None], dtype=images.dtype) for axis in (rows, columns))


@serializable
class RandomFlip(Augmentation):
    """The mirror image, left to right, of a share of the images.

    Args:
        probability: that an image is mirrored, 0 to 1.
    """

    def __init__(self, probability=0.5, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("probability", probability, 0, 1)
        self.probability = probability

    def transform(self, images):
        mirrored = self.draw(images, 0.0, 1.0)[:, :, None, None] < self.probability
        return ops.where(mirrored, ops.flip(images, axis=2), images)

    def get_config(self):
        return {**super().get_config(), "probability": self.probability}


@serializable
class RandomCrop(Augmentation):
    """A window of the image's own size out of the image with a black border: a shift by whole pixels.

    Args:
        padding: width of the border in pixels, at least 0; shifts are -padding to padding, all equally likely
            (He et al., 2016, section 4.2: 4 pixels on CIFAR-10).
    """

    def __init__(self, padding=4, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not isinstance(padding, int) or padding < 0:
            raise ValueError(f"padding={padding!r} must be an integer of at least 0")
        self.padding = padding

    def transform(self, images):
        height, width = images.shape[1:3]
        shifts = ops.floor(self.draw(images, -self.padding, self.padding + 1, size=2))
        # Shifting by a matrix of zeros and ones is exact, and quick on every backend.
        rows = self._shifter(shifts[:, :1], height, images.dtype)
        columns = self._shifter(shifts[:, 1:], width, images.dtype)
        return ops.einsum("nkw,niwc->nikc", columns, ops.einsum("nij,njwc->niwc", rows, images))

    @staticmethod
    def _shifter(shift, size, dtype):
        """(N, size, size): row i has a one at column i + shift, if there is one."""
        places = ops.arange(size, dtype=dtype)
        return ops.cast(places[None, None, :] == places[None, :, None] + shift[:, :, None], dtype)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@serializable
class RandomAffine(Augmentation):
    """Rotation, scale, shear and shift around the middle of the image, black outside.

    Args:
        rotation: degrees; the angle is uniform from -rotation to rotation, at most 180.
        scale: (low, high): how many times as large as before, 0.1 to 10, uniform in its logarithm.
        shear: degrees by which vertical lines lean, -shear to shear, at most 60.
        shift: share of the image's sides, -shift to shift, at most 1.
    """

    def __init__(self, rotation=0.0, scale=(1.0, 1.0), shear=0.0, shift=0.0, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("rotation", rotation, 0, 180)
        check_range("shear", shear, 0, 60)
        check_range("shift", shift, 0, 1)
        for value in scale:
            check_range("scale", value, 0.1, 10)
        if scale[0] > scale[1]:
            raise ValueError(f"scale={scale!r} must be (low, high) with low at most high")
        self.rotation, self.scale, self.shear, self.shift = rotation, tuple(scale), shear, shift

    def transform(self, images):
        height, width = images.shape[1:3]
        draws = [column[:, :, None] for column in ops.split(self.draw(images, -1.0, 1.0, size=5), 5, axis=1)]
        angle, lean = draws[0] * math.radians(self.rotation), draws[1] * math.radians(self.shear)
        low, high = (math.log(value) for value in self.scale)
        zoom = ops.exp((low + high) / 2 + draws[2] * (high - low) / 2)
        rows, columns = _centred_grid(images)
        rows = rows - draws[3] * self.shift * height
        columns = columns - draws[4] * self.shift * width
        # From a place of the result back to its place in the image: undo shift, rotation, shear, scale.
        back_rows = (ops.cos(angle) * rows + ops.sin(angle) * columns) / zoom
        back_columns = (ops.cos(angle) * columns - ops.sin(angle) * rows) / zoom - ops.tan(lean) * back_rows
        return sample(images, back_rows + (height - 1) / 2, back_columns + (width - 1) / 2)

    def get_config(self):
        settings = {"rotation": self.rotation, "scale": self.scale, "shear": self.shear, "shift": self.shift}
        return {**super().get_config(), **settings}


@serializable
class ElasticDistortion(Augmentation):
    """Every pixel moves a little, neighbours alike, as the hand's tremor does to writing (Simard et al., 2003).

    Random displacements are blurred by a Gaussian and brought to a root mean square of `strength`.

    Args:
        strength: typical displacement in pixels, 0 to 10.
        smoothness: standard deviation of the Gaussian in pixels, 0.5 to 10.
    """

    def __init__(self, strength=1.0, smoothness=3.0, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("strength", strength, 0, 10)
        check_range("smoothness", smoothness, 0.5, 10)
        self.strength, self.smoothness = strength, smoothness

    def transform(self, images):
        height, width = images.shape[1:3]
        shape = (ops.shape(images)[0], height, width, 2)
        field = keras.random.normal(shape, seed=self.generator, dtype=images.dtype)
        for kernel in self._kernels(images.dtype):
            field = ops.depthwise_conv(field, kernel, padding="same")
        mean_square = ops.mean(ops.square(field), axis=(1, 2, 3), keepdims=True)
        field = field * self.strength / ops.sqrt(mean_square + 1e-12)
        rows, columns = _centred_grid(images)
        return sample(
            images,
            rows + (height - 1) / 2 + field[..., 0],
            columns + (width - 1) / 2 + field[..., 1],
        )

    def _kernels(self, dtype):
        """The Gaussian along rows, then along columns: (k,1,2,1) and (1,k,2,1)."""
        reach = math.ceil(3 * self.smoothness)
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.smoothness) ** 2)
        weights = np.repeat((weights / weights.sum())[:, None], 2, axis=1)[..., None]
        return [ops.convert_to_tensor(weights.reshape(shape), dtype=dtype)
                for shape in ((-1, 1, 2, 1), (1, -1, 2, 1))]  # fmt: skip

    def get_config(self):
        settings = {"strength": self.strength, "smoothness": self.smoothness}
        return {**super().get_config(), **settings}

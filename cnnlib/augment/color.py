"""Transforms of values: brightness, contrast, saturation, PCA colour, noise."""

import keras
import numpy as np
from keras import ops

from cnnlib.augment.base import Augmentation, check_range
from cnnlib.layers._common import serializable

LUMA = (0.299, 0.587, 0.114)  # share of red, green and blue in what the eye sees as brightness (ITU-R BT.601)


@serializable
class RandomColor(Augmentation):
    """Brightness, contrast and saturation, each by a factor around one; clipped to [0, 1].

    Args:
        brightness: all values times 1 - b to 1 + b, b from 0 to 1.
        contrast: distances from the image's mean brightness times 1 - c to 1 + c.
        saturation: distances from the pixel's own grey times 1 - s to 1 + s; RGB images only, 0 for grey ones.

    Raises:
        ValueError: an argument out of range, or saturation for images without three channels.
    """

    def __init__(self, brightness=0.2, contrast=0.2, saturation=0.0, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
            check_range(name, value, 0, 1)
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation

    def transform(self, images):
        if self.saturation and images.shape[-1] != 3:
            raise ValueError(
                f"saturation={self.saturation} needs RGB images; these have {images.shape[-1]} channels"
            )
        draws = ops.split(self.draw(images, -1.0, 1.0, size=3), 3, axis=1)
        brightness, contrast, saturation = (d[:, :, None, None] for d in draws)
        images = images * (1 + self.brightness * brightness)
        mean = ops.mean(_grey(images), axis=(1, 2, 3), keepdims=True)
        images = mean + (images - mean) * (1 + self.contrast * contrast)
        if self.saturation:
            grey = _grey(images)
            images = grey + (images - grey) * (1 + self.saturation * saturation)
        return ops.clip(images, 0.0, 1.0)

    def get_config(self):
        settings = {"brightness": self.brightness, "contrast": self.contrast, "saturation": self.saturation}
        return {**super().get_config(), **settings}


def _grey(images):
    """Brightness of each pixel, (N,H,W,1)."""
    if images.shape[-1] == 1:
        return images
    return ops.sum(images * ops.convert_to_tensor(LUMA, dtype=images.dtype), axis=-1, keepdims=True)


@serializable
class PCAColor(Augmentation):
    """Moves all pixels of an image along the principal components of the training set's colours.

    Adds the components times (alpha_i * lambda_i), alpha_i normal with standard deviation `strength`, drawn once for
    each image (Krizhevsky et al., 2012, section 4.1); clipped to [0, 1].

    Args:
        components: (3, 3), a component in each column; see `from_images`.
        deviations: (3,), standard deviation of the colours along each component.
        strength: 0 to 1; the paper's 0.1.
    """

    def __init__(self, components, deviations, strength=0.1, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("strength", strength, 0, 1)
        self.components, self.deviations = (
            np.asarray(components, "float32"),
            np.asarray(deviations, "float32"),
        )
        if self.components.shape != (3, 3) or self.deviations.shape != (3,):
            raise ValueError(
                f"components {self.components.shape} and deviations {self.deviations.shape} must be (3, 3) and (3,)"
            )
        self.strength = strength

    @classmethod
    def from_images(cls, images, **options):
        """With the components of all pixels of `images`, uint8 (N,H,W,3): the training set's.

        Raises:
            ValueError: images without three channels.
        """
        if images.shape[-1] != 3:
            raise ValueError(f"images of shape {images.shape}: PCA colour needs three channels")
        pixels = images.reshape(-1, 3).astype("float64") / 255
        variances, components = np.linalg.eigh(np.cov(pixels.T))
        return cls(components, np.sqrt(np.maximum(variances, 0)), **options)

    def transform(self, images):
        shape = (ops.shape(images)[0], 3)
        factors = self.strength * keras.random.normal(shape, seed=self.generator, dtype=images.dtype)
        moves = ops.matmul(factors * self.deviations, self.components.T)
        return ops.clip(images + moves[:, None, None, :], 0.0, 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "components": self.components.tolist(),
            "deviations": self.deviations.tolist(),
            "strength": self.strength,
        }


@serializable
class GaussianNoise(Augmentation):
    """Normal noise on each value, clipped to [0, 1]; its standard deviation is drawn for each image.

    Args:
        deviation: largest standard deviation, 0 to 1; an image's is uniform from 0 to it.
    """

    def __init__(self, deviation=0.1, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("deviation", deviation, 0, 1)
        self.deviation = deviation

    def transform(self, images):
        size = self.draw(images, 0.0, self.deviation)[:, :, None, None] if self.deviation else 0.0
        noise = keras.random.normal(ops.shape(images), seed=self.generator, dtype=images.dtype)
        return ops.clip(images + size * noise, 0.0, 1.0)

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation}

"""Transforms that take something away or put two images into one: random erasing, mixup."""

import keras
from keras import ops

from cnnlib.augment.base import Augmentation, check_range
from cnnlib.layers._common import serializable


@serializable
class RandomErasing(Augmentation):
    """A rectangle of the image filled with noise (Zhong et al., 2020).

    Args:
        probability: that an image gets a rectangle, 0 to 1.
        area: (low, high): share of the image's area, 0 to 1; what would stand over the border is cut off.
        aspect: height to width lies between this and its inverse, 0.1 to 1, uniform in its logarithm.
    """

    def __init__(self, probability=0.5, area=(0.02, 0.4), aspect=0.3, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("probability", probability, 0, 1)
        check_range("aspect", aspect, 0.1, 1)
        for value in area:
            check_range("area", value, 0, 1)
        if area[0] > area[1]:
            raise ValueError(f"area={area!r} must be (low, high) with low at most high")
        self.probability, self.area, self.aspect = probability, tuple(area), aspect

    def transform(self, images):
        height, width = images.shape[1:3]
        chosen, size, shape, row, column = ops.split(self.draw(images, 0.0, 1.0, size=5), 5, axis=1)
        area = (self.area[0] + size * (self.area[1] - self.area[0])) * height * width
        ratio = ops.exp((2 * shape - 1) * ops.log(ops.convert_to_tensor(self.aspect, dtype=images.dtype)))
        erased = (
            self._inside(row, ops.sqrt(area * ratio), height)[:, :, None]
            & (self._inside(column, ops.sqrt(area / ratio), width)[:, None, :])
        )
        erased = erased & (chosen[:, :, None] < self.probability)
        noise = keras.random.uniform(ops.shape(images), seed=self.generator, dtype=images.dtype)
        return ops.where(erased[..., None], noise, images)

    @staticmethod
    def _inside(place, length, size):
        """(N, size), True for `length` pixels from a start that is uniform over the image."""
        length = ops.minimum(length, float(size))
        start = place * (size - length)
        pixels = ops.arange(size, dtype=place.dtype)[None, :] + 0.5
        return (pixels >= start) & (pixels < start + length)

    def get_config(self):
        settings = {"probability": self.probability, "area": self.area, "aspect": self.aspect}
        return {**super().get_config(), **settings}


@serializable
class Mixup(Augmentation):
    """Weighted means of pairs of images, and of their labels alike (Zhang et al., 2018).

    Called on [images (N,H,W,C), labels (N,)], it returns [images, targets (N, classes)]. Image i is mixed with image
    N - 1 - i of the batch, which is shuffled anyway, with a weight from Beta(alpha, alpha) for each pair.

    Args:
        classes: number of classes, at least 2.
        alpha: 0.05 to 10; the smaller, the more pairs stay nearly unmixed.
    """

    mixes_labels = True

    def __init__(self, classes, alpha=0.2, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        check_range("alpha", alpha, 0.05, 10)
        if not isinstance(classes, int) or classes < 2:
            raise ValueError(f"classes={classes!r} must be an integer of at least 2")
        self.classes, self.alpha = classes, alpha

    def call(self, inputs, training=False):
        images, labels = inputs
        targets = ops.one_hot(labels, self.classes, dtype=images.dtype)
        if not training:
            return [images, targets]
        shape = (ops.shape(images)[0], 1)
        weight = keras.random.beta(shape, self.alpha, self.alpha, seed=self.generator, dtype=images.dtype)
        mixed = weight[:, :, None, None] * images + (1 - weight[:, :, None, None]) * ops.flip(images, axis=0)
        return [mixed, weight * targets + (1 - weight) * ops.flip(targets, axis=0)]

    def compute_output_shape(self, input_shape):
        images, labels = input_shape
        return [images, (*labels, self.classes)]

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "alpha": self.alpha}

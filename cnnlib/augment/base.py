"""What all transforms share: a seeded generator, and doing nothing outside training."""

import keras
from keras import ops

from cnnlib.layers._common import serializable


class Augmentation(keras.layers.Layer):
    """A random transform of images (N,H,W,C), float in [0, 1].

    A subclass defines `transform(images)`, which gives the changed images, of the same shape; or `call`, where it
    changes more than images. `seed` fixes the sequence of draws; None takes it from `keras.utils.set_random_seed`.
    """

    mixes_labels = False

    def __init__(self, seed=None, **kwargs):
        kwargs.setdefault("dtype", "float32")  # pixels are not rounded, whatever the networks compute in
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """There are no weights; the generator's state exists from the start."""

    def call(self, images, training=False):
        return self.transform(images) if training else images

    def draw(self, images, low, high, size=1):
        """Uniform numbers in [low, high), (N, size): the same for all pixels of an image."""
        shape = (ops.shape(images)[0], size)
        return keras.random.uniform(shape, low, high, seed=self.generator, dtype=images.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@serializable
class Chain(keras.layers.Layer):
    """Several transforms, one after another. One that mixes labels comes last.

    Raises:
        ValueError: a transform behind one that mixes labels.
    """

    def __init__(self, transforms, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.transforms = list(transforms)
        if not self.transforms:
            raise ValueError("transforms=[] must hold at least one transform")
        for transform in self.transforms[:-1]:
            if _mixes_labels(transform):
                raise ValueError(f"transforms: {type(transform).__name__} mixes labels and must come last")

    @property
    def mixes_labels(self):
        """Whether it is called on [images, labels], for its last transform mixes both."""
        return _mixes_labels(self.transforms[-1])

    @property
    def classes(self):
        """Number of classes of the targets that a chain which mixes labels gives."""
        return self.transforms[-1].classes

    def build(self, input_shape):
        """There are no weights; the transforms' states exist from the start."""

    def call(self, inputs, training=False):
        images, labels = inputs if self.mixes_labels else (inputs, None)
        for transform in self.transforms[:-1]:
            images = transform(images, training=training)
        return self.transforms[-1]([images, labels] if self.mixes_labels else images, training=training)

    def compute_output_shape(self, input_shape):
        return self.transforms[-1].compute_output_shape(input_shape)

    def get_config(self):
        transforms = [keras.saving.serialize_keras_object(t) for t in self.transforms]
        return {**super().get_config(), "transforms": transforms}

    @classmethod
    def from_config(cls, config):
        transforms = [keras.saving.deserialize_keras_object(t) for t in config.pop("transforms")]
        return cls(transforms, **config)


def _mixes_labels(transform):
    return getattr(transform, "mixes_labels", False)  # a layer of Keras does not say


def check_range(name, value, low, high):
    """ValueError unless `value` is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name}={value!r} must be a number from {low} to {high}")

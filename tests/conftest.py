"""Initial weights by NumPy while the tests run on JAX.

JAX compiles its random generator anew for every shape, which takes half a second for each kernel of a network: three
quarters of these tests' time. No test depends on which generator drew the weights that it starts from.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as lessons have it; before the backend starts

import keras
import numpy as np
import pytest
from keras.src.initializers import random_initializers


@pytest.fixture(scope="session", autouse=True)
def initial_weights_by_numpy():
    if keras.config.backend() != "jax":
        yield
        return
    before, random_initializers.random = random_initializers.random, Draws(random_initializers.random)
    yield
    random_initializers.random = before


class Draws:
    """The random functions that Keras's initializers call; the rest is Keras's own."""

    def __init__(self, keras_random):
        self.keras_random = keras_random

    def __getattr__(self, name):
        return getattr(self.keras_random, name)

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return array(generator(seed).normal(mean, stddev, shape), dtype)

    def uniform(self, shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return array(generator(seed).uniform(minval, maxval, shape), dtype)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        """Draws beyond two standard deviations are taken again, as Keras does."""
        random = generator(seed)
        values = random.normal(size=shape)
        while (beyond := np.abs(values) > 2).any():
            values[beyond] = random.normal(size=int(beyond.sum()))
        return array(mean + stddev * values, dtype)


def generator(seed):
    """`seed` is an integer or a keras SeedGenerator."""
    return np.random.default_rng(seed if isinstance(seed, int) else np.asarray(seed.next()))


def array(values, dtype):
    return keras.ops.convert_to_tensor(np.asarray(values, dtype or keras.config.floatx()))

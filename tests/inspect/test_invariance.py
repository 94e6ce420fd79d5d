"""Consistency under shifts and equivariance, on networks whose answers and maps are known by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlib import inspect


def brightest_column(side=6):
    """A network whose answer is the column that holds most."""
    inputs = keras.Input((side, side, 1))
    return keras.Model(inputs, ops.sum(inputs, axis=(1, 3)))


def anything_there(side=6):
    """An invariant network: its scores are the sums of the picture and of nothing."""
    inputs = keras.Input((side, side, 1))
    total = ops.sum(inputs, axis=(1, 2))
    return keras.Model(inputs, {"scores": ops.concatenate([total, 0 * total], axis=-1)})


def dots(*columns, side=6):
    images = np.zeros((len(columns), side, side, 1), np.uint8)
    images[np.arange(len(columns)), 2, columns] = 255
    return images


def test_an_answer_that_is_a_column_changes_with_moves_to_the_right_alone():
    found = inspect.shift_consistency(brightest_column(), dots(1, 2, 3), [0, (2, 0), (0, 1), (-1, -1), 1])
    assert found == [1.0, 1.0, 0.0, 0.0, 0.5]


def test_what_leaves_the_picture_is_lost_and_does_not_come_in_again():
    # Moved right by two, the dot of column 4 is gone, and an empty picture's answer is column 0; so is column 0's
    # own answer after a move to the left. Around the edge they would come back at columns 0 and 4.
    assert inspect.shift_consistency(brightest_column(), dots(4, 0), [(0, 2), (0, -2)]) == [0.0, 0.5]


def test_an_invariant_network_with_named_outputs_is_consistent():
    assert inspect.shift_consistency(anything_there(), dots(2, 3), [1, 2, (2, -2)]) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("shift", [6, (0, -6), 1.5, (1, 2, 3), "1"])
def test_a_shift_that_no_picture_survives_is_refused(shift):
    with pytest.raises(ValueError, match="pair"):
        inspect.shift_consistency(brightest_column(), dots(1), [shift])


def convolutions():
    """Two unpadded convolutions, a strided one and a dense layer behind them."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((12, 12, 2))
    x = layers.Conv2D(3, 3, activation="relu", name="first")(x)
    x = layers.Conv2D(3, 3, strides=2, name="strided")(x)
    return keras.Model(inputs, layers.Dense(4, name="dense")(layers.Flatten()(x)))


@pytest.fixture(scope="module")
def model():
    return convolutions()


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).random((8, 12, 12, 2), dtype=np.float32)


def roll(pixels):
    return lambda maps: np.roll(maps, pixels, axis=2)


def test_convolutions_are_equivariant_to_moves_by_their_stride(model, noise):
    first = inspect.equivariance_error(model, noise, "first", roll(2), crop=2)
    strided = inspect.equivariance_error(model, noise, ["strided"], roll(2), roll(1), crop=1)
    assert first["first"] < 1e-6
    assert strided["strided"] < 1e-6


def test_maps_moved_the_wrong_way_have_nothing_in_common(model, noise):
    error = inspect.equivariance_error(model, noise, "first", roll(2), roll(-2), crop=2)["first"]
    assert 0.8 < error < 1.2  # the planted fault: noise against noise is one by construction


def test_the_border_counts_unless_it_is_cropped(model, noise):
    whole = inspect.equivariance_error(model, noise, "first", roll(2))["first"]
    assert 0.1 < whole < 0.9


def test_a_mirrored_kernel_makes_a_convolution_equivariant_to_mirroring(model, noise):
    mirror = lambda maps: maps[:, :, ::-1]  # noqa: E731
    before = inspect.equivariance_error(model, noise, "first", mirror)["first"]
    symmetric = convolutions()
    kernel, bias = symmetric.get_layer("first").get_weights()
    symmetric.get_layer("first").set_weights([kernel + kernel[:, ::-1], bias])
    after = inspect.equivariance_error(symmetric, noise, "first", mirror)["first"]
    assert before > 0.3
    assert after < 1e-6


def test_constant_maps_are_equal_or_infinitely_far(noise):
    inputs = keras.Input((12, 12, 2))
    model = keras.Model(inputs, layers.Rescaling(0.0, offset=1.0, name="ones")(inputs))
    assert inspect.equivariance_error(model, noise, "ones", roll(1)) == {"ones": 0.0}
    assert inspect.equivariance_error(model, noise, "ones", roll(1), np.zeros_like) == {"ones": float("inf")}


@pytest.mark.parametrize(
    ("layer", "crop", "words"), [("dense", 0, "maps"), ("first", 5, "crop=5"), ("first", -1, "crop=-1")]
)
def test_what_cannot_be_compared_is_refused(model, noise, layer, crop, words):
    with pytest.raises(ValueError, match=words):
        inspect.equivariance_error(model, noise, layer, roll(1), crop=crop)


def test_a_change_that_does_not_keep_the_shape_is_refused(model, noise):
    with pytest.raises(ValueError, match="leaves their shape"):
        inspect.equivariance_error(model, noise, "first", roll(1), lambda maps: maps[:, 1:])

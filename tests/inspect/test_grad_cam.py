"""Grad-CAM where its answer is known by arithmetic: behind a global average it is the class map, divided."""

import keras
import numpy as np
import pytest
from keras import layers

from cnnlib import inspect, networks

SIDE = 8


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, SIDE, SIDE, 1), dtype="float32")


def averaging_network(classes=4):
    """Two convolutions, a global average and one dense layer: the network of class activation maps."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(x)
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, name="scores")(x))


def test_behind_a_global_average_it_is_the_class_map(pictures):
    model = averaging_network()
    classes = np.array([0, 3, 1])
    maps = inspect.feature_maps(model, pictures, "last")["last"]
    kernel = keras.ops.convert_to_numpy(model.get_layer("scores").kernel)
    places = maps.shape[1] * maps.shape[2]
    expected = np.maximum(np.einsum("nhwc,cn->nhw", maps, kernel[:, classes]) / places, 0)
    found = inspect.grad_cam(model, pictures, "last", classes, upsample=False)
    assert found.dtype == np.float32
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # Another class has another map: the test above would not pass by chance.
    others = (classes + 1) % 4
    assert np.abs(inspect.grad_cam(model, pictures, "last", others, upsample=False) - expected).max() > 1e-3


def test_without_classes_the_highest_score_is_asked_about(pictures):
    model = averaging_network()
    best = inspect.predict(model, pictures).argmax(axis=1)
    np.testing.assert_array_equal(
        inspect.grad_cam(model, pictures, "last"), inspect.grad_cam(model, pictures, "last", best)
    )


def planted(sign):
    """Class 1 scores `sign` times the mean brightness, class 0 nothing."""
    x = inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(1, 1, use_bias=False, name="look")(x)
    model = keras.Model(inputs, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D()(x)))
    model.set_weights([np.ones((1, 1, 1, 1)), np.array([[0.0, sign]])])
    return model


def test_it_points_to_what_speaks_for_a_class_and_not_to_what_speaks_against_it():
    picture = np.zeros((1, SIDE, SIDE, 1), "uint8")
    picture[0, 1:3, 5:7] = 255
    ask = np.array([1])
    expected = (picture[..., 0] / 255 / SIDE**2).astype("float32")
    np.testing.assert_allclose(inspect.grad_cam(planted(1.0), picture, "look", ask), expected, rtol=1e-6)
    assert (inspect.grad_cam(planted(-1.0), picture, "look", ask) == 0).all()
    assert (inspect.grad_cam(planted(1.0), picture, "look", np.array([0])) == 0).all()


def test_a_layer_inside_a_branch_counts_with_its_own_path_only(pictures):
    x = inputs = keras.Input((SIDE, SIDE, 1))
    branch = layers.Conv2D(1, 1, use_bias=False, name="branch")(x)
    x = layers.Add()([x, branch])
    model = keras.Model(inputs, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D()(x)))
    model.set_weights([np.full((1, 1, 1, 1), 2.0), np.array([[3.0, 0.0]])])
    found = inspect.grad_cam(model, pictures, "branch", np.zeros(3, int))
    np.testing.assert_allclose(found, 3.0 / SIDE**2 * 2.0 * pictures[..., 0], rtol=1e-5)


def test_maps_grow_to_the_size_of_the_image_and_the_model_stays_as_it_was(pictures):
    model = averaging_network()
    before, count = inspect.predict(model, pictures), len(model.layers)
    small = inspect.grad_cam(model, pictures, "last", upsample=False)
    large = inspect.grad_cam(model, pictures, model.get_layer("last"))
    assert small.shape == (3, 4, 4)
    assert large.shape == (3, SIDE, SIDE)
    assert large.max() <= small.max() * 1.0001
    np.testing.assert_array_equal(inspect.predict(model, pictures), before)
    assert len(model.layers) == count
    assert len(model.get_layer("last")._inbound_nodes) == 1


@pytest.mark.parametrize(
    ("name", "options", "layer"),
    [
        ("resnet20_cifar", {"width": 0.25, "depth": 8, "input_shape": (32, 32, 1)}, "stage2_block1_conv1"),
        ("googlenet", {"width": 0.1, "input_shape": (32, 32, 1), "stem": "small"}, None),
    ],
)
def test_it_works_inside_branches_and_with_auxiliary_heads(name, options, layer):
    keras.utils.set_random_seed(0)
    model = networks.build(name, classes=10, **options)
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 1)).astype("uint8")
    layer = layer or [each.name for each in model.layers if isinstance(each, layers.Conv2D)][-1]
    found = inspect.grad_cam(model, images, layer)
    assert found.shape == (2, 32, 32)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_a_sequential_model_is_the_functional_one(pictures):
    model = averaging_network()
    copies = [type(each).from_config(each.get_config()) for each in model.layers[1:]]
    sequence = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *copies])
    sequence.set_weights(model.get_weights())
    np.testing.assert_array_equal(
        inspect.grad_cam(sequence, pictures, "last"), inspect.grad_cam(model, pictures, "last")
    )


@pytest.mark.parametrize(
    ("layer", "classes", "message"),
    [
        ("nowhere", None, "layer='nowhere' is no layer"),
        ("scores", None, "expected maps"),
        ("last", np.array([0, 1]), "3 integers, one for each image"),
        ("last", np.array([0.0, 1.0, 2.0]), "3 integers"),
        ("last", np.array([0, 1, 4]), "run from 0 to 4; the model has 4 scores"),
    ],
)
def test_bad_arguments_are_named(pictures, layer, classes, message):
    with pytest.raises(ValueError, match=message):
        inspect.grad_cam(averaging_network(), pictures, layer, classes)

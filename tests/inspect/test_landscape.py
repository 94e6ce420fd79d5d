"""Directions as long as the filters they move, losses on lines whose shape is known, and weights put back."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlib import data, inspect, training


def _network(**options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    x = layers.Conv2DTranspose(5, 2, name="transposed")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(options.get("dropout", 0.0))(x)
    return keras.Model(inputs, layers.Dense(3, name="scores")(x))


def _images(count=10):
    random = np.random.default_rng(0)
    return data.Split(
        random.integers(0, 256, (count, 6, 6, 2)).astype("uint8"),
        random.integers(0, 3, count).astype("int32"),
    )


def _parabola():
    """One weight of 2, loss (weight * x)^2 with x = 1."""
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.Flatten()(inputs)))
    model.set_weights([np.array([[2.0]])])
    return model, (np.ones((3, 1, 1, 1), "float32"), np.zeros(3, "int32"))


def _square(labels, outputs, images):
    return ops.square(outputs[:, 0])


def _values(model):
    return [np.array(ops.convert_to_numpy(variable)) for variable in model.variables]


def _equal(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_every_filter_of_the_direction_is_as_long_as_the_networks():
    model = _network()
    direction = inspect.random_direction(model, seed=3)
    parts = dict(zip([v.path for v in model.trainable_variables], direction, strict=True))
    for name, axes in (("conv", (0, 1, 2)), ("depthwise", (0, 1)), ("transposed", (0, 1, 3)), ("scores", 0)):
        kernel = ops.convert_to_numpy(model.get_layer(name).kernel)
        part = parts[model.get_layer(name).kernel.path]
        np.testing.assert_allclose(np.sum(part**2, axes), np.sum(kernel**2, axes), rtol=1e-5)
        assert (
            abs(np.corrcoef(part.ravel(), kernel.ravel())[0, 1]) < 0.9
        )  # another direction than the weights'
    vectors = [part for part in direction if part.ndim == 1]
    assert len(vectors) == 5
    assert not any(part.any() for part in vectors)


def test_directions_are_seeded_and_filters_of_zero_stay():
    model = _network()
    kernel = ops.convert_to_numpy(model.get_layer("conv").kernel).copy()
    kernel[..., 1] = 0
    model.get_layer("conv").set_weights([kernel])
    first, again, other = (inspect.random_direction(model, seed) for seed in (0, 0, 1))
    assert _equal(first, again)
    assert not _equal(first, other)
    assert not first[0][..., 1].any()
    assert first[0][..., 0].any()
    raw = inspect.random_direction(model, 0, filter_normalized=False)
    assert abs(np.std(np.concatenate([part.ravel() for part in raw if part.ndim > 1])) - 1) < 0.1


def test_parabola_of_known_curvature():
    model, pair = _parabola()
    direction = inspect.random_direction(model)
    assert abs(direction[0].item()) == 2  # one weight, so filter normalisation gives it or its negative
    offsets = np.array([-1, -0.5, 0, 0.5, 1])
    losses = inspect.loss_along(model, pair, offsets, direction, loss=_square)
    np.testing.assert_allclose(losses, (2 + offsets * direction[0].item()) ** 2, atol=1e-5)
    assert inspect.curvature(offsets, losses) == pytest.approx(8, rel=1e-5)  # 2 * direction^2


def test_plane_of_two_directions():
    model, pair = _parabola()
    one, two = [np.array([[1.0]], "float32")], [np.array([[-3.0]], "float32")]
    offsets = np.array([-1.0, 0.0, 2.0])
    plane = inspect.loss_along(model, pair, offsets, one, two, loss=_square)
    np.testing.assert_allclose(plane, (2 + offsets[:, None] - 3 * offsets[None]) ** 2, atol=1e-5)


def test_loss_is_that_of_evaluate_at_the_moved_weights():
    model, split = _network(), _images()
    direction = inspect.random_direction(model, 1)
    along = inspect.loss_along(model, split, [0.0, 0.5], direction, batch_size=4)
    floats = inspect.loss_along(model, (split.images / 255, split.labels), [0.0, 0.5], direction)
    expected = [training.evaluate(model, split)["loss"]]
    for variable, part in zip(model.trainable_variables, direction, strict=True):
        variable.assign(variable + 0.5 * part)
    expected.append(training.evaluate(model, split)["loss"])
    np.testing.assert_allclose(along, expected, rtol=1e-5)
    np.testing.assert_allclose(floats, expected, rtol=1e-5)
    assert abs(expected[0] - expected[1]) > 1e-3


@pytest.mark.parametrize("batch_statistics", [False, True])
def test_weights_are_put_back_to_the_bit(batch_statistics):
    model = _network(dropout=0.5)
    before = _values(model)
    inspect.loss_along(
        model,
        _images(),
        [-1.0, 0.3],
        inspect.random_direction(model),
        batch_statistics=batch_statistics,
    )
    assert _equal(before, _values(model))


def test_weights_are_put_back_where_the_loss_raises():
    model = _network()
    before, seen = _values(model), []

    def planted(labels, outputs, images):
        seen.append(_equal(before, _values(model)))
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        inspect.loss_along(
            model,
            _images(),
            [0.7],
            inspect.random_direction(model),
            loss=planted,
            batch_statistics=True,  # not compiled, so that the loss sees the moved weights
        )
    assert seen == [False]
    assert _equal(before, _values(model))


def test_batch_statistics_forget_the_scale_of_a_kernel():
    model, split = _network(), _images()
    direction = inspect.random_direction(model)
    only_the_kernel = [
        part if i == 0 else np.zeros_like(part)
        for i, part in enumerate(ops.convert_to_numpy(v) for v in model.trainable_variables)
    ]
    kept, fresh = (
        inspect.loss_along(model, split, [0.0, 2.0], only_the_kernel, batch_statistics=batch_statistics)
        for batch_statistics in (False, True)
    )
    assert abs(kept[1] - kept[0]) > 1e-3
    # epsilon is a small part of the variance, and the only trace of the scale
    assert abs(fresh[1] - fresh[0]) < 0.05 * abs(kept[1] - kept[0])
    assert len(direction) == len(only_the_kernel)


def test_curvature_wants_zero_between_equal_neighbours():
    assert inspect.curvature([-2, 0, 2], [4, 0, 4]) == pytest.approx(2)
    for offsets in ([0, 1, 2], [-1, 0, 2], [-1, 1], [1, 0, -1], [-1, 0]):
        with pytest.raises(ValueError, match="offsets"):
            inspect.curvature(offsets, [1.0] * len(offsets))
    with pytest.raises(ValueError, match="losses"):
        inspect.curvature([-1, 0, 1], [1.0])


def test_faults_are_named():
    model, split = _network(), _images()
    direction = inspect.random_direction(model)
    with pytest.raises(ValueError, match="seed=-1"):
        inspect.random_direction(model, -1)
    with pytest.raises(ValueError, match="no trainable kernel"):
        inspect.random_direction(keras.Model(model.inputs, layers.Flatten()(model.inputs[0])))
    with pytest.raises(ValueError, match="0 directions"):
        inspect.loss_along(model, split, [0.0])
    with pytest.raises(ValueError, match="do not have the shapes"):
        inspect.loss_along(model, split, [0.0], direction[:-1])
    with pytest.raises(ValueError, match="batch_size=0"):
        inspect.loss_along(model, split, [0.0], direction, batch_size=0)
    with pytest.raises(ValueError, match="offsets"):
        inspect.loss_along(model, split, [], direction)
    with pytest.raises(ValueError, match="at least one image"):
        inspect.loss_along(model, (split.images[:0], split.labels[:0]), [0.0], direction)

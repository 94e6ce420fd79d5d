"""Receptive fields: by hand, and against what the gradient of a unit really reaches."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlib import inspect
from cnnlib.inspect._gradients import input_gradient
from cnnlib.layers import BlurPool2D, ChannelShuffle, TrainableSubsampling2D


def _conv(*args, **options):
    """A convolution of positive weights, whose gradients cannot cancel."""
    return layers.Conv2D(*args, kernel_initializer="ones", **options)


def _branches(x):
    left = _conv(2, 1)(x)
    middle = _conv(2, 3, padding="same")(layers.ZeroPadding2D(1)(x)[:, 1:-1, 1:-1, :])
    right = _conv(2, 3, padding="same")(_conv(2, 5, padding="same")(x))
    return layers.Concatenate()([left, middle, right])


def _residual(x):
    inside = _conv(2, 3, padding="valid")(layers.ZeroPadding2D(1)(x))
    inside = _conv(2, 3, 2, padding="valid")(layers.ZeroPadding2D(1)(inside))
    return layers.Add()([inside, _conv(2, 1, 2)(x)])


# name: (graph, size, jump, start) of the last layer on 33x33 pixels
# fmt: off
CASES = {
    "three_3x3": (lambda x: _conv(1, 3)(_conv(1, 3)(_conv(1, 3)(x))), 7, 1, 0),
    "strides": (lambda x: _conv(1, 3)(_conv(1, 5, 2)(_conv(1, 3, 2)(x))), 19, 4, 0),
    "dilation": (lambda x: _conv(1, 3, dilation_rate=4)(_conv(1, 3, dilation_rate=2)(x)), 13, 1, 0),
    "padding_layer": (lambda x: _conv(1, 7, 2)(layers.ZeroPadding2D(3)(x)), 7, 2, -3),
    "same_odd": (lambda x: _conv(1, 3, 2, padding="same")(x), 3, 2, -1),
    "pools": (lambda x: layers.AveragePooling2D(3, 2)(layers.AveragePooling2D(2)(x)), 6, 4, 0),
    "cropping": (lambda x: _conv(1, 3)(layers.Cropping2D(2)(x)), 3, 1, 2),
    "slices": (lambda x: _conv(1, 3)(x[:, 1::2, 1::2, :]), 5, 2, 1),
    "subsampling": (lambda x: TrainableSubsampling2D(2)(_conv(2, 5)(x)), 6, 2, 0),
    "blur": (lambda x: BlurPool2D(3)(x), 3, 2, -1),
    "branches": (_branches, 7, 1, -3),
    "residual": (_residual, 5, 2, -2),
    "shuffle": (lambda x: _conv(1, 3)(ChannelShuffle(2)(_conv(4, 3)(x))), 5, 1, 0),
    "dense_per_pixel": (lambda x: layers.Dense(3, kernel_initializer="ones")(_conv(2, 3)(x)), 3, 1, 0),
}
# fmt: on


@pytest.mark.parametrize("case", CASES)
def test_size_jump_and_start(case):
    graph, size, jump, start = CASES[case]
    inputs = keras.Input((33, 33, 2))
    model = keras.Model(inputs, graph(inputs))
    field = list(inspect.receptive_fields(model).values())[-1]
    assert (field.size, field.jump, field.start) == ((size,) * 2, (jump,) * 2, (start,) * 2)
    assert not field.whole_image


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_a_unit_fills_its_field_and_no_more(case):
    inputs = keras.Input((33, 33, 2))
    model = keras.Model(inputs, CASES[case][0](inputs))
    field = list(inspect.receptive_fields(model).values())[-1]
    row, column = model.output_shape[1] // 2, model.output_shape[2] // 2 + 1
    gradient = input_gradient(
        lambda x: ops.sum(model(x)[:, row, column, :]), np.ones((1, 33, 33, 2), "float32")
    )
    seen = np.argwhere(np.abs(gradient).sum((0, 3)) > 0)
    top_left = [
        start + jump * unit for start, jump, unit in zip(field.start, field.jump, (row, column), strict=True)
    ]
    np.testing.assert_array_equal(seen.min(0), top_left)
    np.testing.assert_array_equal(seen.max(0) - seen.min(0) + 1, field.size)


def test_transposed_convolution_and_upsampling_see_a_hull():
    inputs = keras.Input((9, 9, 1))
    up = keras.Model(inputs, layers.UpSampling2D(2)(_conv(1, 3)(inputs)))
    assert list(inspect.receptive_fields(up).values())[-1].size == (4, 4)  # 3 for each unit, 4 for the hull
    down = keras.Model(inputs, _conv(1, 1)(layers.Conv2DTranspose(1, 2, 2)(inputs)))
    assert list(inspect.receptive_fields(down).values())[-1].jump == (0.5, 0.5)


def test_rectangles_and_the_whole_image():
    inputs = keras.Input((20, 30, 1))
    x = layers.Conv2D(1, (1, 7), name="wide")(inputs)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x)
    x = layers.Multiply(name="gated")([x, gate])
    model = keras.Model(inputs, layers.Dense(3, name="scores")(layers.Flatten(name="flatten")(x)))
    assert inspect.receptive_field(model, "wide").size == (1, 7)
    assert str(inspect.receptive_field(model, "wide")) == "1x7"
    for name in ("pool", "gated", "flatten", model.get_layer("scores")):
        field = inspect.receptive_field(model, name)
        assert (field.whole_image, field.size, str(field)) == (True, (20, 30), "all")
    with pytest.raises(ValueError, match="no_such"):
        inspect.receptive_field(model, "no_such")


def test_known_fields_of_the_papers():
    from cnnlib import networks

    vgg = networks.outline("vgg16")
    assert inspect.receptive_field(vgg, "stage5_conv3_relu").size == (196, 196)
    assert inspect.receptive_field(vgg, "stage5_pool").size == (212, 212)
    for stride_in, size in (("3x3", 427), ("1x1", 483)):
        fields = inspect.receptive_fields(networks.outline("resnet50", stride_in=stride_in)).values()
        last = [field for field in fields if not field.whole_image][-1]
        assert (last.size, last.jump) == ((size, size), (32, 32))


def test_effective_field_lies_in_the_theoretical_and_peaks_in_the_middle():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((21, 21, 1))
    x = inputs
    for i in range(4):
        x = _conv(1, 3, padding="same", name=f"conv{i}")(x)
    model = keras.Model(inputs, x)
    images = np.random.default_rng(0).integers(0, 256, (2, 21, 21, 1)).astype("uint8")
    field = inspect.effective_receptive_field(model, "conv3", images)
    assert field.shape == (21, 21)
    row = np.convolve(np.convolve([1, 1, 1], [1, 1, 1]), np.convolve([1, 1, 1], [1, 1, 1]))
    expected = np.pad(np.outer(row, row), 6)  # four 3x3 boxes convolved
    np.testing.assert_allclose(field, expected, rtol=1e-5)
    np.testing.assert_array_equal(
        field, inspect.effective_receptive_field(model, model.layers[-1], images / 255)
    )
    flat = keras.Model(inputs, layers.Flatten(name="flat")(x))
    with pytest.raises(ValueError, match="flat"):
        inspect.effective_receptive_field(flat, "flat", images)

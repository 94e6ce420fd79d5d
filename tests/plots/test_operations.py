"""Film strips of operations: every number that they show is the one that Keras computes."""

import keras
import numpy as np
import pytest

from cnnlib import plots
from tests.plots.measures import faults, texts_of

IMAGE = np.array([[5, 3, 3, 1, 1], [0, 0, 0, 1, 4], [3, 5, 3, 3, 5], [4, 3, 3, 3, 5], [1, 4, 4, 0, 2]])
KERNEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


def words_of(figure):
    return [text.get_text().replace("−", "-") for text, _ in texts_of(figure)]


def totals(figure):
    return [
        int(word[2:]) for word in words_of(figure) if word.startswith("= ") and word[2:].lstrip("-").isdigit()
    ]


def convolved(image, kernel, **options):
    result = keras.ops.conv(
        image[None, ..., None].astype("float32"), kernel[..., None, None].astype("float32"), **options
    )
    return keras.ops.convert_to_numpy(result)[0, ..., 0]


@pytest.mark.parametrize(
    ("settings", "options"),
    [({}, {}), ({"stride": 2, "padding": 1}, {"strides": 2}), ({"dilation": 2}, {"dilation_rate": 2})],
)
def test_the_sums_of_a_sliding_kernel_are_a_convolution(settings, options):
    image = IMAGE if settings.get("dilation") is None else np.arange(49).reshape(7, 7) % 6
    wanted = convolved(np.pad(image, settings.get("padding", 0)), KERNEL, **options)
    steps = list(np.ndindex(*wanted.shape))
    figure = plots.sliding_kernel(image, KERNEL, steps=steps, **settings)
    assert totals(figure) == wanted.ravel().round().astype(int).tolist()
    assert faults(plots.sliding_kernel(image, KERNEL, **settings)) == []


@pytest.mark.parametrize(("operation", "function"), [("max", np.max), ("average", np.mean)])
def test_pooling_takes_the_largest_or_the_mean(operation, function):
    image = np.arange(16).reshape(4, 4) * 3 % 8
    figure = plots.sliding_pool(image, 2, operation=operation, steps=list(np.ndindex(2, 2)))
    wanted = [function(image[i : i + 2, j : j + 2]) for i in (0, 2) for j in (0, 2)]
    shown = [float(w[2:]) for w in words_of(figure) if w.startswith("= ")]
    np.testing.assert_allclose(shown, wanted, atol=0.01)


def test_the_backward_pass_is_the_gradient():
    gradient = np.array([[1, 2, 0], [0, -1, 3], [2, 0, 1]])

    def loss(image, kernel):
        return (convolved(image, kernel) * gradient).sum()

    def differences(array, function):  # exact, as the loss is linear in each argument
        steps = (np.eye(array.size, dtype=int)[k].reshape(array.shape) for k in range(array.size))
        return np.array([function(array + step) - function(array) for step in steps])

    to_image = differences(IMAGE, lambda image: loss(image, KERNEL))
    to_kernel = differences(KERNEL, lambda kernel: loss(IMAGE, kernel))
    figure = plots.convolution_backward(IMAGE, KERNEL, gradient)
    assert faults(figure) == []
    words = words_of(figure)
    rounded = [[f"{v:.0f}" for v in np.asarray(values).ravel()] for values in (to_image, to_kernel)]
    for values in rounded:
        values = [v.replace("-0", "0") for v in values]
        assert any(words[i : i + len(values)] == values for i in range(len(words)))


def test_a_transposed_convolution_adds_where_kernels_overlap():
    image, kernel = np.array([[1, 2], [3, 4]]), np.array([[1, 0, 1], [0, 2, 0], [1, 0, 1]])
    layer = keras.ops.conv_transpose(
        image[None, ..., None].astype("float32"), kernel[..., None, None].astype("float32"), strides=2
    )
    wanted = [f"{v:.0f}" for v in keras.ops.convert_to_numpy(layer).ravel()]
    words = words_of(plots.transposed_convolution(image, kernel))
    assert words[-25:] == wanted


def test_channels_are_added_with_the_bias():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(0, 5, (4, 4, 3)), rng.integers(-1, 2, (3, 3, 3))
    figure = plots.convolution_channels(image, kernel, 7, step=(1, 0))
    assert f"{(image[1:4, :3] * kernel).sum() + 7}" in words_of(figure)
    assert faults(figure) == []


def test_im2col_multiplies_windows_by_the_kernel():
    words = words_of(plots.im2col(IMAGE[:4, :4], KERNEL))
    wanted = [f"{v:.0f}" for v in convolved(IMAGE[:4, :4], KERNEL).ravel()]
    assert any(words[i : i + 4] == wanted for i in range(len(words)))


def test_groups_say_how_many_weights_they_take():
    for count in (1, 2, 6):
        layer = keras.layers.Conv2D(6, 3, groups=count, use_bias=False)
        layer.build((None, 8, 8, 6))
        assert f"= {layer.count_params()} weights" in words_of(plots.channel_groups(6, 6, (count,)))


def test_a_whole_image_is_convolved_as_keras_does():
    image, kernel = np.random.default_rng(0).random((12, 15)), np.random.default_rng(1).normal(size=(3, 3))
    figure = plots.convolution(image, kernel, stride=2, padding=1)
    wanted = convolved(np.pad(image, 1), kernel, strides=2)
    shown = figure.axes[0].images[1].get_array()
    np.testing.assert_allclose(shown, wanted, atol=1e-5)
    assert faults(figure) == []


def test_the_cone_sees_what_the_receptive_field_says():
    figure = plots.receptive_field_cone([("a", 3, 1, 1), ("b", 3, 2, 1), ("c", 3, 1, 2)])
    assert "13 pixels in all" in words_of(figure)  # 3 + 2 + 2 * 2 * 2
    assert faults(figure) == []


WRONG = {
    "large": (lambda: plots.sliding_kernel(np.zeros((20, 20)), KERNEL), "too large"),
    "stride": (lambda: plots.sliding_kernel(IMAGE, KERNEL, stride=0), "stride=0"),
    "kernel": (lambda: plots.sliding_kernel(IMAGE[:2, :2], KERNEL), "does not fit"),
    "step": (lambda: plots.sliding_kernel(IMAGE, KERNEL, steps=[(9, 9)]), "outside of the output"),
    "pool": (lambda: plots.sliding_pool(IMAGE, 2, operation="sum"), "'max' or 'average'"),
    "padding": (lambda: plots.padding_kinds(np.zeros((3, 3)), 3), "from 1 to 2"),
    "kind": (lambda: plots.padding_kinds(np.zeros((3, 3)), 1, ["mirror"]), "'mirror'"),
    "settings": (lambda: plots.window_settings(7, {}), "settings is empty"),
    "channels": (lambda: plots.convolution_channels(np.zeros((3, 3, 2)), np.zeros((3, 3, 3))), "2 channels"),
    "groups": (lambda: plots.channel_groups(6, 4, (3,)), "must divide"),
    "transposed": (lambda: plots.transposed_convolution(IMAGE, KERNEL), "too large"),
    "windows": (lambda: plots.im2col(np.zeros((6, 6)), np.zeros((2, 2))), "at most 16 windows"),
    "gradient": (lambda: plots.convolution_backward(IMAGE, KERNEL, [[1]]), "output's shape"),
    "layers": (lambda: plots.receptive_field_cone([]), "0 entries"),
    "cone": (lambda: plots.receptive_field_cone([("a", 3, 0, 1)]), "'a' has"),
    "pixels": (lambda: plots.receptive_field_cone([("a", 9, 4, 1)] * 4), "at most 61"),
    "fields": (
        lambda: plots.receptive_field_pyramid({"a": (3, 3)}, image_size=(9, 9), effective={"b": 1}),
        "no layer",
    ),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_ends_in_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)

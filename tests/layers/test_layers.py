"""Every layer against its formula in NumPy, its gradient against differences, and through saving."""

import math

import keras
import numpy as np
import pytest
from keras import layers as keras_layers
from keras import ops

from cnnlib import layers
from tests.gradients import gradients
from tests.layers.formulas import (
    adaptive_pyramid,
    blur_pool,
    capsule_routing,
    local_response,
    longest_capsule,
    primary_capsules,
    sparse_convolution,
    squashed,
)
from tests.precision import precision

SEEN = ((0, 1), (1, 2, 3), (0, 3))  # a sparse table of 4 input maps and 3 output maps
CODES = layers.hadamard_codes(3, 8)


def _softened(x, factor, add):
    return np.einsum("nhwc,c->nhwc", x.reshape(2, 3, 2, 3, 2, 4).sum((2, 4)), factor) + add


@keras.saving.register_keras_serializable("cnnlib")
class GateOfHalves(layers.HighwayGate):
    """A HighwayGate whose x and h are the halves of one input's channels, to be tested like the others."""

    def build(self, shape):
        half = (*shape[:-1], shape[-1] // 2)
        super().build([half, half])

    def call(self, inputs):
        return super().call(ops.split(inputs, 2, axis=-1))

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] // 2)


def _gated(x, kernel, bias):
    """T h + (1 - T) x with T = sigmoid(conv(x) + b); zero padding, 3x3."""
    x, h = np.split(x, 2, axis=-1)
    if kernel.ndim == 2:
        product = x @ kernel
    else:
        rows, columns = x.shape[1:3]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        product = sum(
            padded[:, i : i + rows, j : j + columns] @ kernel[i, j] for i in range(3) for j in range(3)
        )
    t = 1 / (1 + np.exp(-(product + bias)))
    return t * h + (1 - t) * x


# name: (layer, shape of the input without batch, formula(x, *weights))
# fmt: off
CASES = {
    "lrn": (lambda **k: layers.LocalResponseNormalization(alpha=0.3, **k), (3, 2, 8),
            lambda x: local_response(x, 2.0, 5, 0.3, 0.75)),
    "lrn_even": (lambda **k: layers.LocalResponseNormalization(1.0, 4, 0.5, 0.5, **k), (2, 2, 3),
                 lambda x: local_response(x, 1.0, 4, 0.5, 0.5)),
    "batch_norm": (lambda **k: layers.BatchNormFromScratch(**k), (3, 3, 4),
                   lambda x, g, b, m, v: (x - m) / np.sqrt(v + 1e-3) * g + b),
    "batch_norm_dense": (lambda **k: layers.BatchNormFromScratch(epsilon=0.1, **k), (5,),
                         lambda x, g, b, m, v: (x - m) / np.sqrt(v + 0.1) * g + b),
    "blur_4": (lambda **k: layers.BlurPool2D(**k), (7, 6, 3), lambda x: blur_pool(x, 4, 2)),
    "blur_3": (lambda **k: layers.BlurPool2D(3, **k), (6, 6, 2), lambda x: blur_pool(x, 3, 2)),
    "blur_7": (lambda **k: layers.BlurPool2D(7, 3, **k), (9, 8, 2), lambda x: blur_pool(x, 7, 3)),
    "blur_1": (lambda **k: layers.BlurPool2D(1, **k), (5, 5, 2), lambda x: x[:, ::2, ::2]),
    "pyramid": (lambda **k: layers.SpatialPyramidPooling2D(**k), (13, 13, 2),
                lambda x: adaptive_pyramid(x, (6, 3, 2, 1))),
    "pyramid_adaptive": (lambda **k: layers.SpatialPyramidPooling2D((4, 1), bins="adaptive", **k), (10, 7, 2),
                         lambda x: adaptive_pyramid(x, (4, 1))),
    "maxout": (lambda **k: layers.Maxout(3, **k), (4, 6),
               lambda x: np.maximum(np.maximum(x[..., 0::3], x[..., 1::3]), x[..., 2::3])),
    "rrelu": (lambda **k: layers.RReLU(0.1, 0.5, seed=1, **k), (4, 4, 3),
              lambda x: np.where(x > 0, x, 0.3 * x)),
    "subsampling": (lambda **k: layers.TrainableSubsampling2D(**k), (6, 6, 4), _softened),
    "sparse_conv": (lambda **k: layers.PartiallyConnectedConv2D(SEEN, 3, **k), (5, 6, 4),
                    lambda x, w, b: sparse_convolution(x, SEEN, w, b)),
    "rbf": (lambda **k: layers.RadialBasisFunctionOutput(CODES, **k), (8,),
            lambda x: -((x[:, None] - CODES) ** 2).sum(-1)),
    "stochastic_depth": (lambda **k: layers.StochasticDepth(0.5, seed=1, **k), (3, 3, 2), lambda x: x),
    "layer_scale": (lambda **k: layers.LayerScale(0.5, **k), (3, 3, 4), lambda x, g: x * g),
    "shuffle": (lambda **k: layers.ChannelShuffle(3, **k), (2, 2, 6), lambda x: x[..., [0, 2, 4, 1, 3, 5]]),
    "highway_gate": (lambda **k: GateOfHalves(**k), (4, 5, 6), _gated),
    "highway_gate_dense": (lambda **k: GateOfHalves(**k), (8,), _gated),
    "primary_capsules": (lambda **k: layers.PrimaryCapsules(2, 3, 3, 2, **k), (7, 6, 2), primary_capsules),
    "capsules": (lambda **k: layers.CapsuleLayer(3, 4, 3, **k), (6, 5),
                 lambda x, w: capsule_routing(x, w, 3)[0]),
    "capsule_length": (lambda **k: layers.CapsuleLength(**k), (3, 4),
                       lambda x: np.sqrt((x**2).sum(-1) + 1e-7)),
    "capsule_mask": (lambda **k: layers.CapsuleMask(**k), (3, 4), longest_capsule),
}
# fmt: on


def _input(case, seed=0):
    return np.random.default_rng(seed).normal(size=(2, *CASES[case][1]))


def _built(case, **options):
    """The layer, its weights moved away from zeros and ones so that each of them matters."""
    keras.utils.set_random_seed(1)
    layer = CASES[case][0](**options)
    layer.build((None, *CASES[case][1]))
    generator = np.random.default_rng(3)
    for weight in layer.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(np.abs(ops.convert_to_numpy(weight) + generator.normal(size=weight.shape) * 0.3))
    return layer


def _weights(layer):
    return [ops.convert_to_numpy(w) for w in layer.weights if keras.backend.is_float_dtype(w.dtype)]


@pytest.mark.parametrize("case", CASES)
def test_forward_is_the_formula(case):
    layer, x = _built(case), _input(case)
    got = ops.convert_to_numpy(
        layer(x.astype("float32"), training=False) if _knows_training(layer) else layer(x)
    )
    expected = CASES[case][2](x, *_weights(layer))
    assert got.shape == expected.shape == (2, *layer.compute_output_shape((None, *x.shape[1:]))[1:])
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


def _knows_training(layer):
    return isinstance(layer, layers.BatchNormFromScratch | layers.RReLU | layers.StochasticDepth)


@pytest.mark.parametrize("case", CASES)
def test_gradient_is_that_of_differences(case):
    """Along a random direction of the input and of each weight; in float64, as float32 hides errors."""
    with precision("float64"):
        layer, x = _built(case, dtype="float64"), _input(case)
        _assert_slopes(layer, x, layer.compute_output_shape((2, *x.shape[1:])))


def _assert_slopes(layer, x, output_shape):
    generator = np.random.default_rng(5)
    mix = generator.normal(size=output_shape)
    direction = generator.normal(size=x.shape)

    def value(images):
        images = ops.convert_to_tensor(images, dtype="float64")
        return ops.sum(layer(images) * ops.convert_to_tensor(mix, dtype="float64"))

    def slope(move):
        high, low = (float(ops.convert_to_numpy(value(move(step)))) for step in (1e-6, -1e-6))
        return (high - low) / 2e-6

    input_gradient, weight_gradients = gradients(value, x, layer.trainable_weights)
    expected = slope(lambda step: x + step * direction)
    assert (input_gradient * direction).sum() == pytest.approx(expected, rel=1e-5, abs=1e-7)
    for weight, gradient in zip(layer.trainable_weights, weight_gradients, strict=True):
        kept, change = ops.convert_to_numpy(weight).copy(), generator.normal(size=weight.shape)

        def move(step, weight=weight, kept=kept, change=change):
            weight.assign(kept + step * change)
            return x

        expected = slope(move)
        weight.assign(kept)
        assert (gradient * change).sum() == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_save_and_load_keep_the_function(case, tmp_path):
    inputs = keras.Input(CASES[case][1])
    model = keras.Model(inputs, CASES[case][0]()(inputs))
    x = _input(case).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(*(ops.convert_to_numpy(m(x, training=False)) for m in (model, loaded)))


@pytest.mark.parametrize("case", CASES)
def test_config_makes_the_same_layer_twice(case):
    layer = CASES[case][0]()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert keras.saving.get_registered_name(type(layer)) == f"cnnlib>{type(layer).__name__}"


@pytest.mark.parametrize("case", CASES)
def test_bfloat16_stays_close(case):
    exact, rounded = _built(case), _built(case, dtype="mixed_bfloat16")
    x = ops.convert_to_tensor(_input(case), dtype="float32")
    out = rounded(x)
    assert keras.backend.standardize_dtype(out.dtype) == "bfloat16"
    got, expected = (ops.convert_to_numpy(ops.cast(y, "float32")) for y in (out, exact(x)))
    assert np.isfinite(got).all()
    assert np.abs(got - expected).max() <= 0.05 * np.abs(expected).max()


def test_scaled_tanh_keeps_ones_and_squash_lengths():
    x = ops.convert_to_tensor([-1.0, 0.0, 1.0, 30.0], dtype="float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(layers.scaled_tanh(x)), 1.7159 * np.tanh(2 / 3 * x), rtol=1e-5
    )
    assert ops.convert_to_numpy(layers.scaled_tanh(x))[2] == pytest.approx(1, abs=2e-5)
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(layers.squash(vectors)), squashed(vectors), rtol=1e-5)


@pytest.mark.parametrize("shape", [(64, 5), (16, 6, 7, 3)])
def test_batch_norm_equals_that_of_keras_in_both_modes(shape):
    ours, theirs = layers.BatchNormFromScratch(), keras_layers.BatchNormalization()
    generator = np.random.default_rng(0)
    for _ in range(3):
        x = (3 + 2 * generator.normal(size=shape)).astype("float32")
        pair = [ops.convert_to_numpy(layer(x, training=True)) for layer in (ours, theirs)]
        np.testing.assert_allclose(*pair, atol=1e-5)
    for a, b in zip(_weights(ours), _weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        *(ops.convert_to_numpy(layer(x)) for layer in (ours, theirs)), rtol=1e-5, atol=1e-5
    )
    assert abs(_weights(ours)[2]).min() > 0.05  # the averages did move


def test_highway_gate_blends_by_its_gate():
    x, h = (np.random.default_rng(s).normal(size=(2, 5, 4, 3)).astype("float32") for s in (0, 1))
    layer = layers.HighwayGate()
    y = ops.convert_to_numpy(layer([x, h]))
    t = ops.convert_to_numpy(layer.gate(x))
    np.testing.assert_allclose(y, t * h + (1 - t) * x, rtol=1e-4, atol=1e-6)
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.bias.assign(np.full(layer.bias.shape, -100.0))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer([x, h])), x)  # closed, it carries x whole
    dense = layers.HighwayGate()
    assert ops.convert_to_numpy(dense([x[:, 0, 0], h[:, 0, 0]])).shape == (2, 3)
    inputs = keras.Input((5, 4, 3))
    assert keras.Model(inputs, layers.HighwayGate()([inputs, inputs])).count_params() == 84


def test_rrelu_draws_uniform_slopes_from_its_seed():
    x = -np.ones((100, 100), "float32")
    draws = [-ops.convert_to_numpy(layers.RReLU(0.2, 0.4, seed=7)(x, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    slopes = draws[0]
    assert 0.2 <= slopes.min() < 0.201
    assert 0.399 < slopes.max() <= 0.4
    assert slopes.std() == pytest.approx(0.2 / math.sqrt(12), rel=0.03)  # of a uniform distribution


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean():
    out = ops.convert_to_numpy(
        layers.StochasticDepth(0.25, seed=3)(np.ones((4000, 2, 3), "float32"), training=True)
    )
    assert np.unique(out) == pytest.approx([0, 4 / 3])
    assert (out.reshape(4000, -1).std(1) == 0).all()
    assert (out[:, 0, 0] == 0).mean() == pytest.approx(0.25, abs=0.03)


def test_routing_coefficients_sum_to_one_and_follow_agreement():
    layer = layers.CapsuleLayer(3, 4, 3)
    x = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    layer.build(x.shape)
    above, coefficients = (ops.convert_to_numpy(y) for y in layer.route(ops.convert_to_tensor(x)))
    expected = capsule_routing(x, ops.convert_to_numpy(layer.kernel), 3)
    np.testing.assert_allclose(coefficients.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(coefficients, expected[1], rtol=1e-4)
    np.testing.assert_allclose(above, expected[0], rtol=1e-4, atol=1e-6)
    assert coefficients.std() > 0.001  # not the uniform thirds of the first round


def test_capsule_mask_takes_labels_in_training():
    x = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")
    labels = np.eye(3, dtype="float32")[[2, 0]]
    out = ops.convert_to_numpy(layers.CapsuleMask()([x, labels]))
    np.testing.assert_array_equal(out, (x * labels[..., None]).reshape(2, 6))


@pytest.mark.parametrize("sizes", [(13, 13), (14, 15), (7, 20)])
def test_one_pyramid_serves_free_sizes(sizes):
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, layers.SpatialPyramidPooling2D(bins="adaptive")(inputs))
    assert model.output_shape == (None, 100)
    x = np.random.default_rng(0).normal(size=(3, *sizes, 2)).astype("float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), adaptive_pyramid(x, (6, 3, 2, 1)))


def test_sliding_windows_equal_max_pooling_with_the_papers_rule():
    x = np.random.default_rng(0).normal(size=(2, 13, 13, 3)).astype("float32")
    for n in (6, 3, 2, 1):
        got = layers.SpatialPyramidPooling2D((n,))(x)
        pooled = ops.max_pool(x, -(-13 // n), strides=13 // n, padding="valid")
        np.testing.assert_array_equal(ops.convert_to_numpy(got), ops.convert_to_numpy(pooled).reshape(2, -1))


def test_sparse_connections_of_lenet5_are_1516_weights():
    from cnnlib.networks.lenet import C3_CONNECTIONS

    layer = layers.PartiallyConnectedConv2D(C3_CONNECTIONS)
    layer.build((None, 14, 14, 6))
    assert layer.count_params() == 1516
    assert sum(map(len, C3_CONNECTIONS)) == 60


def test_codes_are_signs_and_far_apart():
    for codes, least in ((layers.digit_codes(), 4), (layers.hadamard_codes(10, 84), 30), (CODES, 4)):
        assert set(np.unique(codes)) == {-1, 1}
        distances = (codes[:, None] != codes[None]).sum(-1)
        assert distances[~np.eye(len(codes), dtype=bool)].min() >= least
    assert layers.digit_codes().shape == (10, 84)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: layers.BlurPool2D(8), None, "size=8"),
        (lambda: layers.BlurPool2D(stride=0), None, "stride=0"),
        (lambda: layers.BlurPool2D(7), (None, 3, 9, 1), "size=7"),
        (lambda: layers.SpatialPyramidPooling2D(), (None, 11, 13, 1), "11 pixels into 6 bins"),
        (lambda: layers.SpatialPyramidPooling2D(bins="round"), None, "bins='round'"),
        (lambda: layers.Maxout(3), (None, 4), "pieces=3"),
        (lambda: layers.RReLU(0.5, 0.1), None, "lower=0.5"),
        (lambda: layers.StochasticDepth(1.0), None, "rate=1.0"),
        (lambda: layers.ChannelShuffle(4), (None, 2, 2, 6), "groups=4"),
        (lambda: layers.LocalResponseNormalization(n=0), None, "n=0"),
        (lambda: layers.PartiallyConnectedConv2D([[0, 0]]), None, "none twice"),
        (lambda: layers.PartiallyConnectedConv2D([[0, 6]]), (None, 9, 9, 6), "from 0 to 5"),
        (lambda: layers.RadialBasisFunctionOutput(CODES), (None, 9), "length 8"),
        (lambda: layers.PrimaryCapsules(), (None, 8, 9, 1), "kernel_size=9"),
        (lambda: layers.CapsuleLayer(routings=0), None, "routings=0"),
        (lambda: layers.HighwayGate(), [(None, 4, 4, 3), (None, 4, 4, 2)], "must be equal"),
        (lambda: layers.hadamard_codes(9, 2), None, "length=2"),
    ],
)
def test_wrong_arguments_are_named(make, shape, message):
    def use():
        made = make()
        made.build(shape)

    with pytest.raises(ValueError, match=message):
        use()

"""LeNet, AlexNet, VGG, NiN and CapsNet: what their options change, and the turn to full convolution."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlib import inspect, networks
from cnnlib.layers import BlurPool2D, LocalResponseNormalization, digit_codes
from cnnlib.networks.convert import to_fully_convolutional


def _names(model):
    return [layer.name for layer in model.layers]


def _images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape).astype("float32")


def _run(model, images):
    return keras.tree.map_structure(ops.convert_to_numpy, model(images, training=False))


def test_lenet5_1998_has_the_connections_of_the_paper():
    """340,908: one for each multiply-add, each bias at each place, and four and a bias for each subsampled value."""
    model = networks.build("lenet5_1998")
    frame = inspect.layer_table(model).frame.set_index("layer")
    assert [int(frame.params[name]) for name in ("c1", "s2", "c3", "s4", "c5", "f6", "scores")] == [
        156, 12, 1_516, 32, 48_120, 10_164, 0]  # fmt: skip
    biases = sum(np.prod(frame.output_shape[name][0]) for name in ("c1", "c3", "c5", "f6"))
    subsampling = 5 * sum(np.prod(frame.output_shape[name][0]) for name in ("s2", "s4"))
    assert inspect.layer_table(model).total_macs + biases + subsampling == 340_908


def test_lenet5_1998_scores_are_negated_distances_to_the_digits():
    model = networks.build("lenet5_1998")
    f6 = inspect.feature_maps(model, _images(3, 32, 32, 1), ["f6_activation", "scores"])
    expected = -((f6["f6_activation"][:, None] - digit_codes()) ** 2).sum(-1)
    np.testing.assert_allclose(f6["scores"], expected, rtol=1e-4)


def test_lenet5_1998_small_stem_is_two_zeros_around():
    paper = networks.build("lenet5_1998")
    small = networks.build("lenet5_1998", input_shape=(28, 28, 1), stem="small", codes="digits")
    small.set_weights(paper.get_weights())
    images = _images(2, 28, 28, 1)
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)])
    np.testing.assert_allclose(_run(small, images), _run(paper, padded), rtol=1e-5)


def test_lenet5_1998_takes_other_codes_and_more_classes():
    model = networks.build("lenet5_1998", classes=26, width=0.5, codes="hadamard")
    assert model.output_shape == (None, 26)
    assert model.get_layer("f6").units == 42


@pytest.mark.parametrize(
    ("activation", "pooling"), [("relu", "max"), ("tanh", "average"), ("sigmoid", "max")]
)
def test_lenet5_options_change_layers_not_counts(activation, pooling):
    model = networks.build("lenet5", activation=activation, pooling=pooling)
    assert model.count_params() == 61_706
    kind = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[pooling]
    assert sum(isinstance(layer, kind) for layer in model.layers) == 2
    assert model.get_layer("dense2_activation").activation is keras.activations.get(activation)


def test_alexnet_options():
    def outline(**options):
        return networks.outline(
            "alexnet",
            input_shape=(28, 28, 1),
            classes=10,
            width=0.25,
            stem="small",
            **{"stem_stride": 1, **options},
        )

    table = inspect.layer_table(outline())
    assert table.total_macs < 13e6  # a CPU trains it
    plain = outline(normalization="none")
    assert not any(isinstance(layer, LocalResponseNormalization) for layer in plain.layers)
    batch = outline(normalization="batch")
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in batch.layers) == 5
    assert [n for n in _names(outline(skip_convolutions=(3, 4))) if n in ("conv2", "conv3", "conv4", "conv5")] == [
        "conv2", "conv5"]  # fmt: skip
    windows = [outline(overlapping_pooling=o).get_layer("pool3").pool_size for o in (True, False)]
    assert windows == [(3, 3), (2, 2)]
    assert outline(dense_units=(64,)).get_layer("dense1").units == 16
    assert outline(stem_stride=2).get_layer("conv1").output.shape[1] == 14
    assert outline(activation="tanh").get_layer("conv1_activation").activation is keras.activations.tanh


def test_alexnet_towers_see_half_of_the_channels():
    """The first half of conv2's maps is the same whatever the second half of its input holds."""
    model = networks.build("alexnet", input_shape=(28, 28, 3), classes=10, width=0.125, stem="small")
    conv2 = model.get_layer("conv2")
    x = _images(1, 14, 14, 12)
    changed = np.concatenate([x[..., :6], -x[..., 6:]], axis=-1)
    before, after = (ops.convert_to_numpy(conv2(y)) for y in (x, changed))
    np.testing.assert_array_equal(before[..., :16], after[..., :16])
    assert np.abs(before[..., 16:] - after[..., 16:]).min(axis=(0, 1, 2)).max() > 0


def test_vgg_options():
    def outline(name="vgg11", size=28, **options):
        return networks.outline(
            name, input_shape=(size, size, 1), classes=10, width=0.25, stem="small", **options
        )

    assert inspect.layer_table(outline()).total_macs < 12e6
    assert outline().get_layer("stage5_conv2").output.shape == (None, 3, 3, 128)
    blurred = outline(antialias=True)
    assert sum(isinstance(layer, BlurPool2D) for layer in blurred.layers) == 3
    assert blurred.get_layer("stage3_pool").output.shape == (None, 3, 3, 64)
    assert outline(convolution_kernel=5).get_layer("stage1_conv1").kernel_size == (5, 5)
    assert [n for n in _names(outline("vgg11_lrn")) if n.endswith("lrn")] == ["stage1_conv1_lrn"]
    assert outline(dense_units=(64,)).get_layer("dense1").units == 16
    full = networks.outline("vgg11", antialias=True)
    assert full.get_layer("stage5_pool").output.shape == (None, 7, 7, 512)  # blurring keeps the sides


def test_nin_heads_and_stems():
    def outline(**options):
        return networks.outline("nin", input_shape=(28, 28, 1), width=0.5, stem="small", **options)

    assert outline().get_layer("stage1_conv1").output.shape == (None, 14, 14, 96)
    assert inspect.layer_table(outline()).total_macs < 12e6
    gap, dense = (inspect.layer_table(outline(head=head)).total_params for head in ("gap", "dense"))
    assert dense - gap == 4 * 4 * 10 * 10 + 10
    assert sum("bn" in name for name in _names(outline(normalization="batch"))) == 8
    assert "stage3_conv3_relu" not in _names(outline())
    assert "stage3_conv3_relu" in _names(outline(relu_scores=True))
    zeros = networks.build("nin", input_shape=(28, 28, 1), width=0.1, stem="small", initializer="zeros")
    assert not _run(zeros, _images(2, 28, 28, 1)).any()


def test_nin_scores_are_the_means_of_the_class_maps():
    model = networks.build("nin", width=0.1)
    maps = inspect.feature_maps(model, _images(2, 32, 32, 3), ["stage3_conv3", "scores"])
    np.testing.assert_allclose(maps["scores"], maps["stage3_conv3"].mean((1, 2)), rtol=1e-4, atol=1e-6)


def test_capsnet_decodes_from_the_longest_or_the_true_capsule():
    images = _images(4, 28, 28, 1)
    free = networks.build("capsnet", width=0.125, stem="small")
    routing = free.get_layer("class_capsules")
    routing.kernel.assign(10 * ops.convert_to_tensor(routing.kernel))  # long capsules, as after training
    told = networks.build("capsnet", width=0.125, stem="small", decoder="labels")
    told.set_weights(free.get_weights())
    out = _run(free, images)
    assert set(out) == {"scores", "reconstruction"}
    assert out["scores"].shape == (4, 10)
    assert out["reconstruction"].shape == images.shape
    assert (out["scores"] > 0).all()
    assert (out["scores"] < 1).all()
    longest = np.eye(10, dtype="float32")[out["scores"].argmax(1)]
    with_labels = _run(told, {"images": images, "labels": longest})
    np.testing.assert_allclose(with_labels["reconstruction"], out["reconstruction"], rtol=1e-5)
    others = _run(told, {"images": images, "labels": np.roll(longest, 1, axis=1)})
    assert np.abs(others["reconstruction"] - out["reconstruction"]).max() > 1e-4
    bare = networks.build("capsnet", width=0.125, stem="small", decoder="none")
    assert bare.output_shape == (None, 10)


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("lenet5", 28, {}),
        ("lenet5_bn", 28, {}),
        ("lenet_300_100", 28, {}),
        ("alexnet", 67, {"width": 0.125}),
        ("alexnet", 28, {"width": 0.125, "stem": "small"}),
        ("vgg11", 32, {"width": 0.125}),
        ("vgg11_bn", 28, {"width": 0.125, "stem": "small"}),
    ],
)
def test_fully_convolutional_gives_the_same_scores_and_a_map_for_larger_images(name, size, options):
    model = networks.build(name, input_shape=(size, size, 1), classes=10, **options)
    converted = to_fully_convolutional(model)
    assert converted.output_shape == (None, None, None, 10)
    assert converted.count_params() == model.count_params()
    images = _images(3, size, size, 1)
    scores = _run(converted, images)
    assert scores.shape == (3, 1, 1, 10)
    expected = _run(model, images)
    np.testing.assert_allclose(scores[:, 0, 0], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_score_map_holds_the_scores_of_every_window():
    """Without padding a window of the map is the network on that window of the image, at the network's stride."""
    model = networks.build("lenet5_caffe")
    images = _images(2, 36, 32, 1)
    scores = _run(to_fully_convolutional(model), images)
    assert scores.shape == (2, 3, 2, 10)
    for row in range(3):
        for column in range(2):
            window = images[:, 4 * row : 4 * row + 28, 4 * column : 4 * column + 28]
            np.testing.assert_allclose(scores[:, row, column], _run(model, window), rtol=1e-4, atol=1e-5)


def test_fully_convolutional_needs_a_flatten():
    with pytest.raises(ValueError, match="0 Flatten layers"):
        to_fully_convolutional(networks.build("nin", width=0.1))
    for wrong in (None, "lenet5", keras.Sequential([keras.layers.Flatten()], name="lenet5")):
        with pytest.raises(ValueError, match="must be a functional") as caught:
            to_fully_convolutional(wrong)
        assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet", "vgg11_lrn", "nin", "capsnet"])
def test_networks_survive_saving(name, tmp_path):
    variant = networks.catalogue()[name]
    size = max(variant.minimum_size, 28)
    model = networks.build(name, input_shape=(size, size, 1), classes=10, width=0.0625)
    model.save(tmp_path / "model.keras")
    images = _images(2, size, size, 1)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    kept, read = (keras.tree.flatten(_run(m, images)) for m in (model, loaded))
    for a, b in zip(kept, read, strict=True):
        np.testing.assert_array_equal(a, b)

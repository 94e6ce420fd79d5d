"""Smallest sizes, lesson forms, options and errors of GoogLeNet, Inception, DenseNet, Highway, MobileNet, ConvNeXt."""

import keras
import numpy as np
import pytest

from cnnlib import inspect, networks

SMALL = (28, 28, 1)
MINE = ("googlenet", "inception", "resnet", "resnext", "resnet_cifar", "densenet", "highway", "mobilenet",
        "convnext")  # fmt: skip
# One network of each shape of graph; the depth within a stage does not matter to the smallest size.
SIZED = ("googlenet", "googlenet_torchvision", "bn_inception", "inception_v3", "resnet18", "resnet50", "densenet121",
         "densenet_cifar", "highway", "highway19", "mobilenet_v1", "convnext_tiny")  # fmt: skip


def total(name, **options):
    return inspect.layer_table(networks.outline(name, **options)).total_params


def run(model, x):
    outputs = model(keras.ops.convert_to_tensor(x), training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("name", SIZED)
def test_the_smallest_size_is_exact(name):
    check_smallest_size(name, networks.catalogue()[name].minimum_size)


@pytest.mark.parametrize("name", [n for n in SIZED if networks.catalogue()[n].minimum_size_small])
def test_the_smallest_size_of_the_small_stem_is_exact(name):
    check_smallest_size(name, networks.catalogue()[name].minimum_size_small, stem="small")


def check_smallest_size(name, size, **options):
    variant = networks.catalogue()[name]
    model = networks.outline(name, input_shape=(size, size, 3), classes=5, **options)
    assert model.output.shape == (None, 5)
    with pytest.raises(ValueError, match="must be at least"):
        networks.outline(name, input_shape=(size - 1, size, 3), **options)
    if size > 1:  # the bound is the network's own, not only the catalogue's word
        with pytest.raises(ValueError):  # noqa: PT011 - Keras' message or ours
            variant.build(input_shape=(size - 1,) * 2 + (3,), classes=5, **variant.options, **options)


@pytest.mark.parametrize(
    "name", [n for n, v in networks.catalogue().items() if v.family in MINE and "1202" not in n]
)
def test_images_of_any_size_have_a_network(name):
    assert networks.outline(name, input_shape=(None, None, 3)).output.shape[0] is None


@pytest.mark.parametrize(("name", "options", "params"), [
    ("googlenet", {"width": 0.25, "stem": "small", "normalization": "batch"}, 378_658),
    ("resnet18", {"width": 0.375, "stem": "small"}, 1_574_770),
    ("densenet121", {"stem": "small", "depths": (4, 4, 4), "growth": 16}, 180_074),
    ("bn_inception", {"width": 0.25, "stem": "small"}, None),
    ("highway", {"depth": 20}, None),
    ("mobilenet_v1", {"width": 0.25, "stem_stride": 1}, None),
    ("convnext_tiny", {"width": 0.25, "stem": "small", "depths": (1, 1, 2)}, None),
])  # fmt: skip
def test_lesson_forms_run_on_small_images(name, options, params):
    model = networks.build(name, SMALL, 10, **options)
    scores = run(model, images(3, *SMALL))
    assert scores.shape == (3, 10)
    assert np.abs(scores[0] - scores[1]).max() > 1e-5
    assert params is None or inspect.layer_table(model).total_params == params


@pytest.mark.parametrize(("name", "heads", "params"), [
    ("googlenet", ["auxiliary_4a", "auxiliary_4d"], 13_378_280),
    ("googlenet_torchvision", ["auxiliary_4a", "auxiliary_4d"], 13_004_888),
    ("inception_v3", ["auxiliary_6e"], 27_161_264),
])  # fmt: skip
def test_auxiliary_heads_are_named_outputs(name, heads, params):
    model = networks.outline(name, auxiliary_heads=True)
    assert sorted(model.output) == [*heads, "scores"]
    assert inspect.layer_table(model).total_params == params


def test_heads_refuse_maps_that_they_cannot_pool():
    with pytest.raises(ValueError, match="auxiliary_4a needs maps of at least 5x5"):
        networks.outline("googlenet", input_shape=(64, 64, 3), auxiliary_heads=True)
    heads = networks.outline(
        "googlenet", input_shape=(64, 64, 3), auxiliary_heads=True, auxiliary_pool="adaptive"
    )
    assert heads.output["auxiliary_4d"].shape == (None, 1000)
    with pytest.raises(ValueError, match="auxiliary_6e needs maps of at least 17x17"):
        networks.outline("inception_v3", input_shape=(200, 200, 3), auxiliary_heads=True)


def test_googlenet_with_some_of_its_modules():
    short = networks.outline(
        "googlenet", input_shape=SMALL, classes=10, stem="small", modules=("3a", "4a", "4b", "5b")
    )
    assert [layer.name for layer in short.layers if layer.name.endswith("_concat")] == [
        f"inception_{module}_concat" for module in ("3a", "4a", "4b", "5b")
    ]
    sides = [
        short.get_layer(f"inception_{module}_concat").output.shape[1] for module in ("3a", "4a", "4b", "5b")
    ]
    assert sides == [14, 7, 7, 3]
    with pytest.raises(ValueError, match="in this order"):
        networks.outline("googlenet", modules=("4a", "3a"))
    with pytest.raises(ValueError, match="in this order"):
        networks.outline("googlenet", modules=())
    with pytest.raises(ValueError, match="needs a module to stand after"):
        networks.outline("googlenet", modules=("3a", "5b"), auxiliary_heads=True)


def test_each_path_of_googlenet_can_be_left_out():
    whole = total("googlenet")
    for i in range(4):
        paths = tuple(j != i for j in range(4))
        model = networks.outline("googlenet", paths=paths)
        assert inspect.layer_table(model).total_params < whole
        kept = ("1x1", "3x3", "5x5", "pool_1x1")[i]
        assert f"inception_3a_{kept}" not in {layer.name for layer in model.layers}
    assert networks.outline("googlenet", paths=(True, False, False, False)).get_layer("inception_5b_1x1")
    with pytest.raises(ValueError, match="paths="):
        networks.outline("googlenet", paths=(False,) * 4)


@pytest.mark.parametrize(("name", "options", "message"), [
    ("googlenet", {"large_kernel": 7}, "large_kernel=7 must be"),
    ("googlenet", {"stem": "large"}, "stem='large' must be"),
    ("densenet121", {"compression": 0}, "compression=0 must be above 0"),
    ("densenet121", {"growth": 2.5}, "growth=2.5 must be an integer"),
    ("densenet121", {"depths": ()}, r"depths=\(\) must be"),
    ("densenet121", {"input_shape": (16, 16, 3), "stem": "small", "depths": (1,) * 6}, "transition4 needs maps"),
    ("densenet_cifar", {"depth": 41}, "depth=41 must be 3n"),
    ("highway", {"depth": 3}, "depth=3 must be an integer of at least 4"),
    ("highway", {"stages": ((), (4,))}, r"stages\[0\]=\(\) must be"),
    ("mobilenet_v1", {"activation": "tanh"}, "activation='tanh' must be"),
    ("mobilenet_v1", {"padding": "same"}, "padding='same' must be"),
    ("convnext_tiny", {"depths": (1, 0)}, r"depths\[1\]=0 must be"),
    ("convnext_tiny", {"drop_path": 1.0}, "drop_path=1.0 must be"),
])  # fmt: skip
def test_errors_name_the_argument(name, options, message):
    with pytest.raises(ValueError, match=message):
        networks.outline(name, **options)


def test_dense_layers_keep_what_came_before_as_their_first_channels():
    model = networks.build("densenet121", (16, 16, 3), 4, stem="small", stem_stride=1, depths=(2,), growth=4)
    x = images(2, 16, 16, 3)
    first, last = (run(keras.Model(model.input, model.get_layer(n).output), x)
                   for n in ("stem_conv", "block1_layer2_concat"))  # fmt: skip
    assert last.shape[-1] == first.shape[-1] + 2 * 4
    np.testing.assert_array_equal(last[..., : first.shape[-1]], first)


def test_a_highway_with_closed_gates_carries_its_input():
    x = images(2, *SMALL)
    for bias, carries in ((-50.0, True), (-2.0, False)):
        model = networks.build("highway", SMALL, 10, gate_bias=bias)
        before, after = (run(keras.Model(model.input, model.get_layer(n).output), x)
                         for n in ("stem_conv_relu", "stage1_layer3_gate"))  # fmt: skip
        assert np.allclose(before, after, atol=1e-6) == carries
    gates = [n for n in model.layers if type(n).__name__ == "HighwayGate"]
    assert gates
    assert all(np.all(np.array(gate.bias) == -2.0) for gate in gates)


def test_the_plain_twin_of_a_highway_has_no_gates():
    plain = networks.outline("highway", gated=False)
    assert not any(type(n).__name__ == "HighwayGate" for n in plain.layers)
    convolutions = sum(isinstance(n, keras.layers.Conv2D) for n in plain.layers)
    assert convolutions + 1 == 11  # `depth` counts the layers with weights


def test_drop_path_rises_with_depth_and_rests_at_inference():
    model = networks.build("convnext_tiny", (32, 32, 3), 4, width=0.125, drop_path=0.3, layer_scale=1.0)
    rates = [n.rate for n in model.layers if type(n).__name__ == "StochasticDepth"]
    np.testing.assert_allclose(rates, [0.3 * i / 17 for i in range(1, 18)])
    x = images(2, 32, 32, 3)
    np.testing.assert_array_equal(run(model, x), run(model, x))


def test_separable_blocks_cost_what_the_paper_says():
    """1/D + 1/k^2 of a full convolution (section 3.1), here for block 2: 64 to 128 channels at 56x56."""
    frame = inspect.layer_table(networks.outline("mobilenet_v1")).frame
    rows = dict(zip(frame.layer, frame.macs, strict=True))
    split = rows["block2_depthwise"] + rows["block2_pointwise"]
    assert split / (56 * 56 * 9 * 64 * 128) == pytest.approx(1 / 128 + 1 / 9)

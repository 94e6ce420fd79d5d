"""ResNet's options: counts, shortcuts, where the ReLU stands, what a block begins as."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnlib import inspect, networks
from cnnlib.networks.residual import BLOCKS, preactivation_block, residual_block

# fmt: off
CIFAR = {  # depth: parameters with shortcuts A, B, C
    20: (269_722, 272_474, 283_962), 32: (464_154, 466_906, 489_594), 44: (658_586, 661_338, 695_226),
    56: (853_018, 855_770, 900_858), 110: (1_727_962, 1_730_714, 1_826_202),
}
# fmt: on


def run(model, x):
    return keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(x), training=False))


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def block(shape=(8, 8, 4), filters=4, kind=residual_block, **options):
    inputs = keras.Input(shape)
    return keras.Model(inputs, kind(inputs, filters, name="block", **options))


def total(name, **options):
    return inspect.layer_table(networks.outline(name, **options)).total_params


@pytest.mark.parametrize("depth", CIFAR)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_cifar_counts_of_the_three_shortcuts(depth, column):
    assert total(f"resnet{depth}_cifar", shortcut="ABC"[column]) == CIFAR[depth][column]


@pytest.mark.slow
def test_1202_layers_with_shortcuts_b_and_c():
    assert total("resnet1202_cifar", shortcut="B") == 19_424_026
    assert total("resnet1202_cifar", shortcut="C") == 20_538_714


def test_imagenet_counts_of_the_other_shortcuts():
    assert total("resnet18", shortcut="A") == networks.catalogue()["plain18"].params
    assert total("resnet18", shortcut="C") == 12_043_816
    assert total("resnet34", shortcut="C") == 22_716_840


@pytest.mark.parametrize(
    ("name", "paper", "v15"),
    [("resnet50", 3.858, 4.089), ("resnet101", 7.570, 7.801), ("resnet152", 11.282, 11.514)],
)
def test_the_papers_bottleneck_strides_in_its_first_1x1_and_torchvisions_in_its_3x3(name, paper, v15):
    tables = [inspect.layer_table(networks.outline(each)) for each in (name, f"{name}_v15")]
    assert [round(table.total_macs / 1e9, 3) for table in tables] == [paper, v15]
    assert tables[0].total_params == tables[1].total_params == networks.catalogue()[name].params
    model = networks.outline(name)
    strided = [
        each.name for each in model.layers if getattr(each, "strides", 0) == (2, 2) and "conv" in each.name
    ]
    assert strided == ["stem_conv", *(f"stage{i}_block1_conv1" for i in (3, 4, 5))]


@pytest.mark.parametrize("kind", BLOCKS.values())
def test_a_block_depends_on_no_layers_name(kind):
    """The same block behind layers of other names is the same function, down to its layers."""
    blocks = []
    for name in ("stem_relu", "other"):
        inputs = keras.Input((8, 8, 16))
        x = keras.layers.ReLU(name=name)(inputs)
        model = keras.Model(inputs, kind(x, 4, stride=2, name="block"))
        blocks.append([(type(each).__name__, each.name) for each in model.layers[2:]])
    assert blocks[0] == blocks[1]


def test_no_network_asks_for_a_layers_name():
    """Names are for readers and for the tables of foreign weights; no code of a network branches on one."""
    asks = re.compile(r"\.name\b(?! =)|_keras_history|\bname (==|!=|in)|name\.(starts|ends)with")
    for path in Path(networks.__file__).parent.glob("*.py"):
        if path.stem not in ("__init__", "convert", "weights", "weight_names"):
            assert not asks.search(path.read_text()), path.name


def test_antialiasing_adds_no_parameters_and_blurs_every_subsampling_after_the_stem():
    model = networks.outline("resnet50", antialias=True)
    assert inspect.layer_table(model).total_params == networks.catalogue()["resnet50"].params
    blurs = [layer.name for layer in model.layers if type(layer).__name__ == "BlurPool2D"]
    assert len(blurs) == 1 + 3 * 2  # the stem's pool; main path and shortcut of stages 3 to 5
    plain = networks.outline("resnet50")
    assert model.get_layer("pool").output.shape == plain.get_layer("pool").output.shape
    strided = [n for n in (model.layers) if getattr(n, "strides", (1, 1)) == (2, 2)]
    assert [n.name for n in strided] == ["stem_conv"]


def test_a_zero_initialised_block_is_the_identity_behind_a_relu():
    x = np.abs(images(2, 8, 8, 4))
    np.testing.assert_allclose(run(block(zero_init_residual=True), x), x, atol=1e-6)
    assert np.abs(run(block(), x) - x).max() > 0.1


def test_relu_after_or_before_the_addition():
    after, before = block(), block(relu_position="before_addition")
    before.set_weights(after.get_weights())
    x = images(2, 8, 8, 4)
    z = run(keras.Model(after.input, after.get_layer("block_conv2_bn").output), x)
    np.testing.assert_allclose(run(after, x), np.maximum(z + x, 0), atol=1e-5)
    np.testing.assert_allclose(run(before, x), np.maximum(z, 0) + x, atol=1e-5)
    assert np.abs(run(after, x) - run(before, x)).max() > 0.1


def test_the_plain_block_has_the_same_weights_and_no_addition():
    residual, plain = block(), block(shortcut="none")
    plain.set_weights(residual.get_weights())
    x = images(2, 8, 8, 4)
    z = run(keras.Model(residual.input, residual.get_layer("block_conv2_bn").output), x)
    np.testing.assert_allclose(run(plain, x), np.maximum(z, 0), atol=1e-5)


@pytest.mark.parametrize("side", [7, 8])
def test_shortcut_a_subsamples_and_appends_zero_channels(side):
    model = block((side, side, 4), 6, stride=2, shortcut="A")
    x = images(2, side, side, 4)
    shortcut = run(keras.Model(model.input, model.get_layer("block_shortcut_zeros").output), x)
    expected = np.concatenate([x[:, ::2, ::2], np.zeros((2, (side + 1) // 2, (side + 1) // 2, 2))], -1)
    np.testing.assert_allclose(shortcut, expected, atol=1e-6)
    assert model.output.shape[1:] == ((side + 1) // 2, (side + 1) // 2, 6)


def test_a_preactivated_block_adds_to_what_nothing_has_touched():
    model = block(kind=preactivation_block)
    x = images(2, 8, 8, 4)
    z = run(keras.Model(model.input, model.get_layer("block_conv2").output), x)
    np.testing.assert_allclose(run(model, x), z + x, atol=1e-5)
    order = [layer.name for layer in model.layers]
    assert order.index("block_conv1_bn") < order.index("block_conv1_relu") < order.index("block_conv1")


def test_without_batch_norm_convolutions_have_a_bias():
    model = networks.build("resnet18", (28, 28, 1), 10, width=0.125, stem="small", normalization="none")
    convolutions = [
        n for n in model.layers if isinstance(n, keras.layers.Conv2D) and "shortcut" not in n.name
    ]
    assert convolutions
    assert all(n.use_bias for n in convolutions)
    assert not any(isinstance(n, keras.layers.BatchNormalization) for n in model.layers)


@pytest.mark.parametrize("options", [
    {}, {"stem": "small"}, {"stem": "small", "stem_stride": 1}, {"shortcut": "A"}, {"shortcut": "C"},
    {"block": "preactivation"}, {"antialias": True}, {"relu_position": "before_addition"},
    {"zero_init_residual": True}, {"normalization": "none"}, {"shortcut": "none"},
    {"block": "preactivation", "normalization": "none", "antialias": True, "stem": "small"},
    {"block": "bottleneck", "groups": 4, "group_width": 16},
])  # fmt: skip
def test_every_option_gives_a_network_that_runs(options):
    model = networks.build("resnet18", (48, 48, 1), 5, width=0.25, depths=(1, 1, 1, 1), **options)
    scores = run(model, images(2, 48, 48, 1))
    assert scores.shape == (2, 5)
    assert np.abs(scores[0] - scores[1]).max() > 1e-4


@pytest.mark.parametrize(("name", "options", "message"), [
    ("resnet18", {"shortcut": "D"}, "shortcut='D' must be one of 'A', 'B', 'C'"),
    ("resnet50", {"stride_in": "5x5"}, "stride_in='5x5' must be one of"),
    ("resnet18", {"stem": "tiny"}, "stem='tiny' must be"),
    ("resnet18", {"stem": "small", "stem_stride": 3}, "stem_stride=3 must be"),
    ("resnet18", {"groups": 2}, "groups=2 has no meaning with block='basic'"),
    ("resnet18", {"block": "preactivation", "relu_position": "before_addition"}, "relu_position='before_addition'"),
    ("resnet18", {"block": "preactivation", "zero_init_residual": True}, "zero_init_residual=True has no meaning"),
    ("resnet18", {"antialias": True, "input_shape": (32, 32, 3)}, "stage5_block1_conv1_blur needs maps"),
    ("resnet18", {"zero_init_residual": True, "normalization": "none"}, "last layer is a BatchNorm"),
    ("resnet20_cifar", {"depth": 21}, "depth=21 must be 6n \\+ 2"),
])  # fmt: skip
def test_errors_name_the_argument(name, options, message):
    with pytest.raises(ValueError, match=message):
        networks.outline(name, **options)

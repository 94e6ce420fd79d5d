"""The catalogue against an independent table: parameters to the last one, multiply-adds to 0.1%."""

from inspect import signature
from typing import get_args

import numpy as np
import pytest

from cnnlib import data, inspect, networks

# Typed from the papers' and reference implementations' counts, not from the catalogue. Text is rounded there and
# is met to half of its last digit; None is not known from elsewhere.
# fmt: off
TABLE = {
    # name: (parameters without moving statistics, multiply-adds)
    "lenet5": (61_706, "0.42M"), "lenet5_1998": (60_000, 326_520), "lenet5_bn": (44_878, 281_640),
    "lenet5_caffe": (431_080, 2_293_000), "lenet_300_100": (266_610, 266_200),
    "alexnet": (60_965_224, "0.724G"), "alexnet_ungrouped": (62_378_344, "1.135G"),
    "alexnet_torchvision": (61_100_840, "0.714G"), "zfnet": (62_357_608, "1.168G"),
    "zfnet_wide": (107_627_624, 2_476_704_896),
    "vgg11": (132_863_336, "7.609G"), "vgg13": (133_047_848, "11.308G"), "vgg16": (138_357_544, "15.470G"),
    "vgg19": (143_667_240, "19.632G"), "vgg16_c": (133_638_952, "11.771G"), "vgg11_lrn": (132_863_336, "7.609G"),
    "vgg11_bn": (132_868_840, "7.609G"), "vgg13_bn": (133_053_736, "11.308G"),
    "vgg16_bn": (138_365_992, "15.470G"), "vgg19_bn": (143_678_248, "19.632G"),
    "vgg13_5x5": (134_503_528, 9_356_017_664),
    "nin": (966_986, 222_486_528), "nin_imagenet": (7_595_176, 1_100_188_800),
    "googlenet": (6_998_552, "1.583G"), "googlenet_torchvision": (6_624_904, "1.498G"),
    "bn_inception": (11_194_984, "2.019G"), "inception_v3": (23_834_568, "5.713G"),
    "highway": (42_090, None), "highway19": ("2.3M", None), "highway32": ("1.25M", None),
    "resnet18": (11_689_512, "1.814G"), "resnet34": (21_797_672, "3.664G"), "resnet50": (25_557_032, "3.858G"),
    "resnet101": (44_549_160, "7.570G"), "resnet152": (60_192_808, "11.282G"),
    "resnet50_v15": (25_557_032, "4.089G"), "resnet101_v15": (44_549_160, "7.801G"),
    "resnet152_v15": (60_192_808, "11.514G"),
    "plain18": (11_515_688, 1_794_805_760), "plain34": (21_623_848, 3_644_493_824),
    "resnext50_32x4d": (25_028_904, "4.230G"),
    "resnet20_cifar": (269_722, 40_551_040), "resnet32_cifar": (464_154, None),
    "resnet44_cifar": (658_586, None), "resnet56_cifar": (853_018, "125.5M"),
    "resnet110_cifar": (1_727_962, "252.9M"), "resnet1202_cifar": (19_421_274, None),
    "plain20_cifar": (269_722, 40_551_040), "plain32_cifar": (464_154, None), "plain44_cifar": (658_586, None),
    "plain56_cifar": (853_018, "125.5M"), "plain110_cifar": (1_727_962, "252.9M"),
    "densenet121": (7_978_856, "2.834G"), "densenet161": (28_681_000, "7.728G"),
    "densenet169": (14_149_480, "3.360G"), "densenet201": (20_013_928, "4.291G"),
    "densenet_cifar": (1_019_722, None), "densenet100_k12_cifar": (6_979_642, None),
    "densenet100_k24_cifar": (27_249_082, None), "densenet_bc100_k12_cifar": (769_162, None),
    "densenet_bc250_k24_cifar": (15_324_406, None), "densenet_bc190_k40_cifar": (25_624_430, None),
    "capsnet": (8_215_568, 203_202_560), "mobilenet_v1": (4_231_976, "0.569G"),
    "convnext_tiny": (28_589_128, "4.456G"),
}
# fmt: on
CATALOGUE = networks.catalogue()


def _expected(value):
    """A figure to compare with: exact integers, and text to half of its last digit (at least 0.1%)."""
    if not isinstance(value, str):
        return value
    unit = {"M": 1e6, "G": 1e9}[value[-1]]
    digits = len(value[:-1].partition(".")[2])
    return pytest.approx(float(value[:-1]) * unit, rel=1e-3, abs=0.5 * 10**-digits * unit)


def test_table_and_catalogue_name_the_same_networks():
    assert set(TABLE) == set(CATALOGUE)


@pytest.mark.parametrize("name", TABLE)
def test_counts(name):
    params, macs = TABLE[name]
    variant = CATALOGUE[name]
    table = inspect.layer_table(networks.outline(name))
    assert (variant.params, variant.macs) == (table.total_params, table.total_macs)
    assert table.total_params == _expected(params)
    if macs is not None:
        assert table.total_macs == _expected(macs)


@pytest.mark.parametrize(
    ("name", "options", "params", "macs"),
    [
        ("resnet18", {"shortcut": "C"}, 12_043_816, None),
        ("resnet34", {"shortcut": "C"}, 22_716_840, None),
        ("resnet18", {"shortcut": "A"}, 11_515_688, None),
        ("resnet50", {"stride_in": "3x3"}, 25_557_032, "4.089G"),
        ("resnet20_cifar", {"shortcut": "B"}, 272_474, None),
        ("resnet20_cifar", {"shortcut": "C"}, 283_962, None),
        ("resnet110_cifar", {"shortcut": "C"}, 1_826_202, None),
        ("googlenet", {"auxiliary_heads": True}, 13_378_280, None),
        ("googlenet_torchvision", {"auxiliary_heads": True}, 13_004_888, None),
        ("inception_v3", {"auxiliary_heads": True}, 27_161_264, None),
        ("capsnet", {"decoder": "none"}, 6_804_224, None),
        ("capsnet", {"decoder": "labels"}, 8_215_568, 203_202_560),
        ("vgg11", {"convolution_kernel": 1}, 124_669_800, None),
    ],
)
def test_counts_of_other_options(name, options, params, macs):
    table = inspect.layer_table(networks.outline(name, **options))
    assert table.total_params == _expected(params)
    if macs is not None:
        assert table.total_macs == _expected(macs)


# Multiply-adds as the papers print them (He 2016 table 1; Szegedy 2015 section 1; Szegedy 2016 table 3, which
# counts BN-Inception, too; Xie 2017 table 1; Howard 2017 table 8; Liu 2022 table 1). The other papers print none.
# fmt: off
PRINTED = {
    "plain18": "1.8G", "plain34": "3.6G", "resnet18": "1.8G", "resnet34": "3.6G", "resnet50": "3.8G",
    "resnet101": "7.6G", "resnet152": "11.3G", "resnext50_32x4d": "4.2G", "googlenet": "1.5G", "bn_inception": "2.0G",
    "inception_v3": "4.8G", "mobilenet_v1": "569M", "convnext_tiny": "4.5G",
}
# fmt: on


def test_the_papers_multiply_adds_stand_in_their_rows():
    assert {name: row.paper_macs for name, row in CATALOGUE.items() if row.paper_macs} == PRINTED


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_row_has_the_papers_multiply_adds_or_says_why_not(name):
    """To the printed digits; and a row that belongs to no paper, of a family whose paper prints them, says so."""
    row = CATALOGUE[name]
    prints = {CATALOGUE[each].paper for each in PRINTED if CATALOGUE[each].dataset == row.dataset}
    if row.paper_macs is None:
        assert row.macs_note or row.paper not in prints
        return
    digits = len(row.paper_macs[:-1].partition(".")[2])
    unit = {"M": 1e6, "G": 1e9}[row.paper_macs[-1]]
    met = f"{row.macs / unit:.{digits}f}" == row.paper_macs[:-1]
    assert met != bool(row.macs_note), (row.macs, row.paper_macs, row.macs_note)


def test_rows_are_keyword_only():
    with pytest.raises(TypeError):
        networks.Variant("lenet", None, (28, 28, 1), 10, 1, 1, "paper", 1998)


VOCABULARY = {
    "normalization", "stem", "stem_stride", "depths", "depth", "width", "shortcut", "activation", "form", "dropout",
    "dense_units", "antialias", "block",
}  # fmt: skip


def test_options_mean_one_thing_in_all_families():
    """A shared name has one kind of value everywhere, and no family calls a shared thing by another name."""
    hints = {}
    for variant in CATALOGUE.values():
        parameters = signature(variant.build).parameters
        for name, parameter in list(parameters.items())[3:]:
            assert name not in ("batch_norm", "blocks", "configuration", "residual", "preactivation", "units")
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert parameter.annotation is not parameter.empty
            hints.setdefault(name, set()).add(parameter.annotation)
    one_of = {
        "normalization",
        "form",
        "block",
    }  # the allowed words differ, of which "batch" and "none" are shared
    for name in VOCABULARY & set(hints) - one_of - {"dense_units", "activation"}:
        assert len(hints[name]) == 1, (name, hints[name])
    assert all({"batch", "none"} <= set(get_args(hint)) for hint in hints["normalization"])


def _sizes():
    for name, variant in CATALOGUE.items():
        yield name, "paper", variant.minimum_size
        if variant.minimum_size_small is not None:
            yield name, "small", variant.minimum_size_small


@pytest.mark.parametrize(("name", "stem", "size"), _sizes())
def test_minimum_size_is_exact(name, stem, size):
    """The smallest size builds; one pixel less is refused by us, and would indeed leave nothing."""
    variant = CATALOGUE[name]
    options = {} if stem == "paper" else {"stem": stem}
    channels = variant.input_shape[2]
    model = networks.outline(name, input_shape=(size, size, channels), classes=10, **options)
    assert model.get_layer("scores").output.shape == (None, 10)
    for shape in ((size - 1, size, channels), (size, size - 1, channels)):
        with pytest.raises(
            ValueError, match=rf"{name} must be at least {size} pixels|must be an integer of at least 0"
        ):
            networks.build(name, input_shape=shape, **options)
    if size > 1:
        import keras

        with pytest.raises(ValueError, match=r"."), keras.StatelessScope(initialize_variables=False):
            variant.build((size - 1, size - 1, channels), 10, 1.0, **{**variant.options, **options})


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("resnet19", {}, "did you mean"),
        ("alexnet", {"normalisation": "lrn"}, "did you mean 'normalization'"),
        ("lenet5", {"stem": "small"}, "not an option of lenet5"),
        ("lenet5", {"width": 0}, "width=0"),
        ("lenet5", {"width": "a"}, "width='a' must be a number"),
        ("lenet5", {"width": float("nan")}, "width=nan"),
        ("lenet5", {"width": None}, "width=None"),
        ("lenet5", {"num_classes": 10}, "did you mean 'classes'"),
        ("lenet5", {"batch_norm": True}, "did you mean 'normalization'"),
        ("vgg11", {"configuration": "A"}, "did you mean 'form'"),
        ("lenet5", {"classes": ("coat", "bag")}, r"classes=\('coat', 'bag'\) must be an integer"),
        ("lenet5", {"classes": True}, "classes=True"),
        ("lenet5", {"input_shape": 28}, "input_shape=28"),
        ("lenet5", {"input_shape": "28x28"}, "input_shape='28x28'"),
        ("lenet5", {"input_shape": (28, 28.5, 1)}, r"input_shape\[1\]=28.5"),
        ("lenet5", {"input_shape": np.zeros((9, 28, 28, 1))}, "must be .height, width, channels"),
        ("lenet5", {"dense_units": 84}, "dense_units=84 must be a sequence"),
        ("lenet5", {"dense_units": (84, 0)}, r"dense_units\[1\]=0"),
        ("alexnet", {"dropout": 1}, "dropout=1 must be a number of at least 0 and below 1"),
        ("alexnet", {"dropout": "half"}, "dropout='half'"),
        ("resnet18", {"antialias": "yes"}, "antialias='yes' must be True or False"),
        ("resnet18", {"depths": 2}, "depths=2 must be a sequence"),
        (["resnet18"], {}, "is not a network of the course"),
        (None, {}, "name=None"),
        ("lenet5", {"classes": 1}, "classes=1"),
        ("lenet5", {"classes": 2.5}, "classes=2.5"),
        ("lenet5", {"input_shape": (28, 28)}, "input_shape"),
        ("lenet5", {"input_shape": (28, 28, 0)}, "number of channels,=0 must be"),
        ("lenet5", {"pooling": "sum"}, "pooling='sum'"),
        ("lenet5", {"first_padding": 2}, "first_padding=2"),
        ("lenet5_1998", {"classes": 11}, "codes='hadamard'"),
        ("lenet5_1998", {"codes": "random"}, "codes='random'"),
        ("lenet5_1998", {"stem": "large"}, "stem='large'"),
        ("alexnet", {"form": "vgg"}, "form='vgg'"),
        ("alexnet", {"groups": 0}, "groups=0"),
        ("alexnet", {"normalization": "layer"}, "normalization='layer'"),
        ("alexnet", {"skip_convolutions": (1,)}, "skip_convolutions"),
        ("alexnet", {"stem": "small", "input_shape": (28, 28, 1), "stem_stride": 3}, "stem_stride=3"),
        ("vgg16", {"form": "F"}, "form='F'"),
        ("vgg16", {"convolution_kernel": 4}, "convolution_kernel=4"),
        ("vgg16", {"normalization": "layer"}, "normalization='layer'"),
        ("vgg16", {"stem": "tiny"}, "stem='tiny'"),
        ("nin", {"head": "flat"}, "head='flat'"),
        ("nin", {"form": "mnist"}, "form='mnist'"),
        ("capsnet", {"decoder": "all"}, "decoder='all'"),
        ("capsnet", {"routings": 0}, "routings=0"),
    ],
)
def test_wrong_arguments_are_named(name, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        networks.build(name, **arguments)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("argument", ["name", "input_shape", "classes", "width", "stem", "x" * 500])
def test_another_object_of_ours_is_refused_in_a_short_sentence(argument):
    images = data.load("fashion_mnist", train_examples=10, validation_examples=0)
    for wrong in (images, images.train, images.train.images, networks.build("lenet5"), {"a": [1] * 1000}):
        with pytest.raises(ValueError, match=r"\.$|\?$") as caught:
            networks.build(**{"name": "resnet18", argument: wrong})
        assert len(str(caught.value)) <= 300
        assert "\n" not in str(caught.value)


def test_numpys_numbers_are_taken_everywhere():
    integer, number = np.int64, np.float32
    model = networks.build("resnet18", (integer(32), integer(32), integer(1)), integer(4), number(0.25), stem="small",
                           stem_stride=integer(1), depths=np.array([1, 1]), antialias=np.bool_(False))  # fmt: skip
    assert model.output.shape == (None, 4)
    networks.outline("densenet_cifar", depth=integer(16), growth=integer(4), dropout=number(0.1))
    networks.outline("convnext_tiny", input_shape=(32, 32, 3), depths=[integer(1)], drop_path=number(0.1))
    assert type(model.get_layer("stem_conv").filters) is int
    assert networks.outline("lenet5", activation=abs).get_layer("dense1_activation").activation is abs
    assert networks.build("lenet5", width=number(0.5)).to_json()

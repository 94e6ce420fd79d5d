"""Equal outputs of this course's networks and their re-statements in plain torch, through torchvision's names."""

import keras
import numpy as np
import pytest

from cnnlib import networks
from tests.networks.parity import (
    BOUND,
    assert_same_function,
    channels_first,
    images,
    predict,
    predict_torch,
    randomise_torch,
    relative_error,
)
from tests.precision import precision

torch = pytest.importorskip("torch", reason="torch is an optional dependency of the tests")

from tests.networks.restatements import chains, convnext, densenet, inception, residual  # noqa: E402

CLASSES = 7
REST = {"input_shape": (None, None, 3), "classes": CLASSES}
# Where keras.applications has the family, the other backends meet it in test_parity_applications.
heavy = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="heavy forms run on the tensorflow backend only"
)


def check(name, module, sides, calibration_side=None, dtype="float32", **options):
    """Equal at every size of `sides`; the network has free image sides unless there is only one."""
    module = module.to(getattr(torch, dtype))
    randomise_torch(module, images(calibration_side or sides[0], 9, 8, dtype))
    shape = (sides[0], sides[0], 3) if len(sides) == 1 else (None, None, 3)
    ours = networks.build(name, shape, CLASSES, **options)
    networks.load_torch_weights(ours, module.state_dict())
    xs = [images(side, i, dtype=dtype) for i, side in enumerate(sides)]
    assert_same_function(lambda x: predict(ours, x), lambda x: predict_torch(module, x), xs)
    return ours


def test_resnet18():
    check("resnet18", residual.ResNet((2, 2, 2, 2), 1, CLASSES), (64, 75))


@heavy
def test_resnet50():
    with precision("float64"):
        check("resnet50_v15", residual.ResNet((3, 4, 6, 3), 4, CLASSES), (64, 75), dtype="float64")


@heavy
def test_resnext50():
    with precision("float64"):
        check("resnext50_32x4d", residual.ResNet((3, 4, 6, 3), 4, CLASSES, 32, 4), (64, 75), dtype="float64")


@heavy
def test_densenet121():
    with precision("float64"):
        check("densenet121", densenet.DenseNet((6, 12, 24, 16), 32, CLASSES), (64, 75), dtype="float64")


def test_googlenet_without_and_with_its_auxiliary_heads():
    module = inception.GoogLeNet(CLASSES)
    with precision("float64"):
        ours = check("googlenet_torchvision", module, (64, 75), dtype="float64", auxiliary_heads=True)
        assert set(ours.output) == {"scores", "auxiliary_4a", "auxiliary_4d"}
        alone = networks.build("googlenet_torchvision", **REST)
        networks.load_torch_weights(alone, module.state_dict())
        x = images(64, 1, dtype="float64")
        assert relative_error(predict(alone, x), predict(ours, x)["scores"]) <= BOUND


@heavy
def test_inception_v3():
    with precision("float64"):
        check("inception_v3", inception.InceptionV3(CLASSES), (96, 107), 107, dtype="float64")


@pytest.mark.slow
@heavy
def test_inception_v3_with_its_auxiliary_head():
    module = inception.InceptionV3(CLASSES, auxiliary=True)
    with precision("float64"):
        check("inception_v3", module, (299,), dtype="float64", auxiliary_heads=True)


@pytest.mark.parametrize("side", [64, 75])
def test_convnext_tiny(side):
    check("convnext_tiny", convnext.ConvNeXt((3, 3, 9, 3), CLASSES), (side,))


@pytest.mark.parametrize(("side", "flattened"), [(64, 2), (75, 2)])
def test_vgg11_with_batch_norm(side, flattened):
    module = chains.vgg((1, 1, 2, 2, 2), CLASSES, flattened, batch_norm=True)
    with precision("float64"):
        check("vgg11_bn", module, (side,), dtype="float64")


@pytest.mark.parametrize(("side", "flattened"), [(96, 2), (127, 3)])
def test_alexnet(side, flattened):
    check("alexnet_torchvision", chains.alexnet(CLASSES, flattened), (side,))


# What the loader refuses, and what the bound sees. One small network serves all of it.


@pytest.fixture(scope="module")
def pair():
    """(module, images, its outputs)"""
    module = randomise_torch(residual.ResNet((1, 1, 1, 1), 1, CLASSES), images(64, 9, 8))
    x = images(64, 1)
    return module, x, predict_torch(module, x)


def small(**options):
    return networks.build("resnet18", **REST, depths=(1, 1, 1, 1), **options)


def test_arrays_and_half_precision_tensors_load_too(pair):
    module, x, theirs = pair
    ours = small()
    networks.load_torch_weights(ours, {k: v.numpy() for k, v in module.state_dict().items()})
    assert relative_error(predict(ours, x), theirs) <= BOUND
    networks.load_torch_weights(ours, {k: v.bfloat16() for k, v in module.state_dict().items()})
    assert BOUND < relative_error(predict(ours, x), theirs) < 0.1


def test_one_error_lists_all_that_does_not_fit_and_changes_nothing(pair):
    state = dict(pair[0].state_dict())
    del state["layer1.0.bn2.running_var"]
    state["fc.weight"] = state["fc.weight"][:3]
    state["layer5.0.conv1.weight"] = state["conv1.weight"]
    ours = small()
    before = ours.get_weights()
    with pytest.raises(ValueError, match="which is unchanged") as error:
        networks.load_torch_weights(ours, state)
    for fault in ("layer1.0.bn2.running_var is missing", "fc.weight has shape (3, 512)", "(7, 512)",
                  "layer5.0.conv1.weight has no place"):  # fmt: skip
        assert fault in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {f"_orig_mod.module.{key}": value for key, value in state.items()},
    ],
)
def test_state_dicts_as_trainings_save_them(pair, wrap):
    module, x, theirs = pair
    ours = small()
    networks.load_torch_weights(ours, wrap(module.state_dict()))
    assert relative_error(predict(ours, x), theirs) <= BOUND


def test_another_number_of_classes_leaves_the_head_out(pair):
    state = pair[0].state_dict()
    ours = networks.build("resnet18", (64, 64, 3), 3, depths=(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"fc.weight has shape \(7, 512\).*head=False") as error:
        networks.load_torch_weights(ours, state)
    assert len(str(error.value)) <= 300
    head = ours.get_layer("scores").get_weights()
    for given in (state, {key: value for key, value in state.items() if not key.startswith("fc.")}):
        networks.load_torch_weights(ours, given, head=False)
    kernel = keras.ops.convert_to_numpy(ours.get_layer("stem_conv").kernel)
    np.testing.assert_array_equal(kernel[..., 0, 0], state["conv1.weight"].numpy()[0, 0])
    assert all(
        np.array_equal(a, b) for a, b in zip(head, ours.get_layer("scores").get_weights(), strict=True)
    )


def test_torchvisions_bottlenecks_are_refused_by_the_papers_form():
    module = residual.ResNet((1, 1, 1, 1), 4, CLASSES)
    paper = networks.build("resnet50", **REST, depths=(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"build 'resnet50_v15', or say origin='paper'") as error:
        networks.load_torch_weights(paper, module.state_dict())
    assert len(str(error.value)) <= 300
    networks.load_torch_weights(paper, module.state_dict(), origin="paper")
    v15 = networks.build("resnet50_v15", **REST, depths=(1, 1, 1, 1))
    networks.load_torch_weights(v15, module.state_dict())
    assert all(np.array_equal(a, b) for a, b in zip(paper.get_weights(), v15.get_weights(), strict=True))


@pytest.mark.parametrize(
    "wrong", [None, "weights.pt", [1, 2], {1: 2}, {"conv1.weight": "text"}, {"a" * 500: 1.0}, {}]
)
def test_what_is_no_state_dict_is_refused_in_a_sentence(wrong):
    ours = small()
    with pytest.raises(ValueError, match="state_dict") as error:
        networks.load_torch_weights(ours, wrong)
    assert len(str(error.value)) <= 300


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(pair, wrong):
    state = {key: value.clone() for key, value in pair[0].state_dict().items()}
    state["layer2.0.conv1.weight"][0, 0, 0, 0] = wrong
    ours = small()
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"layer2.0.conv1.weight holds values that are not finite"):
        networks.load_torch_weights(ours, state)
    assert all(np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True))


def test_a_network_without_a_counterpart_is_refused(pair):
    for model in (networks.build("resnet20_cifar"), "resnet18", None, keras.Sequential(name="resnet18")):
        with pytest.raises(ValueError, match=r"has no counterpart in torchvision") as error:
            networks.load_torch_weights(model, pair[0].state_dict())
        assert len(str(error.value)) <= 300


def swap_rows_and_columns(ours):
    for layer in ours.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(keras.ops.convert_to_numpy(layer.kernel).swapaxes(0, 1).copy())


def widen_epsilon(ours):
    for layer in ours.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = 1e-3


def exchange_mean_and_shift(ours):
    layer = ours.get_layer("stage3_block1_conv1_bn")
    mean, shift = np.array(layer.moving_mean), np.array(layer.beta)
    layer.moving_mean.assign(shift)
    layer.beta.assign(mean)


def pad_at_the_end(ours):
    ours.get_layer("stage3_block1_conv1_pad").padding = ((0, 2), (0, 2))


@pytest.mark.parametrize(
    "fault", [swap_rows_and_columns, widen_epsilon, exchange_mean_and_shift, pad_at_the_end]
)
def test_a_fault_breaks_the_bound(pair, fault):
    module, x, theirs = pair
    ours = small()
    networks.load_torch_weights(ours, module.state_dict())
    fault(ours)
    assert relative_error(predict(ours, x), theirs) > 10 * BOUND


def test_same_padding_at_stride_two_breaks_the_bound_on_even_sides_only():
    """Keras' "same" and the papers' padding agree on odd sides, which is why both parities are tested."""
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype("float32")
    same = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)
    same.build((None, None, None, 3))
    same.kernel.assign(kernel)
    for side, equal in ((8, False), (9, True)):
        x = images(side, 1)
        ours = keras.ops.convert_to_numpy(same(x)).transpose(0, 3, 1, 2)
        weight = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        theirs = torch.nn.functional.conv2d(channels_first(x), weight, stride=2, padding=1).numpy()
        assert (relative_error(ours, theirs) <= BOUND) == equal

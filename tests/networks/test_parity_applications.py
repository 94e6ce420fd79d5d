"""Equal outputs of this course's networks and those of keras.applications, for copied random weights."""

import keras
import numpy as np
import pytest

from cnnlib import networks
from tests.networks.parity import (
    BOUND,
    assert_same_function,
    images,
    predict,
    randomise_keras,
    relative_error,
)
from tests.precision import precision

CLASSES = 7
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
heavy = pytest.mark.skipif(not ON_TENSORFLOW, reason="heavy forms run on the tensorflow backend only")
SIDES = (64, 75) if ON_TENSORFLOW else (64,)  # an even and an odd one; odd sides hide wrong padding
MOBILENET = {"activation": "relu6", "padding": "bottom_right"}


def with_head(application, **arguments):
    """Their network for images of any size, with a dense layer where `include_top` would put it."""
    base = application(
        include_top=False, weights=None, input_shape=(None, None, 3), pooling="avg", **arguments
    )
    return keras.Model(base.input, keras.layers.Dense(CLASSES, name="predictions")(base.output))


def copied(name, theirs, calibration, input_shape=(None, None, 3), **options):
    randomise_keras(theirs, calibration)
    ours = networks.build(name, input_shape, CLASSES, **options)
    networks.load_keras_weights(ours, theirs)
    return ours


def check_any_size(name, application, options, sides, dtype="float32"):
    theirs = with_head(application)
    ours = copied(name, theirs, images(sides[0], 9, 8, dtype), **options)
    xs = [images(side, i, dtype=dtype) for i, side in enumerate(sides)]
    assert_same_function(lambda x: predict(ours, x), lambda x: predict(theirs, x), xs)
    return ours, theirs


def check_fixed_size(name, application, options, side, **arguments):
    theirs = application(weights=None, input_shape=(side, side, 3), classes=CLASSES, classifier_activation=None,
                         **arguments)  # fmt: skip
    x = images(side, 1)
    ours = copied(name, theirs, images(side, 9, 8), (side, side, 3), **options)
    assert_same_function(lambda x: predict(ours, x), lambda x: predict(theirs, x), [x])


def test_resnet50():
    with precision("float64"):
        check_any_size("resnet50", keras.applications.ResNet50, {}, SIDES, dtype="float64")


def test_inception_v3():
    check_any_size(
        "inception_v3",
        keras.applications.InceptionV3,
        {"pool_counts_padding": False},
        (96, 107) if ON_TENSORFLOW else (96,),
    )


def test_densenet121():
    with precision("float64"):
        check_any_size("densenet121", keras.applications.DenseNet121, {}, SIDES, dtype="float64")


@heavy
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "application", "options"),
    [
        ("resnet101", keras.applications.ResNet101, {}),
        ("resnet152", keras.applications.ResNet152, {}),
        ("densenet169", keras.applications.DenseNet169, {}),
        ("densenet201", keras.applications.DenseNet201, {}),
    ],
)
def test_more_than_a_hundred_layers_in_float64(name, application, options):
    with precision("float64"):
        check_any_size(name, application, options, SIDES, dtype="float64")


@pytest.mark.parametrize("side", SIDES)
def test_mobilenet(side):
    check_fixed_size("mobilenet_v1", keras.applications.MobileNet, MOBILENET, side)


@pytest.mark.parametrize("side", SIDES)
def test_convnext_tiny(side):
    check_fixed_size("convnext_tiny", keras.applications.ConvNeXtTiny, {}, side, include_preprocessing=False)


@pytest.mark.parametrize("side", SIDES)
def test_vgg16(side):
    check_fixed_size("vgg16", keras.applications.VGG16, {}, side)


@heavy
@pytest.mark.parametrize("side", SIDES)
def test_vgg19(side):
    check_fixed_size("vgg19", keras.applications.VGG19, {}, side)


@heavy
def test_wrong_options_and_wrong_networks_are_refused_and_change_nothing():
    theirs = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=CLASSES)
    ours = networks.build("mobilenet_v1", (32, 32, 3), CLASSES + 1)
    before = [np.array(w) for w in ours.get_weights()]
    with pytest.raises(ValueError, match=r"relu6.*bottom_right.*scores's kernel.*and 1 more") as error:
        networks.load_keras_weights(ours, theirs)
    assert "unchanged" in str(error.value)
    assert len(str(error.value)) <= 300
    with pytest.raises(ValueError, match=r"applications_model='mobilenet' must be one of"):
        networks.load_keras_weights(ours, "mobilenet")
    assert all(np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True))
    with pytest.raises(ValueError, match=r"no counterpart in keras.applications"):
        networks.load_keras_weights(networks.build("highway"), theirs)
    with pytest.raises(ValueError, match="conv1_conv is missing"):
        networks.load_keras_weights(networks.build("densenet121", (32, 32, 3), CLASSES), theirs)


@pytest.fixture(scope="module")
def resnet50():
    """(ours, theirs), in single precision"""
    theirs = with_head(keras.applications.ResNet50)
    return copied("resnet50", theirs, images(64, 9, 8)), theirs


@heavy
@pytest.mark.parametrize("fault", ["none", "statistics", "epsilon", "bias"])
def test_small_faults_break_the_bound(resnet50, fault):
    """What the bound must see: swapped statistics, an epsilon of 1e-3, a bias that was not folded."""
    ours, theirs = resnet50
    networks.load_keras_weights(ours, theirs)
    changed = ours.get_layer("stage3_block2_conv2_bn")
    if fault == "statistics":
        changed.moving_variance.assign(changed.moving_variance[::-1])
    elif fault == "epsilon":
        for layer in ours.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.epsilon = 1e-3
    elif fault == "bias":
        bias = theirs.get_layer("conv3_block2_2_conv").bias
        changed.moving_mean.assign(changed.moving_mean + bias)
    x = images(64, 1)
    error = relative_error(predict(ours, x), predict(theirs, x))
    for layer in ours.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = 1e-5
    assert (error > 10 * BOUND) == (fault != "none")

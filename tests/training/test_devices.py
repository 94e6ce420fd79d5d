"""Training on several devices, on two virtual ones of the CPU: `two_devices` does it in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from cnnlib import training
from tests.training.pictures import corners
from tests.training.test_train import RECIPE, network

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def result():
    backend = keras.config.backend()  # the tests run on each backend in turn
    if backend == "torch":
        pytest.skip("PyTorch trains on one device here")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.two_devices"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {"backend": backend, **json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("recipe", ["sgd", "clipped"])
def test_twenty_steps_on_two_devices_are_those_on_one(result, recipe):
    """`clipped`: the norm of the whole batch's gradient is clipped, not that of each share; its data are streamed."""
    differences = result[recipe]
    print(f"{result['backend']}, {recipe}, largest differences after 20 steps: {differences}")
    assert differences["moved"] > 0.2  # the losses had something to differ in
    assert differences["loss"] < TOLERANCE
    assert differences["accuracy"] == 0
    assert differences["validation"] < TOLERANCE
    assert differences["weights"] < TOLERANCE


def test_gradients_that_are_added_up_instead_of_averaged_would_be_noticed(result):
    assert result["planted"] > 1000 * TOLERANCE


def test_each_device_works_on_half_of_a_batch(result):
    assert result["share_of_a_batch"] == 32


def test_the_network_can_be_measured_and_trained_further(result):
    assert result["afterwards"]["evaluated"] < 1e-6
    assert result["afterwards"]["goes_on"]


def test_dropout_batch_normalization_and_augmentation_train(result):
    first, second = result["random_layers"]
    assert second < first


REFUSALS = {
    "none": "devices=0 must be an integer of at least 1",
    "a fraction": "devices=1.5 must be an integer of at least 1",
    "too many": r"devices=3, but \w+ has 2 \(.*on a CPU, (set|call) ",
    "a remainder": r"batch_size=63 cannot be shared equally by devices=2; take a multiple, 64 ",
    "fit": r"take loop='fused' for devices=2",
    "built for one": r"built for 1; .*with training\.on_devices\(2\)",
    "built for two": r"built for 2; train it with devices=2",
}


@pytest.mark.parametrize("wish", REFUSALS)
def test_what_is_impossible_is_said_in_a_sentence(result, wish):
    if wish.startswith("built") and result["backend"] != "tensorflow":
        pytest.skip("only TensorFlow decides at the building of a network where its weights lie")
    sentence = result["refusals"][wish]
    assert re.search(REFUSALS[wish], sentence), sentence
    assert "\n" not in sentence


def test_one_device_is_the_training_of_always():
    digests = []
    for devices in (None, 1):
        with training.on_devices(devices):
            model = network(dropout=0.1)
        training.train(model, corners(), RECIPE, devices=devices, progress="none")
        digests.append(b"".join(weight.tobytes() for weight in model.get_weights()))
    assert digests[0] == digests[1]


@pytest.mark.skipif(keras.config.backend() != "torch", reason="about PyTorch alone")
def test_pytorch_names_the_backends_that_can():
    with pytest.raises(ValueError, match="set KERAS_BACKEND to jax or tensorflow"):
        training.on_devices(2)
    with pytest.raises(ValueError, match="devices=2, but torch has 1"):
        training.train(network(), corners(), RECIPE, devices=2, progress="none")

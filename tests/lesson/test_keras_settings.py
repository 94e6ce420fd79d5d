"""A user's keras.json and KERAS_BACKEND in plain Jupyter: trainings work, or one sentence says what is wrong."""

import json
import os
import subprocess
import sys

import pytest

from workflow.lessons import ROOT

TRAIN = """
from cnnlib import lesson, networks, training
import keras
from tests.training.pictures import corners
def train():
    network = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])
    recipe = training.Recipe(epochs=1, batch_size=64, learning_rate=0.1, optimizer="sgd")
    history = training.train(network, corners(128, 64, 64), recipe, seed=0)
    print(network.weights[0].dtype, training.evaluate(network, corners(128, 64, 64).test)["top1"] > 0)
try:
    train()
except ValueError as error:
    print(error)
lesson.begin("04_lenet", budget="quick", seed=0)
train()
print(keras.config.floatx(), keras.config.epsilon())
"""


def run(home, code, settings=None, **variables):
    """(exit status, stdout, last line of stderr) of Python code on the machine of a user with this keras.json."""
    if settings is not None:
        (home / ".keras").mkdir()
        (home / ".keras" / "keras.json").write_text(json.dumps(settings))
    left_out = {"KERAS_HOME", "KERAS_BACKEND"}
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    own |= {"HOME": str(home), "CNNLIB_PROGRESS": "plain", **variables}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, text=True)
    return done.returncode, done.stdout, (done.stderr.strip().splitlines() or [""])[-1]


@pytest.mark.slow
@pytest.mark.parametrize("floatx", ["float64", "float16"])
def test_trainings_are_in_float32_whatever_keras_json_says(tmp_path, floatx):
    status, out, error = run(tmp_path, TRAIN, {"floatx": floatx, "epsilon": 1e-3, "backend": "tensorflow"})
    assert status == 0, error
    lines = out.splitlines()
    assert f"weights of {floatx}" in lines[0]
    assert "keras.json" in lines[0]
    assert lines.count("float32 True") == 1
    assert lines[-1] == "float32 1e-07"


def test_what_code_has_set_is_left_to_it(tmp_path):
    code = "import keras; keras.config.set_floatx('float64'); import cnnlib; print(keras.config.floatx())"
    assert run(tmp_path, code, {"floatx": "float32"})[1] == "float64\n"


@pytest.mark.parametrize(
    ("settings", "variables", "code", "sentence"),
    [
        ({"backend": "theano"}, {}, "", "'theano', which {home}/.keras/keras.json names"),
        ({"backend": "tensorflow"}, {"KERAS_BACKEND": "theano"}, "",
         "'theano', which the environment variable KERAS_BACKEND names"),
        ({"backend": "jax"}, {}, "import sys; sys.modules['jax'] = None; ",
         "'jax', which {home}/.keras/keras.json names (import of jax halted"),
        ({"backend": "numpy"}, {}, "", "'numpy', which {home}/.keras/keras.json names (cnnlib is not made for it)"),
        ({"floatx": "float8"}, {"KERAS_BACKEND": "tensorflow"}, "",
         "{home}/.keras/keras.json cannot be used (Invalid `floatx`"),
    ],
    ids=["theano in keras.json", "theano in KERAS_BACKEND", "no jax", "numpy", "floatx"],
)  # fmt: skip
def test_a_backend_that_cannot_be_used_is_one_sentence(tmp_path, settings, variables, code, sentence):
    status, _, error = run(tmp_path, f"{code}from cnnlib import lesson", settings, **variables)
    assert status == 1
    assert error.startswith("ImportError: ")
    assert sentence.format(home=tmp_path) in error
    assert "KERAS_BACKEND=tensorflow" in error or "correct that line or remove the file" in error

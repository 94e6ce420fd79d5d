"""Using the library changes nothing for a user's own Keras models.

Each side is a process of its own: one trains a network of plain Keras by `fit`, the other does the same after an import
of the whole library and a training. Weights must be equal to the bit, and on TensorFlow the traced graph, too.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[2]

USER = """
import hashlib, json, sys
import keras
import numpy as np

{before}
keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
x, y = random.random((96, 12, 12, 1), "float32"), random.integers(0, 4, 96)
model = keras.Sequential([
    keras.Input((12, 12, 1)),
    keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.ReLU(),
    keras.layers.Flatten(), keras.layers.Dropout(0.2), keras.layers.Dense(4),
])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.AdamW(1e-2), loss, jit_compile=False)
model.fit(x, y, batch_size=32, epochs=2, verbose=0)
found = {{"weights": hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()}}
if keras.config.backend() == "tensorflow":
    import tensorflow as tf

    traced = tf.function(lambda images: model(images, training=True)).get_concrete_function(
        tf.TensorSpec((32, 12, 12, 1)))
    found["operations"] = [operation.type for operation in traced.graph.get_operations()]
    found["options"] = {{k: v for k, v in tf.config.optimizer.get_experimental_options().items() if v}}
found["settings"] = [keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy().name]
found["call"] = keras.layers.BatchNormalization.call.__module__
print(json.dumps(found))
"""

LIBRARY = """
import os
environment = dict(os.environ)
import cnnlib
from cnnlib import augment, compress, data, inspect, networks, plots, training

model = networks.build("resnet20_cifar", input_shape=(12, 12, 1), classes=10, width=0.25)
images = data.load("fashion_mnist", train_examples=256, validation_examples=64, seed=0)
small = data.Dataset(*(data.Split(s.images[:128, :12, :12], s.labels[:128])
                       for s in (images.train, images.validation, images.test)),
                     class_names=images.class_names, name="small", sha256="")
training.train(model, small, training.Recipe(epochs=1, batch_size=32), progress="none")
training.evaluate(model, small.test)
assert dict(os.environ) == environment, set(os.environ.items()) ^ set(environment.items())
"""


def outcome(before):
    environment = {**os.environ, "KERAS_BACKEND": keras.config.backend()}
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    done = subprocess.run(
        [sys.executable, "-c", USER.format(before=before)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def alone():
    return outcome("")


@pytest.mark.parametrize("before", [LIBRARY, "import cnnlib"], ids=["a training", "an import"])
def test_a_users_own_network_trains_as_without_the_library(alone, before):
    assert outcome(before) == alone


def test_the_comparison_notices_a_switch(alone):
    planted = "import tensorflow as tf\ntf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})"
    if keras.config.backend() != "tensorflow":
        planted = "keras.config.set_floatx('float16')\nkeras.config.set_dtype_policy('mixed_bfloat16')"
    assert outcome(planted) != alone

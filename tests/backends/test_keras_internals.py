"""What is read of Keras beyond its public interface still says what the library takes it to say."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnlib.backends import keras_internals

ROOT = Path(__file__).parents[2]


def nested():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, keras.layers.Dense(3, name="inner_dense")(inner_input), name="inner")
    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization(name="norm")(inner(inputs))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="end")(x))


def test_layers_within_are_found_once():
    model = nested()
    names = [part.name for part in keras_internals.flattened(model)]
    assert {"inner", "inner_dense", "norm", "end"} <= set(names)
    assert len(names) == len(set(names))


def test_weights_count_frozen_ones_as_trainable_and_statistics_as_fixed():
    model = nested()
    model.trainable = False
    trainable, fixed = keras_internals.weights(model)
    assert len(trainable) == 2 + 2 + 2
    assert len(fixed) == 2


def test_nodes_come_in_the_order_of_computation():
    names = [node.operation.name for node in keras_internals.nodes(nested())]
    assert names.index("inner") < names.index("norm") < names.index("end")


def test_an_operation_can_be_replaced():
    model = nested()
    zero = keras_internals.run_with(
        model,
        keras.ops.ones((1, 4)),
        lambda op: (lambda *a, **k: 0 * op(*a, **k)) if op.name == "norm" else op,
    )
    np.testing.assert_allclose(keras.ops.convert_to_numpy(zero), [[0.5, 0.5]], atol=1e-6)


def test_the_last_activation_is_named():
    model = nested()
    assert keras_internals.last_activation(model.output) == "softmax"
    assert keras_internals.last_activation(keras.ops.sigmoid(model.output)) == "sigmoid"
    assert keras_internals.last_activation(model.get_layer("norm").output) not in ("softmax", "sigmoid")


def test_a_model_without_a_graph_is_refused():
    with pytest.raises(ValueError, match="has no graph"):
        keras_internals.functional(keras.Sequential([keras.layers.Dense(2)]))


PRIVATE = re.compile(r"(?<!self)(?<!cls)\.(_[a-z]\w+)|from keras\.src|import keras\.src")


def private_uses(folder):
    """Lines of the library that read a private attribute of another object, or Keras's private modules."""
    for path in sorted(folder.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("#")[0]
            if PRIVATE.search(code) and not re.match(r"\s*(from|import) (cnnlib|\.)", code):
                yield f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


def test_private_attributes_of_keras_are_read_in_one_room():
    found = [use for use in private_uses(ROOT / "cnnlib") if not use.startswith("cnnlib/backends/")]
    assert not found, "\n".join(found)


def test_a_private_use_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.backends.test_keras_internals.ROOT", tmp_path)
    (tmp_path / "planted.py").write_text("x = layer._keras_history\nfrom cnnlib._quiet import y\n")
    assert len(list(private_uses(tmp_path))) == 1

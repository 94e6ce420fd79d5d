"""The layer table: counts by hand for every kind of layer, text that never changes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnlib import inspect
from cnnlib.layers import CapsuleLayer, LocalResponseNormalization, PrimaryCapsules


def _one_layer(layer, shape):
    inputs = keras.Input(shape)
    return inspect.layer_table(keras.Model(inputs, layer(inputs)))


@pytest.mark.parametrize(
    ("layer", "shape", "params", "macs"),
    [
        (lambda: layers.Conv2D(8, 3), (10, 9, 4), 8 * 37, 8 * 7 * 8 * 36),
        (lambda: layers.Conv2D(8, (3, 5), 2, padding="same"), (10, 9, 4), 8 * 61, 5 * 5 * 8 * 60),
        (lambda: layers.Conv2D(8, 3, groups=2, use_bias=False), (10, 10, 4), 8 * 18, 64 * 8 * 18),
        (lambda: layers.Conv2D(8, 3, dilation_rate=2, padding="same"), (10, 10, 4), 8 * 37, 100 * 8 * 36),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 4), 9 * 8 + 8, 16 * 9 * 8),
        (lambda: layers.SeparableConv2D(8, 3), (6, 6, 4), 36 + 32 + 8, 16 * (36 + 32)),
        (lambda: layers.Conv2DTranspose(8, 3, 2), (5, 5, 4), 9 * 32 + 8, 25 * 9 * 32),
        (lambda: layers.Conv1D(8, 3), (10, 4), 8 * 13, 8 * 8 * 12),
        (lambda: layers.Dense(7), (5,), 42, 35),
        (lambda: layers.Dense(7), (3, 4, 5), 42, 12 * 35),
        (lambda: layers.EinsumDense("abc,cd->abd", (3, 7)), (3, 5), 35, 3 * 35),
        (lambda: layers.EinsumDense("...c,cd->...d", 7), (2, 3, 5), 35, 6 * 35),
        (lambda: layers.BatchNormalization(), (5, 5, 4), 8, 0),
        (lambda: LocalResponseNormalization(), (5, 5, 4), 0, 0),
        (lambda: PrimaryCapsules(2, 4, 3, 2), (7, 7, 3), 8 * 28, 9 * 8 * 27),
        (lambda: CapsuleLayer(3, 4, 2), (6, 5), 6 * 5 * 12, 6 * 12 * 5 + 3 * 6 * 12),
        (lambda: layers.SpectralNormalization(layers.Conv2D(8, 3)), (6, 6, 4), 8 * 37, 16 * 8 * 36),
        (lambda: layers.Bidirectional(layers.LSTM(3)), (4, 5), 2 * (5 + 3 + 1) * 12, 0),
    ],
)
def test_params_and_multiply_adds_by_hand(layer, shape, params, macs):
    table = _one_layer(layer(), shape)
    assert (table.total_params, table.total_macs) == (params, macs)


def _small_model():
    inputs = keras.Input((8, 8, 3), name="images")
    inner_in = keras.Input((8, 8, 3))
    inner = keras.Model(
        inner_in, layers.ReLU(name="relu")(layers.Conv2D(3, 3, padding="same", name="conv")(inner_in))
    )
    inner.name = "block"
    x = layers.Add(name="add")([inner(inner(inputs)), inputs])
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(1200, name="scores")(x), name="small")


TEXT = """\
small
layer       type                    output shape  params    MACs  receptive field  activation bytes
---------------------------------------------------------------------------------------------------
block/conv  Conv2D                  8×8×3             84   5,184                3               768
block/relu  ReLU                    8×8×3              0       0                3               768
block/conv  Conv2D                  8×8×3              0   5,184                5               768
block/relu  ReLU                    8×8×3              0       0                5               768
add         Add                     8×8×3              0       0                5               768
bn          BatchNormalization      8×8×3              6       0                5               768
pool        GlobalAveragePooling2D  3                  0       0              all                12
scores      Dense                   1200           4,800   3,600              all             4,800
---------------------------------------------------------------------------------------------------
total                                              4,890  13,968                              9,420"""


def test_text_is_aligned_and_fixed():
    table = inspect.layer_table(_small_model())
    assert str(table) == repr(table) == TEXT
    assert not hasattr(table, "_repr_html_")
    assert (table.total_activation_bytes, table.non_trainable_params) == (9_420, 6)
    assert list(table.frame.columns) == ["layer", "type", "output_shape", "params", "macs", "receptive_field",
                                         "activation_bytes"]  # fmt: skip


def test_frozen_layers_are_still_counted_and_dropout_seeds_are_not():
    model = _small_model()
    model.trainable = False
    assert inspect.layer_table(model).total_params == 4_890
    inputs = keras.Input((5,))
    table = inspect.layer_table(keras.Model(inputs, layers.Dropout(0.5, seed=1)(inputs)))
    assert (table.total_params, table.non_trainable_params) == (0, 0)


def test_weighted_rows_keep_the_totals():
    table = inspect.layer_table(_small_model())
    assert list(table.weighted().frame.layer) == ["block/conv", "block/conv", "bn", "scores"]
    assert (table.weighted().total_macs, len(table.weighted())) == (table.total_macs, 4)


def test_sequential_models_have_tables_and_unbuilt_ones_say_why():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
    assert inspect.layer_table(model).total_params == 20 + 27
    with pytest.raises(ValueError, match=r"keras\.Model"):
        inspect.layer_table(keras.Sequential([layers.Dense(3)]))
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="definite input_shape"):
        inspect.layer_table(keras.Model(inputs, layers.Conv2D(2, 3)(inputs)))


def test_predict_in_batches_scales_bytes_and_keeps_names():
    inputs = keras.Input((3, 3, 1))
    x = layers.GlobalAveragePooling2D(name="mean")(inputs)
    model = keras.Model(inputs, {"scores": x, "twice": ops.add(x, x)})
    images = np.arange(45, dtype="uint8").reshape(5, 3, 3, 1)
    out = inspect.predict(model, images, batch_size=2)
    np.testing.assert_allclose(out["scores"], images.mean((1, 2)) / 255, rtol=1e-5)
    np.testing.assert_allclose(out["twice"], 2 * images.mean((1, 2)) / 255, rtol=1e-5)
    with pytest.raises(ValueError, match="batch_size=0"):
        inspect.predict(model, images, 0)
    with pytest.raises(ValueError, match="empty"):
        inspect.predict(model, images[:0])


def test_feature_maps_are_those_of_the_layers():
    model = _small_model()
    images = np.random.default_rng(0).uniform(size=(3, 8, 8, 3)).astype("float32")
    maps = inspect.feature_maps(model, images, ["add", "pool"], batch_size=2)
    assert {name: m.shape for name, m in maps.items()} == {"add": (3, 8, 8, 3), "pool": (3, 3)}
    np.testing.assert_allclose(maps["pool"], maps["add"].mean((1, 2)) / np.sqrt(1 + 1e-3), rtol=1e-4)
    with pytest.raises(ValueError, match="no_such"):
        inspect.feature_maps(model, images, "no_such")

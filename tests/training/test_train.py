import csv
import dataclasses
import sys

import keras
import numpy as np
import pytest

from cnnlib import data, training
from cnnlib.training import Recipe, TrainingDiverged
from cnnlib.training.memory import is_out_of_memory
from tests.training.pictures import CLASSES, corners

RECIPE = Recipe(epochs=2, batch_size=64, learning_rate=5e-3, schedule="one_cycle")


@pytest.fixture(scope="module")
def images():
    return corners()


def network(seed=0, dropout=0.0, batch_norm=True):
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input((12, 12, 1), name="images")
    # A bias in front of BatchNorm has a gradient of nothing but rounding, which Adam would blow up.
    x = keras.layers.Conv2D(4, 3, use_bias=not batch_norm, name="convolution")(x)
    if batch_norm:
        x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="scores")(x), name="little")


def test_training_learns_and_leaves_the_test_set_alone(images):
    model = network()
    untouched = images.test.images.copy()
    history = training.train(model, images, RECIPE, progress="none")
    assert history.epochs == 2
    assert history.train_loss[1] < history.train_loss[0]
    result = training.evaluate(model, images.test)
    assert result["top1"] > 0.9
    assert result["top5"] == 1.0
    assert np.array_equal(untouched, images.test.images)


def test_evaluation_counts_every_image_once(images):
    """203 images in batches of 50: the filled-up last batch must not count twice."""
    model = network()
    result = training.evaluate(model, images.test, batch_size=50)
    logits = keras.ops.convert_to_numpy(model(images.test.images.astype("float32") / 255, training=False))
    right = logits.argmax(axis=1) == images.test.labels
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(203), images.test.labels]
    assert result["top1"] == pytest.approx(right.mean(), abs=1e-6)
    assert result["loss"] == pytest.approx(losses.mean(), rel=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_fused_epoch_and_fit_are_the_same_training(images, optimizer, dropout):
    if dropout and keras.config.backend() == "torch":
        pytest.skip("torch's dropout draws from a global state, from which the data loader of fit draws, too")
    recipe = Recipe(
        epochs=1, batch_size=64, optimizer=optimizer, learning_rate=5e-3, weight_decay=0.01, clip_norm=1.0
    )
    histories, weights = {}, {}
    for loop in ("fused", "fit"):
        model = network(dropout=dropout)
        histories[loop] = training.train(model, images, recipe, seed=3, loop=loop, progress="none")
        weights[loop] = model.get_weights()
    for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
        one, other = (getattr(histories[loop], name)[0] for loop in ("fused", "fit"))
        assert one == pytest.approx(other, abs=1e-4), name
    for one, other in zip(weights["fused"], weights["fit"], strict=True):
        assert np.allclose(one, other, atol=1e-3)


def test_streaming_and_resident_data_are_the_same_training(images):
    results = []
    for resident in (True, False):
        model = network()
        training.train(model, images, RECIPE, resident=resident, progress="none")
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_a_watched_epoch_is_the_same_training(images, capsys):
    """The bar cuts an epoch into stretches; that must not change it."""
    results = []
    for progress in ("none", "bar"):
        model = network()
        training.train(model, images, RECIPE, progress=progress)
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        assert np.allclose(one, other, atol=1e-6)
    assert "steps" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(images):
    digests = []
    for seed in (0, 0, 1):
        model = network()
        training.train(model, images, RECIPE, seed=seed, progress="none")
        digests.append(b"".join(w.tobytes() for w in model.get_weights()))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_augmentation_reaches_the_network_in_training_only(images):
    class Blacken(keras.layers.Layer):
        def call(self, x, training=False):
            return x * 0 if training else x

    model = network(batch_norm=False)
    history = training.train(model, images, RECIPE, augmentation=Blacken(), progress="none")
    assert history.train_accuracy[-1] < 0.5
    assert history.train_loss[-1] == pytest.approx(np.log(CLASSES), abs=0.1)


def test_random_augmentation_differs_from_step_to_step(images):
    keras.utils.set_random_seed(0)
    noise = keras.layers.GaussianNoise(0.5)
    before = [keras.ops.convert_to_numpy(v).copy() for v in noise.non_trainable_variables]
    training.train(network(), images, RECIPE, augmentation=noise, progress="none")
    after = [keras.ops.convert_to_numpy(v) for v in noise.non_trainable_variables]
    assert any(not np.array_equal(b, a) for b, a in zip(before, after, strict=True))


def test_penalties_of_layers_are_part_of_the_loss(images):
    losses = []
    for strength in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((12, 12, 1))
        x = keras.layers.Flatten()(inputs)
        x = keras.layers.Dense(CLASSES, kernel_regularizer=keras.regularizers.L2(strength), name="scores")(x)
        recipe = Recipe(epochs=1, batch_size=512, optimizer="sgd", learning_rate=1e-6)
        losses.append(training.train(keras.Model(inputs, x), images, recipe, progress="none").train_loss[0])
    assert losses[1] > losses[0] + 1


def test_a_network_with_auxiliary_outputs_trains_and_is_measured_by_its_scores(images):
    plain = network()
    head = keras.layers.Dense(CLASSES, name="auxiliary")(plain.get_layer("relu").output[:, 5, 5])
    model = keras.Model(plain.inputs[0], {"scores": plain.output, "auxiliary": head})
    before = keras.ops.convert_to_numpy(model.get_layer("auxiliary").kernel)
    training.train(model, images, RECIPE, progress="none")
    assert np.abs(keras.ops.convert_to_numpy(model.get_layer("auxiliary").kernel) - before).max() > 1e-3
    assert training.evaluate(model, images.test) == training.evaluate(plain, images.test)


def test_a_loss_that_explodes_stops_with_causes(images):
    recipe = Recipe(epochs=5, batch_size=64, optimizer="sgd", learning_rate=1e20, momentum=0.9)
    with pytest.raises(TrainingDiverged, match=r"epoch \d.*learning rate"):
        training.train(network(batch_norm=False), images, recipe, progress="none")


def test_a_step_that_does_not_fit_into_memory_names_what_to_lower(images, monkeypatch):
    def exhausted(*arguments):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr("cnnlib.training.runners.FusedRunner.epoch", exhausted)
    with pytest.raises(
        training.DeviceMemoryError, match=r"batch_size=64 on images of .*lower batch_size \(try 32\)"
    ) as caught:
        training.train(network(), images, RECIPE, progress="none")
    assert caught.value.__suppress_context__  # none of the backend's trace


def test_a_real_lack_of_memory_is_recognised_and_another_error_is_not():
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each backend has a class of its own
        keras.ops.zeros((2**20, 2**20, 2**8), dtype="float32") + 1
    assert is_out_of_memory(caught.value), caught.value
    assert not is_out_of_memory(ValueError("shapes differ"))


def test_early_stopping_puts_the_best_weights_back(images):
    # With the validation images under wrong labels the validation loss must rise as the training goes on.
    wrong = data.Split(images.validation.images, (images.validation.labels + 1) % CLASSES)
    misled = dataclasses.replace(images, validation=wrong)
    recipe = Recipe(epochs=12, batch_size=64, early_stopping_patience=2)
    model = network()
    history = training.train(model, misled, recipe, progress="none")
    assert history.stopped_early
    assert history.epochs < recipe.epochs
    best = int(np.argmin(history.validation_loss))
    assert best == history.epochs - 3
    assert training.evaluate(model, wrong)["loss"] == pytest.approx(history.validation_loss[best], rel=1e-4)


def test_a_plateau_lowers_the_learning_rate(images):
    recipe = Recipe(
        epochs=4, batch_size=64, optimizer="sgd", learning_rate=1e-9, schedule="plateau", plateau_patience=1
    )
    history = training.train(network(batch_norm=False), images, recipe, progress="none")
    assert history.learning_rate[-1] < 0.11e-9


def test_logs_hold_a_row_an_epoch(images, tmp_path):
    path = tmp_path / "logs" / "history.csv"
    history = training.train(network(), images, RECIPE, csv_log=path, progress="none")
    rows = list(csv.DictReader(path.open()))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert float(rows[1]["validation_loss"]) == history.validation_loss[1]


def test_tensorboard_files_are_written(images, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    training.train(network(), images, RECIPE, tensorboard=tmp_path, progress="none")
    assert list(tmp_path.glob("events.*"))


def test_tensorboard_where_it_is_missing_is_said_at_once(images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match=r"tensorboard=.*install"):
        training.train(network(), images, RECIPE, tensorboard=tmp_path, progress="none")


def test_headless_progress_is_one_line_an_epoch(images, capsys, monkeypatch):
    monkeypatch.setenv("CNNLIB_PROGRESS", "plain")
    training.train(network(), images, RECIPE)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "\r" not in "".join(lines)


def dense(side, scores):
    return keras.Sequential(
        [keras.Input((side, side, 1)), keras.layers.Flatten(), keras.layers.Dense(scores)]
    )


def without_validation():
    pictures, labels = np.zeros((8, 12, 12, 1), "uint8"), np.zeros(8, "int32")
    some, none = data.Split(pictures, labels), data.Split(pictures[:0], labels[:0])
    return dataclasses.replace(corners(), train=some, validation=none)


class Subclassed(keras.Model):
    def call(self, x):
        return x


def network_with_end(end):
    model = network(batch_norm=False)
    end = keras.layers.Activation(end) if isinstance(end, str) else end
    return keras.Model(model.inputs, end(model.output))


def two_outputs():
    model = network()
    return keras.Model(model.inputs, [model.output, model.output + 1.0])


def frozen():
    model = network()
    model.trainable = False
    return model


def mislabelled():
    some = corners()
    labels = np.ones_like(some.train.labels)
    labels[0] = 9
    return dataclasses.replace(
        some, train=data.Split(some.train.images, labels), class_names=tuple("abcdefghij")
    )


def in_float64():
    with_policy = keras.layers.Dense(CLASSES, dtype="float64")
    return keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), with_policy])


MISFITS = {
    "no validation images": (lambda: {"images": without_validation()}, "validation_examples"),
    "another image size": (lambda: {"model": dense(8, 4)}, "takes images"),
    "too few scores": (lambda: {"model": dense(12, 2)}, "scores"),
    "a batch larger than the data": (lambda: {"recipe": Recipe(epochs=1, batch_size=513)}, "batch_size=513"),
    "an unknown loop": (lambda: {"loop": "fast"}, "loop='fast'"),
    "a negative seed": (lambda: {"seed": -1}, "seed=-1"),
    "an unknown progress": (lambda: {"progress": "loud"}, "progress='loud'"),
    "a name for a network": (
        lambda: {"model": "resnet18"},
        "model is of type str; expected a built keras.Model",
    ),
    "a split for a dataset": (lambda: {"images": corners().train}, "expected a data.Dataset"),
    "a dict for a recipe": (
        lambda: {"recipe": {"epochs": 1}},
        r"recipe is of type dict; expected a training.Recipe",
    ),
    "a dataset for a network": (lambda: {"model": corners()}, "model is of type Dataset"),
    "a subclass of Model": (lambda: {"model": Subclassed()}, "does not say what images"),
    "an end in softmax": (lambda: {"model": network_with_end("softmax")}, "ends in a softmax, and the loss"),
    "an end in sigmoid": (lambda: {"model": network_with_end("sigmoid")}, "ends in a sigmoid"),
    "a softmax layer at the end": (
        lambda: {"model": network_with_end(keras.layers.Softmax())},
        "in a softmax",
    ),
    "maps instead of logits": (
        lambda: {"model": network_with_end(keras.layers.Reshape((2, 2)))},
        "expected logits",
    ),
    "two nameless outputs": (lambda: {"model": two_outputs()}, "several outputs"),
    "nothing to train": (lambda: {"model": frozen()}, "has no trainable weight"),
    "labels out of range": (lambda: {"images": mislabelled()}, "labels run from 1 to 9, but .* has 4 scores"),
    "weights in float64": (lambda: {"model": in_float64()}, "weights of float64; .*keras.json"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_together_is_said_before_training(images, case):
    make, message = MISFITS[case]
    arguments = {"model": network(), "images": images, "recipe": RECIPE, "progress": "none", **make()}
    with pytest.raises(ValueError, match=message) as caught:
        training.train(**arguments)
    assert len(str(caught.value)) <= 300


def test_an_empty_split_has_no_accuracy():
    with pytest.raises(ValueError, match="no images"):
        training.evaluate(network(), without_validation().validation)


def test_mixed_precision_trains(images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network()
        training.train(model, images, RECIPE, progress="none")
        assert training.evaluate(model, images.test)["top1"] > 0.8
    finally:
        keras.config.set_dtype_policy("float32")


def test_precision_is_one_of_three():
    with pytest.raises(ValueError, match="precision='half'"):
        training.choose_precision("half")
    assert training.choose_precision("float32") == "float32"


def test_a_network_without_an_input_is_told_so(images):
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(CLASSES)])
    with pytest.raises(ValueError, match=r"begin a Sequential with keras\.Input"):
        training.train(model, images, RECIPE, progress="none")

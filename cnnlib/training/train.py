"""`train` and `evaluate`: the one way in which the course trains a network and measures it."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from cnnlib.backends import keras_internals
from cnnlib.data import Dataset, Split
from cnnlib.training.devices import check_devices
from cnnlib.training.history import History
from cnnlib.training.losses import check_classes, scores_of
from cnnlib.training.memory import memory_explained
from cnnlib.training.optimizers import learning_rates
from cnnlib.training.progress import EpochLogs, Progress
from cnnlib.training.recipe import Recipe
from cnnlib.training.runners import Evaluation, FitRunner, FusedRunner

LOOPS = {"fused": FusedRunner, "fit": FitRunner}


class TrainingDiverged(ArithmeticError):
    """The loss of a training became infinite or not a number."""


def train(
    model: keras.Model,
    images: Dataset,
    recipe: Recipe,
    seed: int = 0,
    *,
    loss: Callable | None = None,
    augmentation: keras.layers.Layer | None = None,
    loop: str = "fused",
    progress: str = "auto",
    csv_log: str | Path | None = None,
    tensorboard: str | Path | None = None,
    resident: bool | None = None,
    devices: int | None = None,
) -> History:
    """Train `model` on `images.train`, watching `images.validation`; the test set is not looked at.

    Args:
        model: a built `keras.Model` from images (N,H,W,C) to logits (N, classes), or to a dict of outputs with
            the logits under `scores`.
        images: a `data.Dataset` of uint8 images; they reach the network as float32 in [0, 1].
        recipe: a `Recipe`.
        seed: order of the images, at least 0; epoch e is shuffled by the pair (seed, e).
        loss: `loss(labels, outputs, images) -> (N,)` in operations of `keras.ops`; default the softmax
            cross-entropy of the recipe.
        augmentation: a Keras layer from images to images, applied to each training batch, or None.
        loop: "fused" (a whole epoch in one compiled call) or "fit" (stock `keras.Model.fit`).
        progress: "auto", "epochs" (plain lines), "bar" or "none".
        csv_log: path of a CSV file that gets a row an epoch.
        tensorboard: folder for TensorBoard's event files.
        resident: keep the training set on the device (True), stream it (False), or find out (None).
        devices: how many devices share each batch, at most those that the backend has; None or 1 is one device. More
            need JAX or TensorFlow, loop="fused", a batch size that they divide, and on TensorFlow a network that was
            built under `with training.on_devices(devices):`.

    Returns:
        History: losses, accuracies, learning rate and seconds of each epoch.

    Raises:
        ValueError: data, network, recipe and devices do not fit together, or there are no validation images.
        TrainingDiverged: the loss became infinite or NaN; names the epoch and the usual causes.
        DeviceMemoryError: a step does not fit into the device's memory; names what to lower.
    """
    _check_fit(model, images, recipe, seed, loop)
    check_classes(augmentation, images)
    check_devices(devices, model, recipe, loop)
    steps = len(images.train.labels) // recipe.batch_size
    rates = learning_rates(recipe, recipe.epochs * steps)
    runner = LOOPS[loop](model, recipe, loss, augmentation, images, resident, devices)
    history = History(images_per_epoch=steps * recipe.batch_size)
    logs, watch = EpochLogs(csv_log, tensorboard), _ValidationWatch(recipe, model)
    show = Progress(progress, recipe.epochs)
    for epoch in range(1, recipe.epochs + 1):
        order = epoch_order(len(images.train.labels), steps, recipe.batch_size, seed, epoch)
        with memory_explained(recipe, images):
            row = _one_epoch(runner, show, epoch, order, rates)
        watch.take_note(row["validation_loss"])
        if watch.lowers_the_rate():
            rates[epoch * steps :] *= np.float32(recipe.step_factor)
        row["learning_rate"] = float(rates[epoch * steps])
        history.append(**row)
        logs.write(epoch, row)
        show.end_of_epoch(epoch, row, history.images_per_epoch / row["train_seconds"])
        if watch.wants_to_stop() and epoch < recipe.epochs:
            history.stopped_early = True
            break
    watch.restore_best()
    return history


def evaluate(model: keras.Model, split: Split, *, batch_size: int | None = None) -> dict[str, float]:
    """Mean cross-entropy in nats, top-1 and top-5 accuracy (shares in [0, 1]) of `model` on a data split.

    Args:
        model: from images (N,H,W,C) to logits, or to a dict with the logits under `scores`.
        split: a `data.Split` of uint8 images.
        batch_size: images at a time; default 500, fewer where images have more than 64x64 pixels.

    Returns:
        dict with the keys `loss`, `top1` and `top5`.

    Raises:
        ValueError: a split without images, or one that the network does not fit.
    """
    check_network(model, split)
    if not len(split.labels):
        raise ValueError("evaluate: the split has no images, and an accuracy needs at least one")
    sums = Evaluation(model, split, batch_size)()
    return dict(zip(("loss", "top1", "top5"), sums, strict=True))


def epoch_order(examples: int, steps: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Rows of the training set in the order of an epoch: int32 (steps, batch_size); the remainder is left out."""
    order = np.random.default_rng((seed, epoch)).permutation(examples)[: steps * batch_size]
    return order.astype(np.int32).reshape(steps, batch_size)


def _one_epoch(runner, show, epoch, order, rates):
    started = time.perf_counter()
    report = (lambda done: show.within_epoch(epoch, done, len(order), started)) if show.live else None
    train_loss, train_accuracy = runner.epoch(order, rates, (epoch - 1) * len(order), report)
    trained = time.perf_counter()
    if not math.isfinite(train_loss):
        raise TrainingDiverged(
            f"the training loss became {train_loss} in epoch {epoch}; the usual causes are a learning rate that is too "
            "high (try a tenth), gradients that explode in a deep network without normalisation (try clip_norm=1.0), "
            "and images that were not scaled"
        )
    validation_loss, validation_accuracy = runner.validate()
    return {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "train_seconds": trained - started,
        "epoch_seconds": time.perf_counter() - started,
    }


def _check_fit(model, images, recipe, seed, loop):
    if not isinstance(recipe, Recipe):
        raise ValueError(f"recipe is {_kind(recipe)}; expected a training.Recipe(epochs=...)")
    if not isinstance(images, Dataset):
        raise ValueError(
            f"images is {_kind(images)}; expected a data.Dataset, as data.load gives it, with train and validation"
        )
    if loop not in LOOPS:
        raise ValueError(f"loop={loop!r} must be one of {', '.join(LOOPS)}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed={seed!r} must be an integer of at least 0")
    check_network(model, images.train)
    if not model.trainable_variables:
        raise ValueError(
            f"the network {model.name} has no trainable weight; set trainable=True where it shall learn"
        )
    if not len(images.validation.labels):
        raise ValueError(
            "train measures validation images after each epoch; load some with validation_examples"
        )
    if recipe.batch_size > len(images.train.labels):
        raise ValueError(
            f"Recipe: batch_size={recipe.batch_size} is more than the {len(images.train.labels)} training images"
        )
    scores = scores_of(keras_internals.functional(model).output).shape[-1]
    if scores < len(images.class_names):
        raise ValueError(
            f"the network {model.name} has {scores} scores, the data have {len(images.class_names)} classes"
        )


def check_network(model: keras.Model, split: Split) -> None:
    """ValueError, in a sentence, unless `model` takes the images of `split` and ends in logits for its labels."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"model is {_kind(model)}; expected a built keras.Model, as networks.build gives it")
    if not isinstance(split, Split):
        raise ValueError(f"split is {_kind(split)}; expected a data.Split, images.test for instance")
    if not getattr(model, "inputs", None):  # a Sequential without an Input, or a subclass of Model
        raise ValueError(
            f"the network {model.name} does not say what images it takes; make it by keras.Model(inputs, outputs), or "
            "begin a Sequential with keras.Input(shape)"
        )
    output = keras_internals.functional(model).output
    if isinstance(output, list | tuple) or (isinstance(output, dict) and "scores" not in output):
        raise ValueError(
            f"the network {model.name} has several outputs; expected one, or a dict with the logits under `scores`"
        )
    expected, given = tuple(model.input_shape[1:]), tuple(split.images.shape[1:])
    if len(expected) != len(given) or any(e not in (None, g) for e, g in zip(expected, given, strict=True)):
        raise ValueError(f"the network {model.name} takes images of shape {expected}, the data have {given}")
    scores = scores_of(output)
    if len(scores.shape) != 2:
        raise ValueError(f"the network {model.name} ends in {scores.shape}; expected logits (N, classes)")
    end = keras_internals.last_activation(scores)
    if end in ("softmax", "sigmoid", "log_softmax"):
        raise ValueError(
            f"the network {model.name} ends in a {end}, and the loss applies a softmax itself; leave it out, so that "
            "the network ends in logits"
        )
    other = {v.dtype for v in model.trainable_variables} - {"float32"}
    if other:
        raise ValueError(
            f"the network {model.name} has weights of {', '.join(sorted(other))}; build it under "
            "keras.config.set_floatx('float32'), which a keras.json may have changed"
        )
    labels = np.asarray(split.labels)
    if len(labels) and not 0 <= labels.min() <= labels.max() < scores.shape[-1]:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, but the network {model.name} has "
            f"{scores.shape[-1]} scores; expected labels from 0 to {scores.shape[-1] - 1}"
        )


def _kind(value):
    return "None" if value is None else f"of type {type(value).__name__}"


class _ValidationWatch:
    """What reacts to the validation loss, as the recipe says: the plateau schedule and early stopping."""

    def __init__(self, recipe, model):
        self.recipe, self.model = recipe, model
        self.best_loss, self.best_weights = float("inf"), None
        self.epochs_since_best = self.epochs_since_change = 0

    def take_note(self, validation_loss):
        """Of an epoch's validation loss."""
        if validation_loss < self.best_loss:
            self.best_loss = validation_loss
            self.epochs_since_best = self.epochs_since_change = 0
            if self.recipe.early_stopping_patience:
                self.best_weights = self.model.get_weights()
        else:
            self.epochs_since_best += 1
            self.epochs_since_change += 1

    def lowers_the_rate(self):
        """Whether the learning rate falls on a plateau now."""
        lowers = (
            self.recipe.schedule == "plateau" and self.epochs_since_change >= self.recipe.plateau_patience
        )
        if lowers:
            self.epochs_since_change = 0
        return lowers

    def wants_to_stop(self):
        """Whether training should end here."""
        patience = self.recipe.early_stopping_patience
        return patience is not None and self.epochs_since_best >= patience

    def restore_best(self):
        """With early stopping: put back the weights of the epoch with the lowest validation loss."""
        if self.best_weights is not None and self.epochs_since_best:
            self.model.set_weights(self.best_weights)

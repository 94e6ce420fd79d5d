"""`train` and `evaluate`: the one way in which the course trains a network and measures it."""

import math
import time

import keras
import numpy as np

from cnnlib.training.augmented import check_classes
from cnnlib.training.devices import check_devices, scope_of
from cnnlib.training.history import History
from cnnlib.training.logs import EpochLogs
from cnnlib.training.losses import classification_loss
from cnnlib.training.memory import memory_explained
from cnnlib.training.optimizers import make_optimizer
from cnnlib.training.progress import Progress
from cnnlib.training.runners import (
    Evaluation,
    FitRunner,
    FusedRunner,
    evaluation_loop,
)
from cnnlib.training.watch import ValidationWatch

LOOPS = {"fused": FusedRunner, "fit": FitRunner}


class TrainingDiverged(ArithmeticError):
    """The loss of a training became infinite or not a number."""


def train(
    model,
    images,
    recipe,
    seed=0,
    *,
    loss=None,
    augmentation=None,
    loop="fused",
    progress="auto",
    csv_log=None,
    tensorboard=None,
    resident=None,
    devices=None,
):
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
    with scope_of(model, devices):  # the optimizer's moments lie where the weights do
        optimizer = make_optimizer(recipe, model, recipe.epochs * steps)
    loss = loss or classification_loss(recipe)
    runner = LOOPS[loop](model, optimizer, recipe, loss, augmentation, images, resident, devices)
    history = History(images_per_epoch=steps * recipe.batch_size)
    logs, watch = EpochLogs(csv_log, tensorboard), ValidationWatch(recipe, model, optimizer)
    show = Progress(progress, recipe.epochs)
    for epoch in range(1, recipe.epochs + 1):
        order = epoch_order(len(images.train.labels), steps, recipe.batch_size, seed, epoch)
        with memory_explained(recipe, images):
            row = _one_epoch(runner, show, epoch, order)
        row["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        history.append(**row)
        logs.write(epoch, row)
        show.end_of_epoch(epoch, row, history.images_per_epoch / row["train_seconds"])
        if watch.wants_to_stop(row["validation_loss"]) and epoch < recipe.epochs:
            history.stopped_early = True
            break
    watch.restore_best()
    return history


def evaluate(model, split, *, batch_size=None):
    """Mean cross-entropy in nats, top-1 and top-5 accuracy (shares in [0, 1]) of `model` on a data split.

    Args:
        model: from images (N,H,W,C) to logits, or to a dict with the logits under `scores`.
        split: a `data.Split` of uint8 images.
        batch_size: images at a time; default 500, fewer where images have more than 64x64 pixels.

    Returns:
        dict with the keys `loss`, `top1` and `top5`.

    Raises:
        ValueError: a split without images.
    """
    if not len(split.labels):
        raise ValueError("evaluate: the split has no images, and an accuracy needs at least one")
    sums = Evaluation(evaluation_loop(model), split, batch_size)()
    return dict(zip(("loss", "top1", "top5"), sums, strict=True))


def epoch_order(examples, steps, batch_size, seed, epoch):
    """Rows of the training set in the order of an epoch: int32 (steps, batch_size); the remainder is left out."""
    order = np.random.default_rng((seed, epoch)).permutation(examples)[: steps * batch_size]
    return order.astype(np.int32).reshape(steps, batch_size)


def _one_epoch(runner, show, epoch, order):
    started = time.perf_counter()
    report = (lambda done: show.within_epoch(epoch, done, len(order), started)) if show.live else None
    train_loss, train_accuracy = runner.epoch(order, report)
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
    if loop not in LOOPS:
        raise ValueError(f"loop={loop!r} must be one of {', '.join(LOOPS)}")
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r} must be an integer of at least 0")
    if not getattr(model, "inputs", None):  # a Sequential without an Input, or a subclass of Model
        raise ValueError(
            f"the network {model.name} does not say what images it takes; make it by keras.Model(inputs, outputs), or "
            "begin a Sequential with keras.Input(shape)"
        )
    expected, given = tuple(model.input_shape[1:]), tuple(images.train.images.shape[1:])
    if len(expected) != len(given) or any(e not in (None, g) for e, g in zip(expected, given, strict=True)):
        raise ValueError(f"the network {model.name} takes images of shape {expected}, the data have {given}")
    if not len(images.validation.labels):
        raise ValueError(
            "train measures validation images after each epoch; load some with validation_examples"
        )
    if recipe.batch_size > len(images.train.labels):
        raise ValueError(
            f"Recipe: batch_size={recipe.batch_size} is more than the {len(images.train.labels)} training images"
        )
    shape = model.output_shape
    if isinstance(shape, list):  # of a dict of outputs, without their names
        shape = model.output["scores"].shape
    if shape[-1] < len(images.class_names):
        raise ValueError(
            f"the network {model.name} has {shape[-1]} scores, the data have {len(images.class_names)} classes"
        )

"""The two ways through an epoch behind one face: our fused loop, and stock Keras `fit`.

A runner has `epoch(order, report) -> (mean loss, accuracy)` and `validate() -> (mean loss, accuracy)`. `order` holds
rows of the training set, int32 (steps, batch); `report(done_steps)` is called now and then, or is None.
"""

import importlib
import math
import time

import keras
import numpy as np

from cnnlib.training.augmented import augmented, mixes_labels
from cnnlib.training.devices import is_several, parallel_loop
from cnnlib.training.losses import cross_entropy, scores_of
from cnnlib.training.residency import fits_on_device

EVALUATION_BATCH = 500  # images, at most
EVALUATION_PIXELS = EVALUATION_BATCH * 64 * 64  # of a batch, at most
SECONDS_PER_REDRAW = 1.0


def measured_loss(labels, outputs, images):
    """Plain cross-entropy of `scores`: what is measured, whatever was trained on."""
    return cross_entropy(labels, scores_of(outputs))


def make_loop(model, optimizer, loss, augmentation=None, devices=None):
    """The fused loop of the running backend, on one device or on several."""
    if is_several(devices):
        return parallel_loop(model, optimizer, loss, augmentation, devices)
    module = importlib.import_module(f"cnnlib.training.loop_{keras.config.backend()}")
    return module.Loop(model, optimizer, loss, augmentation)


def evaluation_loop(model):
    """The fused loop that measures `model`; kept with the model, so that a second measurement compiles nothing."""
    if not hasattr(model, "cnnlib_evaluation_loop"):
        model.cnnlib_evaluation_loop = make_loop(model, None, measured_loss)
    return model.cnnlib_evaluation_loop


def evaluation_batch_size(images):
    """How many of `images` (N,H,W,C) to measure at a time, so that the maps of large ones fit into the memory."""
    height, width = images.shape[1:3]
    return max(1, min(EVALUATION_BATCH, EVALUATION_PIXELS // (height * width)))


class Evaluation:
    """Mean loss, top-1 and top-5 accuracy of a network over one split, in one compiled call.

    The last batch is filled up with the first image at weight 0, so that all batches have one shape.
    """

    def __init__(self, loop, split, batch_size=None):
        self.loop, self.split = loop, split
        batch_size = batch_size or evaluation_batch_size(split.images)
        examples = len(split.labels)
        batches = math.ceil(examples / batch_size)
        order = np.zeros(batches * batch_size, np.int32)
        order[:examples] = np.arange(examples)
        weights = np.zeros(batches * batch_size, np.float32)
        weights[:examples] = 1
        self.order, self.weights = order.reshape(batches, batch_size), weights.reshape(batches, batch_size)
        self.resident = fits_on_device(split.images.nbytes)
        self._placed = None

    def __call__(self):
        sums = np.sum([self.loop.evaluate(*part) for part in self._parts()], axis=0)
        return tuple(float(value) for value in sums / len(self.split.labels))

    def _parts(self):
        put = self.loop.put
        if self.resident:
            if self._placed is None:
                self._placed = [
                    put(a) for a in (self.split.images, self.split.labels, self.order, self.weights)
                ]
            yield self._placed
            return
        for rows, weights in zip(self.order, self.weights, strict=True):
            local = np.arange(len(rows), dtype=np.int32)[None]
            yield [put(a) for a in (self.split.images[rows], self.split.labels[rows], local, weights[None])]


def _validation(model, images):
    evaluation = Evaluation(evaluation_loop(model), images.validation)
    return lambda: evaluation()[:2]


class FusedRunner:
    """Epochs through the backend's fused loop, over resident or streamed data."""

    STREAMED_STEPS = 64  # steps whose images travel to the device together

    def __init__(self, model, optimizer, recipe, loss, augmentation, images, resident, devices=None):
        if augmentation is not None and not augmentation.built:
            augmentation.build((recipe.batch_size, *images.train.images.shape[1:]))
        self.loop = make_loop(model, optimizer, loss, augmentation, devices)
        self.batch_size = recipe.batch_size
        self.split = images.train
        self.resident = fits_on_device(images.train.images.nbytes) if resident is None else resident
        if self.resident:
            self.images = self.loop.put(images.train.images)
            self.labels = self.loop.put(images.train.labels)
        self.validate = _validation(model, images)
        self._redraw_steps = None

    def epoch(self, order, report):
        """Train one epoch; returns the mean loss and the accuracy, both taken while the weights moved."""
        stretches = self._resident_stretches if self.resident else self._streamed_stretches
        total = correct = done = 0
        for stretch_total, stretch_correct, steps in stretches(order, report):
            total, correct, done = total + stretch_total, correct + stretch_correct, done + steps
            if not math.isfinite(total):
                break
        return total / done, correct / (done * order.shape[1])

    def _resident_stretches(self, order, report):
        """One call for the epoch; several of about a second each where a person watches the bar."""
        steps = len(order)
        on_device = self.loop.put(order)
        stretch = steps if report is None else max(1, self._redraw_steps or steps // 20)
        start = 0
        while start < steps:
            stop = min(start + stretch, steps)
            started = time.perf_counter()
            total, correct = self.loop.run(self.images, self.labels, on_device, start, stop)
            yield total, correct, stop - start
            if report is not None:
                report(stop)
                seconds = (time.perf_counter() - started) / (stop - start)
                stretch = self._redraw_steps = max(1, round(SECONDS_PER_REDRAW / seconds))
            start = stop

    def _streamed_stretches(self, order, report):
        for start in range(0, len(order), self.STREAMED_STEPS):
            rows = order[start : start + self.STREAMED_STEPS]
            local = np.arange(rows.size, dtype=np.int32).reshape(rows.shape)
            images = self.loop.put(self.split.images[rows.ravel()])
            labels = self.loop.put(self.split.labels[rows.ravel()])
            total, correct = self.loop.run(images, labels, self.loop.put(local), 0, len(rows))
            yield total, correct, len(rows)
            if report is not None:
                report(start + len(rows))


class FitRunner:
    """Epochs through stock `keras.Model.fit`: the yardstick for the fused loop, on the same order of images."""

    def __init__(self, model, optimizer, recipe, loss, augmentation, images, resident, devices=None):
        self.model, self.batch_size, self.split = model, recipe.batch_size, images.train
        self.augmentation = augmentation
        names = model.output_names if isinstance(model.output, dict) else ["scores"]
        if names != ["scores"]:
            raise ValueError(
                f"loop='fit' trains networks with the one output `scores`, not {', '.join(names)}"
            )

        if mixes_labels(augmentation):
            raise ValueError(
                f"loop='fit' does not mix labels, as {type(augmentation).__name__} does; take 'fused'"
            )

        def mean_loss(labels, outputs):
            return keras.ops.mean(loss(labels, outputs, None))

        model.compile(optimizer=optimizer, loss=mean_loss, metrics=["accuracy"], jit_compile=False)
        self.validate = _validation(model, images)

    def epoch(self, order, report):
        """Train one epoch; returns the mean loss and the accuracy, both taken while the weights moved."""
        rows = order.ravel()
        images = self.split.images[rows].astype(np.float32) / 255
        labels = self.split.labels[rows]
        if self.augmentation is None:
            arguments = {"x": images, "y": labels, "batch_size": self.batch_size}
        else:
            arguments = {"x": _AugmentedBatches(images, labels, self.batch_size, self.augmentation)}
        result = self.model.fit(**arguments, epochs=1, shuffle=False, verbose=0)
        return result.history["loss"][0], result.history["accuracy"][0]


class _AugmentedBatches(keras.utils.PyDataset):
    """Batches in a given order, each augmented on its way to `fit`."""

    def __init__(self, images, labels, batch_size, augmentation):
        super().__init__(workers=1)
        self.images, self.labels, self.batch_size, self.augmentation = (
            images,
            labels,
            batch_size,
            augmentation,
        )

    def __len__(self):
        return len(self.labels) // self.batch_size

    def __getitem__(self, i):
        part = slice(i * self.batch_size, (i + 1) * self.batch_size)
        batch = [keras.ops.convert_to_tensor(array[part]) for array in (self.images, self.labels)]
        return tuple(keras.ops.convert_to_numpy(array) for array in augmented(self.augmentation, *batch))

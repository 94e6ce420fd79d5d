"""The two ways through an epoch behind one face: our fused loop, and stock Keras `fit`.

A runner has `epoch(order, rates, first, report) -> (mean loss, accuracy)` and `validate() -> (mean loss, accuracy)`.
`order` holds rows of the training set, int32 (steps, batch); `rates` the learning rate of each step of the training,
`first` of which were made before; `report(done_steps)` is called now and then, or is None.
"""

import math
import time

import keras
import numpy as np
from keras import ops

from cnnlib import backends
from cnnlib.backends import Arrays, State
from cnnlib.training.compiled import describe, kept, key_of
from cnnlib.training.devices import is_several
from cnnlib.training.losses import (
    augmented,
    classification_loss,
    correct_in_top,
    measured_loss,
    mixes_labels,
    scores_of,
)
from cnnlib.training.memory import fits_on_device
from cnnlib.training.optimizers import (
    TabulatedRate,
    kind_of,
    make_moments,
    make_optimizer,
    make_update,
    settings_of,
)

EVALUATION_BATCH = 500  # images, at most
EVALUATION_PIXELS = EVALUATION_BATCH * 64 * 64  # of a batch, at most
SECONDS_PER_REDRAW = 1.0


def scaled(images):
    """uint8 images as the network takes them: float32 in [0, 1]; floats as they are."""
    is_bytes = keras.backend.standardize_dtype(images.dtype) == "uint8"
    images = ops.cast(images, "float32")
    return images * (1.0 / 255.0) if is_bytes else images


def evaluation_batch_size(images):
    """How many of `images` (N,H,W,C) to measure at a time, so that the maps of large ones fit into the memory."""
    height, width = images.shape[1:3]
    return max(1, min(EVALUATION_BATCH, EVALUATION_PIXELS // (height * width)))


class Evaluation:
    """Mean loss, top-1 and top-5 accuracy of a network over one split, in one compiled call.

    The last batch is filled up with the first image at weight 0, so that all batches have one shape. The network is
    measured as it is when this is made; its weights, as they are at each call.

    Args:
        loss: `loss(labels, outputs, images) -> (N,)`.
        description: of the network, by `compiled.describe`, where the caller has it.
    """

    def __init__(self, model, split, batch_size=None, loss=measured_loss, description=None):
        self.model, self.split, self.description = model, split, description or describe(model)
        batch_size = batch_size or evaluation_batch_size(split.images)
        examples = len(split.labels)
        batches = math.ceil(examples / batch_size)
        order = np.zeros(batches * batch_size, np.int32)
        order[:examples] = np.arange(examples)
        weights = np.zeros(batches * batch_size, np.float32)
        weights[:examples] = 1
        self.order, self.weights = order.reshape(batches, batch_size), weights.reshape(batches, batch_size)
        self.loss, self.resident = loss, fits_on_device(split.images.nbytes)
        self._placed = self._program = None

    def __call__(self):
        variables = [*self.model.trainable_variables, *self.model.non_trainable_variables]
        totals = np.zeros(3)
        for arrays in self._parts():
            if self._program is None:
                key = key_of("evaluate", (self.description, self.loss), arrays)
                sums = _sums_of(self.model, self.loss)
                self._program = kept(key, lambda: backends.current().compile_sums(sums, variables, arrays))  # noqa: B023
            totals += self._program(variables, *arrays)
        return tuple(float(value) for value in totals / len(self.split.labels))

    def _parts(self):
        put = backends.current().put
        if self.resident:
            if self._placed is None:
                self._placed = tuple(
                    put(a) for a in (self.split.images, self.split.labels, self.order, self.weights)
                )
            yield self._placed
            return
        for rows, weights in zip(self.order, self.weights, strict=True):
            local = np.arange(len(rows), dtype=np.int32)[None]
            yield tuple(
                put(a) for a in (self.split.images[rows], self.split.labels[rows], local, weights[None])
            )


def _sums_of(model, loss):
    """`sums(values, images, labels, weights)` of one batch: loss, right answers, labels in the top five."""
    count = len(model.trainable_variables)

    def sums(values, images, labels, weights):
        x = scaled(images)
        outputs, _ = model.stateless_call(values[:count], values[count:], x, training=False)
        scores = scores_of(outputs)
        found = (loss(labels, outputs, x), *(correct_in_top(labels, scores, k) for k in (1, 5)))
        return tuple(ops.sum(weights * value) for value in found)

    return sums


def _forward_of(model, loss, augmentation):
    """`forward(...)` as `backends.Backend.compile_training` wants it, of a training batch of uint8 images."""

    def forward(trainable, frozen, noise, images, labels, settings):
        x, y = scaled(images), labels
        if augmentation is not None:
            mixes = mixes_labels(augmentation)
            found, noise = augmentation.stateless_call([], noise, [x, y] if mixes else x, training=True)
            x, y = found if mixes else (found, y)
        outputs, frozen, penalties = model.stateless_call(
            trainable, frozen, x, training=True, return_losses=True
        )
        value = ops.mean(loss(y, outputs, x, settings)) + sum(penalties)
        return value, (ops.sum(correct_in_top(y, scores_of(outputs), 1)), frozen, noise)

    return forward


def _validation(model, images, description=None):
    evaluation = Evaluation(model, images.validation, description=description)
    return lambda: evaluation()[:2]


class FusedRunner:
    """Epochs through the backend's fused loop, over resident or streamed data."""

    STREAMED_STEPS = 64  # steps whose images travel to the device together

    def __init__(self, model, recipe, loss, augmentation, images, resident, devices=None):
        if augmentation is not None and not augmentation.built:
            augmentation.build((recipe.batch_size, *images.train.images.shape[1:]))
        self.state = State(
            model.trainable_variables,
            model.non_trainable_variables,
            make_moments(recipe, model.trainable_variables),
            augmentation.non_trainable_variables if augmentation is not None else [],
        )
        self.model, self.recipe, self.loss, self.augmentation = model, recipe, loss, augmentation
        self.description = describe(model)
        self.settings = {name: np.float32(value) for name, value in settings_of(recipe).items()}
        self._program, self._put = None, backends.current().put
        if is_several(devices):
            self._put, self._program = backends.current().parallel_training(
                *self._functions(),
                self.state,
                devices,
                lambda: make_optimizer(recipe, model, recipe.learning_rate),
            )
        self.split = images.train
        self.resident = fits_on_device(images.train.images.nbytes) if resident is None else resident
        if self.resident:
            self.images, self.labels = self._put(self.split.images), self._put(self.split.labels)
        self.validate = _validation(model, images, self.description)
        self._redraw_steps = None

    def epoch(self, order, rates, first, report):
        """Train one epoch; returns the mean loss and the accuracy, both taken while the weights moved."""
        stretches = self._resident_stretches if self.resident else self._streamed_stretches
        total = correct = done = 0
        for stretch_total, stretch_correct, steps in stretches(order, rates, first, report):
            total, correct, done = total + stretch_total, correct + stretch_correct, done + steps
            if not math.isfinite(total):
                break
        return total / done, correct / (done * order.shape[1])

    def _run(self, arrays, first, start, stop):
        if self._program is None:
            parts = (
                self.description,
                self.loss or classification_loss,
                self.augmentation,
                kind_of(self.recipe),
            )
            key = key_of("train", parts, (arrays.images, arrays.labels, arrays.order, arrays.rates))
            functions = self._functions()
            self._program = kept(
                key, lambda: backends.current().compile_training(*functions, self.state, arrays)
            )
        return self._program(self.state, arrays, first, start, stop)

    def _functions(self):
        loss = self.loss and (lambda labels, outputs, images, settings: self.loss(labels, outputs, images))
        forward = _forward_of(self.model, loss or classification_loss, self.augmentation)
        return forward, make_update(self.recipe, self.state.trainable)

    def _arrays(self, images, labels, order, rates):
        settings = {name: self._put(value) for name, value in self.settings.items()}
        return Arrays(images, labels, self._put(order), self._put(rates), settings)

    def _resident_stretches(self, order, rates, first, report):
        """One call for the epoch; several of about a second each where a person watches the bar."""
        steps = len(order)
        arrays = self._arrays(self.images, self.labels, order, rates)
        stretch = steps if report is None else max(1, self._redraw_steps or steps // 20)
        start = 0
        while start < steps:
            stop = min(start + stretch, steps)
            started = time.perf_counter()
            total, correct = self._run(arrays, first, start, stop)
            yield total, correct, stop - start
            if report is not None:
                report(stop)
                seconds = (time.perf_counter() - started) / (stop - start)
                stretch = self._redraw_steps = max(1, round(SECONDS_PER_REDRAW / seconds))
            start = stop

    def _streamed_stretches(self, order, rates, first, report):
        for start in range(0, len(order), self.STREAMED_STEPS):
            rows = order[start : start + self.STREAMED_STEPS]
            local = np.arange(rows.size, dtype=np.int32).reshape(rows.shape)
            images, labels = (self._put(a[rows.ravel()]) for a in (self.split.images, self.split.labels))
            arrays = self._arrays(images, labels, local, rates)
            total, correct = self._run(arrays, first + start, 0, len(rows))
            yield total, correct, len(rows)
            if report is not None:
                report(start + len(rows))


class FitRunner:
    """Epochs through stock `keras.Model.fit`: the yardstick for the fused loop, on the same order of images."""

    def __init__(self, model, recipe, loss, augmentation, images, resident, devices=None):
        self.model, self.recipe, self.split = model, recipe, images.train
        self.augmentation, self.rate = augmentation, None
        names = model.output_names if isinstance(model.output, dict) else ["scores"]
        if names != ["scores"]:
            raise ValueError(
                f"loop='fit' trains networks with the one output `scores`, not {', '.join(names)}"
            )
        if mixes_labels(augmentation):
            raise ValueError(
                f"loop='fit' does not mix labels, as {type(augmentation).__name__} does; take 'fused'"
            )
        settings = settings_of(recipe)

        def mean_loss(labels, outputs):
            if loss is not None:
                return ops.mean(loss(labels, outputs, None))
            return ops.mean(classification_loss(labels, outputs, None, settings))

        self.mean_loss = mean_loss
        self.validate = _validation(model, images)

    def epoch(self, order, rates, first, report):
        """Train one epoch; returns the mean loss and the accuracy, both taken while the weights moved."""
        if self.rate is None:
            self.rate = TabulatedRate(rates)
            optimizer = make_optimizer(self.recipe, self.model, self.rate)
            self.model.compile(
                optimizer=optimizer, loss=self.mean_loss, metrics=["accuracy"], jit_compile=False
            )
        self.rate.set(rates)
        rows = order.ravel()
        images = self.split.images[rows].astype(np.float32) / 255
        labels = self.split.labels[rows]
        if self.augmentation is None:
            arguments = {"x": images, "y": labels, "batch_size": self.recipe.batch_size}
        else:
            arguments = {"x": _AugmentedBatches(images, labels, self.recipe.batch_size, self.augmentation)}
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

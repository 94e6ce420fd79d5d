"""From a recipe to the learning rate of every step, and to the update of the weights in a step.

The fused loop moves weights by `make_update`: the arithmetic of Keras's SGD, Adam and AdamW as pure functions of which
learning rate, momentum and decay are arguments, so that one compiled step serves a whole sweep of them. Stock `fit`
takes Keras's own optimizers (`make_optimizer`); a test holds the one against the other.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from cnnlib.training.recipe import Recipe

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # of Adam, as in Keras


def learning_rates(recipe: Recipe, total_steps: int) -> np.ndarray:
    """The learning rate of each step: float32 (total_steps + 1,); the last is what a further step would take."""
    step, peak = np.arange(total_steps + 1, dtype=np.float64), recipe.learning_rate
    if recipe.schedule == "cosine":
        rates = peak * (1 + np.cos(math.pi * step / total_steps)) / 2
    elif recipe.schedule == "one_cycle":  # cosine from peak/25 up to the peak, then down to 0
        rising = max(1.0, recipe.warmup_fraction * total_steps)
        start, fall = peak / 25, np.clip((step - rising) / max(1.0, total_steps - rising), 0, 1)
        up = start + (peak - start) * (1 - np.cos(math.pi * np.minimum(step / rising, 1))) / 2
        rates = np.where(step < rising, up, peak * (1 + np.cos(math.pi * fall)) / 2)
    elif recipe.schedule == "step":
        stones = [max(1, round(milestone * total_steps)) for milestone in recipe.milestones]
        rates = peak * recipe.step_factor ** np.searchsorted(stones, step, side="left")
    else:  # constant, and plateau, which the validation loss lowers
        rates = np.full(len(step), peak)
    return rates.astype(np.float32)


def settings_of(recipe: Recipe) -> dict[str, float]:
    """What a compiled step takes as numbers, so that another value compiles nothing."""
    used = {name: getattr(recipe, name) for name in ("weight_decay", "clip_norm", "label_smoothing")}
    if recipe.optimizer == "sgd":
        used["momentum"] = recipe.momentum
    return {
        "auxiliary_weight": recipe.auxiliary_weight,
        **{name: value for name, value in used.items() if value},
    }


def kind_of(recipe: Recipe) -> tuple:
    """What is compiled into a step: the optimizer, and which settings a recipe uses."""
    return "sgd" if recipe.optimizer == "sgd" else "adam", recipe.nesterov, *sorted(settings_of(recipe))


def make_moments(recipe: Recipe, variables: list) -> list[keras.Variable]:
    """The averages that the update keeps, zero at first: none, one or two for each weight."""
    kept = 2 if recipe.optimizer != "sgd" else int(recipe.momentum > 0)
    return [
        keras.Variable(np.zeros(v.shape, "float32"), trainable=False, name="moment")
        for _ in range(kept)
        for v in variables
    ]


def make_update(recipe: Recipe, variables: list) -> Callable:
    """`update(values, gradients, moments, step, rate, settings) -> values, moments`, a pure function.

    Args:
        recipe: its optimizer and which of decay, momentum and clipping it uses; their values come with each call.
        variables: of the weights: decay spares vectors (biases and norms), and constraints are kept.

    Returns:
        The function. `step` counts from 1; a weight whose gradient is None stays.
    """
    decayed = [recipe.weight_decay > 0 and len(variable.shape) > 1 for variable in variables]
    constraints = [variable.constraint for variable in variables]

    def update(values, gradients, moments, step, rate, settings):
        if all(gradient is None for gradient in gradients) and len(values):
            raise ValueError(
                "the loss depends on none of the trainable variables; train what leads to the outputs"
            )
        if "clip_norm" in settings:
            gradients = _clipped(gradients, settings["clip_norm"])
        if recipe.optimizer != "sgd":
            step = ops.cast(step, "float32")
            corrected = rate * ops.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        new, count = list(values), len(values)
        held = list(moments)
        for i, gradient in enumerate(gradients):
            if gradient is None:
                continue
            value = new[i]
            if decayed[i]:
                value = value - value * settings["weight_decay"] * rate
            if recipe.optimizer != "sgd":
                mean = held[i] + (gradient - held[i]) * (1 - BETA_1)
                square = held[count + i] + (gradient * gradient - held[count + i]) * (1 - BETA_2)
                held[i], held[count + i] = mean, square
                value = value - mean * corrected / (ops.sqrt(square) + EPSILON)
            elif "momentum" in settings:
                held[i] = held[i] * settings["momentum"] - gradient * rate
                value = value + (
                    held[i] * settings["momentum"] - gradient * rate if recipe.nesterov else held[i]
                )
            else:
                value = value - gradient * rate
            new[i] = constraints[i](value) if constraints[i] is not None else value
        return new, held

    return update


def _clipped(gradients, limit):
    """Gradients scaled down to a global norm of `limit`, if theirs is larger."""
    there = [gradient for gradient in gradients if gradient is not None]
    norm = ops.sqrt(sum(ops.sum(gradient * gradient) for gradient in there))
    scale = limit / ops.maximum(norm, limit)
    return [None if gradient is None else gradient * scale for gradient in gradients]


class TabulatedRate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step from a table, for Keras's optimizers.

    Args:
        rates: float32 (steps + 1,), as `learning_rates` gives them; `set` replaces them.
    """

    def __init__(self, rates: np.ndarray) -> None:
        super().__init__()
        self.table = keras.Variable(rates, trainable=False, name="learning_rates")

    def __call__(self, step):
        return ops.take(self.table.value, ops.minimum(ops.cast(step, "int32"), self.table.shape[0] - 1))

    def set(self, rates: np.ndarray) -> None:
        """Take other rates from here on."""
        self.table.assign(rates)

    def get_config(self) -> dict:
        return {"rates": ops.convert_to_numpy(self.table)}


def make_optimizer(recipe: Recipe, model: keras.Model, learning_rate) -> keras.optimizers.Optimizer:
    """Keras's optimizer of `recipe` for `model`, built; vectors (biases, norms) are kept out of weight decay."""
    arguments = {
        "learning_rate": learning_rate,
        "global_clipnorm": recipe.clip_norm,
        "weight_decay": recipe.weight_decay or None,
    }
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=recipe.momentum, nesterov=recipe.nesterov, **arguments)
    else:
        optimizer = keras.optimizers.Adam(**arguments)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(
            var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
        )
    optimizer.build(model.trainable_variables)
    return optimizer

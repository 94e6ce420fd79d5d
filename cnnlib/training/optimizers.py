"""From a recipe to a Keras optimizer with its learning-rate schedule."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cnnlib")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Cosine from peak/25 up to the peak, then cosine down to 0 (after Smith and Topin, 2018).

    Args:
        peak: highest learning rate.
        total_steps: steps of the whole training.
        warmup_fraction: share of the steps that rise.
    """

    def __init__(self, peak, total_steps, warmup_fraction=0.3):
        super().__init__()
        self.peak, self.total_steps, self.warmup_fraction = peak, total_steps, warmup_fraction

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising_steps = max(1.0, self.warmup_fraction * self.total_steps)
        start = self.peak / 25
        rise = ops.minimum(step / rising_steps, 1.0)
        fall = ops.clip((step - rising_steps) / max(1.0, self.total_steps - rising_steps), 0.0, 1.0)
        up = start + (self.peak - start) * (1 - ops.cos(math.pi * rise)) / 2
        down = self.peak * (1 + ops.cos(math.pi * fall)) / 2
        return ops.where(step < rising_steps, up, down)

    def get_config(self):
        return {"peak": self.peak, "total_steps": self.total_steps, "warmup_fraction": self.warmup_fraction}


def make_schedule(recipe, total_steps):
    """The learning rate of `recipe`: a number (constant, plateau) or a Keras schedule over `total_steps`."""
    schedules = keras.optimizers.schedules
    peak = recipe.learning_rate
    makers = {
        "constant": lambda: peak,
        "plateau": lambda: peak,
        "cosine": lambda: schedules.CosineDecay(peak, total_steps),
        "one_cycle": lambda: OneCycle(peak, total_steps, recipe.warmup_fraction),
        "step": lambda: schedules.PiecewiseConstantDecay(
            [max(1, round(m * total_steps)) for m in recipe.milestones],
            [peak * recipe.step_factor**i for i in range(len(recipe.milestones) + 1)],
        ),
    }
    return makers[recipe.schedule]()


def make_optimizer(recipe, model, total_steps):
    """The optimizer of `recipe` for `model`, built; vectors (biases, norms) are kept out of weight decay."""
    arguments = {
        "learning_rate": make_schedule(recipe, total_steps),
        "global_clipnorm": recipe.clip_norm,
        "weight_decay": recipe.weight_decay or None,
    }
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=recipe.momentum, nesterov=recipe.nesterov, **arguments)
    elif recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(**arguments)
    else:
        optimizer = keras.optimizers.AdamW(**{**arguments, "weight_decay": recipe.weight_decay})
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(
            var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
        )
    optimizer.build(model.trainable_variables)
    return optimizer

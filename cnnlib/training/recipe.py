"""A recipe says *what* a training does: epochs, batches, optimizer, schedule. It knows no network and no data."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one_cycle", "plateau")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; validated when it is made, and never changed afterwards.

    Args:
        epochs: passes over the training images, at least 1.
        batch_size: images a step, at least 1. The last, smaller batch of an epoch is left out.
        optimizer: "sgd" (with `momentum` and `nesterov`), "adam" or "adamw".
        learning_rate: the peak of the schedule, above 0.
        momentum: of SGD, in [0, 1).
        nesterov: look ahead along the momentum before taking the gradient (SGD only).
        weight_decay: fraction of a weight taken off per step and unit of learning rate, at least 0. Only
            kernels decay; biases and the vectors of a normalisation do not. Decoupled from the gradient, as in
            Loshchilov and Hutter, 2019, with every optimizer.
        schedule: "constant"; "step" (times `step_factor` at each of `milestones`); "cosine" (from the peak to
            0); "one_cycle" (cosine up from a twenty-fifth of the peak during `warmup_fraction`, cosine down to 0;
            after Smith and Topin, 2018); "plateau" (times `step_factor` when the validation loss has not
            improved for `plateau_patience` epochs).
        milestones: for "step": fractions of the training, increasing, each in (0, 1).
        step_factor: factor of "step" and "plateau", in (0, 1).
        warmup_fraction: rising part of "one_cycle", in (0, 1).
        plateau_patience: epochs without a better validation loss before "plateau" acts, at least 1.
        clip_norm: largest global norm of the gradient, above 0, or None for no clipping.
        label_smoothing: share of the target spread evenly over all classes, in [0, 1).
        auxiliary_weight: weight in the loss of each output but `scores` (GoogLeNet's heads: 0.3).
        early_stopping_patience: epochs without a better validation loss before training ends with the best
            weights seen, at least 1; None trains all epochs.

    Raises:
        ValueError: a value out of range, or `nesterov` without SGD's momentum.
    """

    epochs: int
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    milestones: tuple[float, ...] = (0.5, 0.75)
    step_factor: float = 0.1
    warmup_fraction: float = 0.3
    plateau_patience: int = 2
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    auxiliary_weight: float = 0.3
    early_stopping_patience: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "milestones", tuple(self.milestones))
        for name in ("epochs", "batch_size", "plateau_patience"):
            self._require(
                name,
                _is_integer(getattr(self, name)) and getattr(self, name) >= 1,
                "an integer of at least 1",
            )
        self._require("optimizer", self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}")
        self._require("schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
        self._require(
            "learning_rate", _is_number(self.learning_rate) and self.learning_rate > 0, "a number above 0"
        )
        self._require(
            "weight_decay", _is_number(self.weight_decay) and self.weight_decay >= 0, "a number of at least 0"
        )
        self._require(
            "auxiliary_weight", _is_number(self.auxiliary_weight) and self.auxiliary_weight >= 0, "at least 0"
        )
        for name in ("momentum", "label_smoothing"):
            value = getattr(self, name)
            self._require(name, _is_number(value) and 0 <= value < 1, "in [0, 1)")
        for name in ("step_factor", "warmup_fraction"):
            value = getattr(self, name)
            self._require(name, _is_number(value) and 0 < value < 1, "between 0 and 1")
        stones = self.milestones
        rising = list(stones) == sorted(set(stones)) and all(_is_number(m) and 0 < m < 1 for m in stones)
        self._require("milestones", len(stones) > 0 and rising, "increasing fractions between 0 and 1")
        self._require(
            "clip_norm",
            self.clip_norm is None or (_is_number(self.clip_norm) and self.clip_norm > 0),
            "above 0, or None",
        )
        patience = self.early_stopping_patience
        self._require("early_stopping_patience", patience is None or (_is_integer(patience) and patience >= 1),
                      "an integer of at least 1, or None")  # fmt: skip
        self._require("nesterov", not self.nesterov or (self.optimizer == "sgd" and self.momentum > 0),
                      "False unless the optimizer is sgd with momentum")  # fmt: skip

    def _require(self, name, valid, bound):
        if not valid:
            raise ValueError(f"Recipe: {name}={getattr(self, name)!r} must be {bound}")

    def table(self) -> "pd.DataFrame":
        """The recipe as a table of two columns, only the values that this optimizer and schedule use."""
        import pandas as pd

        unused = {
            "momentum": self.optimizer != "sgd",
            "nesterov": self.optimizer != "sgd",
            "milestones": self.schedule != "step",
            "step_factor": self.schedule not in ("step", "plateau"),
            "warmup_fraction": self.schedule != "one_cycle",
            "plateau_patience": self.schedule != "plateau",
            "clip_norm": self.clip_norm is None,
            "label_smoothing": not self.label_smoothing,
            "auxiliary_weight": True,  # a property of networks with auxiliary heads, shown by their lesson
            "early_stopping_patience": self.early_stopping_patience is None,
        }
        rows = [(k, str(v)) for k, v in dataclasses.asdict(self).items() if not unused.get(k, False)]
        return pd.DataFrame(rows, columns=["setting", "value"]).set_index("setting")


def _is_integer(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and value == value

"""Training: a `Recipe` says what, `train` does it, `evaluate` measures the outcome."""

from cnnlib.training.compiled import forget_compiled
from cnnlib.training.devices import on_devices
from cnnlib.training.history import History
from cnnlib.training.memory import DeviceMemoryError
from cnnlib.training.precision import choose_precision
from cnnlib.training.recipe import Recipe
from cnnlib.training.train import TrainingDiverged, epoch_order, evaluate, train

__all__ = [
    "DeviceMemoryError",
    "History",
    "Recipe",
    "TrainingDiverged",
    "choose_precision",
    "epoch_order",
    "evaluate",
    "forget_compiled",
    "on_devices",
    "train",
]

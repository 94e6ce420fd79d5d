"""What a training leaves behind, epoch by epoch."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class History:
    """Per-epoch results of one training; every list has one number an epoch.

    Losses are means over examples in nats; accuracies are shares in [0, 1]. Train figures are running ones,
    taken during the epoch while the weights move; validation figures are taken at its end.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    train_seconds: list[float] = field(default_factory=list)
    images_per_epoch: int = 0
    stopped_early: bool = False

    @property
    def epochs(self) -> int:
        """Epochs that were run."""
        return len(self.train_loss)

    @property
    def seconds(self) -> float:
        """Wall time of the whole training, validation and compilation included."""
        return sum(self.epoch_seconds)

    @property
    def images_per_second(self) -> float:
        """Training images a second in the fastest epoch (the first one also compiles); validation left out."""
        return self.images_per_epoch / min(self.train_seconds) if self.train_seconds else float("nan")

    def append(self, **values: float) -> None:
        """Add one epoch: a number for each of the per-epoch lists."""
        for name, value in values.items():
            getattr(self, name).append(float(value))

    def table(self) -> "pd.DataFrame":
        """The history as a DataFrame, one row an epoch."""
        import pandas as pd

        lists = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if isinstance(getattr(self, f.name), list)
        }
        table = pd.DataFrame(lists)
        table.insert(0, "epoch", range(1, self.epochs + 1))
        table["images_per_second"] = [self.images_per_epoch / s for s in self.train_seconds]
        return table

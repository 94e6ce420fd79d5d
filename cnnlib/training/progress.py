"""Progress of a training: a live bar for a person, one plain line an epoch for a log file; and logs on disk.

Which of the two: a terminal or a notebook that a person looks at gets the bar. A batch runner sets the
environment variable CNNLIB_PROGRESS=plain, since a kernel cannot know whether anybody watches.
"""

import csv
import os
import sys
import time
from pathlib import Path


def is_live():
    """Whether somebody watches the output as it comes."""
    if os.environ.get("CNNLIB_PROGRESS") == "plain":
        return False
    return sys.stdout.isatty() or "ipykernel" in sys.modules


class Progress:
    """Prints the state of a training. `level`: "auto", "epochs" (plain lines), "bar" or "none"."""

    LEVELS = ("auto", "epochs", "bar", "none")
    BAR_WIDTH = 20

    def __init__(self, level, epochs):
        if level not in self.LEVELS:
            raise ValueError(f"progress={level!r} must be one of {', '.join(self.LEVELS)}")
        self.level = ("bar" if is_live() else "epochs") if level == "auto" else level
        self.epochs = epochs
        self._printed = 0

    @property
    def live(self):
        return self.level == "bar"

    def within_epoch(self, epoch, done_steps, steps, started):
        """Redraw the bar: `done_steps` of `steps`, and the seconds that the epoch still needs."""
        if not self.live:
            return
        share = done_steps / steps
        filled = round(share * self.BAR_WIDTH)
        remaining = (time.perf_counter() - started) * (1 - share) / share if done_steps else 0.0
        bar = "#" * filled + "." * (self.BAR_WIDTH - filled)
        self._overwrite(
            f"epoch {epoch}/{self.epochs} [{bar}] {done_steps}/{steps} steps, {remaining:.0f} s left"
        )

    def end_of_epoch(self, epoch, row, images_per_second):
        """One line with the epoch's losses, accuracies and speed."""
        if self.level == "none":
            return
        line = (
            f"epoch {epoch}/{self.epochs}: train loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.4f}, "
            f"validation loss {row['validation_loss']:.4f} accuracy {row['validation_accuracy']:.4f}, "
            f"{row['epoch_seconds']:.1f} s, {images_per_second:,.0f} images/s"
        )
        if self.live:
            self._overwrite(line)
            self._printed = 0
        else:
            print(line, end="")
        print(flush=True)

    def _overwrite(self, text):
        print("\r" + text + " " * max(0, self._printed - len(text)), end="", flush=True)
        self._printed = len(text)


class EpochLogs:
    """Writes one row an epoch; each row is on disk before the next epoch starts."""

    def __init__(self, csv_path=None, tensorboard_folder=None):
        self.csv_path = Path(csv_path) if csv_path else None
        if self.csv_path:
            self.csv_path.parent.mkdir(parents=True, exist_ok=True)
            self.csv_path.unlink(missing_ok=True)
        self.writer = _EventFiles(tensorboard_folder) if tensorboard_folder else None

    def write(self, epoch, row):
        """Add the figures of `epoch` (from 1)."""
        if self.csv_path:
            is_new = not self.csv_path.exists()
            with self.csv_path.open("a", newline="") as file:
                writer = csv.DictWriter(file, ["epoch", *row])
                if is_new:
                    writer.writeheader()
                writer.writerow({"epoch": epoch, **row})
        if self.writer:
            self.writer.write(epoch, row)


class _EventFiles:
    """Event files for TensorBoard, by its own package."""

    def __init__(self, folder):
        try:
            import tensorboard  # noqa: F401  its parts may be loaded where it is not
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise ValueError(
                f"tensorboard={str(folder)!r} needs the package tensorboard; install it or use csv_log"
            ) from error
        self.event, self.summary, self.writer = (
            event_pb2.Event,
            summary_pb2.Summary,
            EventFileWriter(str(folder)),
        )

    def write(self, epoch, row):
        values = [self.summary.Value(tag=name, simple_value=value) for name, value in row.items()]
        self.writer.add_event(
            self.event(wall_time=time.time(), step=epoch, summary=self.summary(value=values))
        )
        self.writer.flush()

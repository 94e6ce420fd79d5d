"""Progress of a training: a live bar for a person, one plain line an epoch for a log file.

Which of the two: a terminal or a notebook that a person looks at gets the bar. A batch runner sets the
environment variable CNNLIB_PROGRESS=plain, since a kernel cannot know whether anybody watches.
"""

import os
import sys
import time


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

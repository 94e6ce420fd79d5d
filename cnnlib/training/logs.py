"""Epoch-by-epoch logs on disk: a CSV file, and event files for TensorBoard where it is installed."""

import csv
from pathlib import Path


class EpochLogs:
    """Writes one row an epoch; each row is on disk before the next epoch starts."""

    def __init__(self, csv_path=None, tensorboard_folder=None):
        self.csv_path = Path(csv_path) if csv_path else None
        if self.csv_path:
            self.csv_path.parent.mkdir(parents=True, exist_ok=True)
            self.csv_path.unlink(missing_ok=True)
        self.writer = _summary_writer(tensorboard_folder) if tensorboard_folder else None

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
            import tensorflow as tf

            with self.writer.as_default(step=epoch):
                for name, value in row.items():
                    tf.summary.scalar(name, value)
            self.writer.flush()


def _summary_writer(folder):
    try:
        import tensorboard  # noqa: F401  TensorFlow leaves the writing of scalars to it
        import tensorflow as tf
    except ImportError as error:
        raise ValueError(
            f"tensorboard={str(folder)!r} needs the packages tensorflow and tensorboard; install them or use csv_log"
        ) from error
    return tf.summary.create_file_writer(str(folder))

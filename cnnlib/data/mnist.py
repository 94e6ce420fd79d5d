"""MNIST: 70,000 handwritten digits, 28x28, gray (LeCun, Cortes, Burges, 1998), fetched when it is asked for."""

import io
import os

import numpy as np

from cnnlib.data.dataset import Source
from cnnlib.data.files import check_sha256, combined_sha256, find_file, read_bytes

ARCHIVE = "mnist.npz"
URL = f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{ARCHIVE}"
ARCHIVE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def read(directory: str | os.PathLike | None = None) -> Source:
    """Images uint8 (N, 28, 28, 1) and labels int32 (N,) of the train and the test digits, and their hash.

    Args:
        directory: folder that holds `mnist.npz` (11 MB); default as `files.find_file` says.

    Returns:
        (train_images, train_labels), (test_images, test_labels), class_names, sha256.

    Raises:
        DataError: there is no archive and no network, or the archive is not the one published.
    """
    path, remedy = find_file(ARCHIVE, URL, directory, ARCHIVE_SHA256)
    content = read_bytes(path, limit=20_000_000, remedy=remedy)
    check_sha256(path, content, ARCHIVE_SHA256, remedy=remedy)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        train, test = (
            (arrays[f"x_{part}"][..., None], arrays[f"y_{part}"].astype(np.int32))
            for part in ("train", "test")
        )
    return train, test, tuple("0123456789"), combined_sha256({ARCHIVE: ARCHIVE_SHA256})

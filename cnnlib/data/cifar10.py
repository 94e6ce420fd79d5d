"""CIFAR-10: 60,000 photographs, 32x32, RGB, ten classes (Krizhevsky, 2009), fetched when it is asked for.

The binary form of the archive is read, plain bytes; the Python form is a pickle, which could run code.
"""

import hashlib
import os
import tarfile
from pathlib import Path

import numpy as np

from cnnlib.data.dataset import DataError, Source
from cnnlib.data.files import combined_sha256, find_file

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
ARCHIVE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
FOLDER = "cifar-10-batches-bin"
TRAIN_FILES = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST_FILES = ("test_batch.bin",)
RECORDS = 10_000  # a file
RECORD_BYTES = 1 + 3 * 32 * 32  # the label, then the red, green and blue plane, row by row


def read(directory: str | os.PathLike | None = None) -> Source:
    """Images uint8 (N, 32, 32, 3) and labels int32 (N,) of the train and the test batches, and their hash.

    Args:
        directory: folder that holds `cifar-10-binary.tar.gz` (170 MB); default as `files.find_file` says.

    Returns:
        (train_images, train_labels), (test_images, test_labels), class_names, sha256.

    Raises:
        DataError: there is no archive and no network, or the archive is not the one published.
    """
    content = _read_archive(*find_file(ARCHIVE, URL, directory, ARCHIVE_SHA256))
    train = _decode([content[name] for name in TRAIN_FILES])
    test = _decode([content[name] for name in TEST_FILES])
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in content.items()}
    return train, test, CLASS_NAMES, combined_sha256(hashes)


def _read_archive(path: Path, remedy: str) -> dict[str, bytes]:
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {remedy}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {remedy}") from None
    if found != ARCHIVE_SHA256:
        raise DataError(f"{path} has SHA-256 {found}, expected {ARCHIVE_SHA256}; {remedy}")
    # From here on the archive is known bit for bit; only a wrong table above could still surprise.
    content = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = member.name.removeprefix(f"{FOLDER}/")
            if name in TRAIN_FILES + TEST_FILES and member.size == RECORDS * RECORD_BYTES:
                content[name] = archive.extractfile(member).read()
    missing = set(TRAIN_FILES + TEST_FILES) - set(content)
    if missing:
        raise DataError(f"{path} lacks {sorted(missing)[0]} of {RECORDS * RECORD_BYTES:,} bytes; {remedy}")
    return content


def _decode(bodies):
    records = np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, RECORD_BYTES)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int32)

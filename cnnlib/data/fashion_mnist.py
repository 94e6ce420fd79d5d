"""Fashion-MNIST, embedded in the repository: 70,000 garments, 28x28, gray (Xiao, Rasul, Vollgraf, 2017)."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cnnlib.data.dataset import Source
from cnnlib.data.files import combined_sha256, find_file, read_idx

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

CLASS_NAMES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip

# Shape and SHA-256 of the decompressed content; gzip wrappers differ from one distributor to the next.
# fmt: off
FILES = {
    "train-images-idx3-ubyte": ((60_000, 28, 28), "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    "train-labels-idx1-ubyte": ((60_000,), "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    "t10k-images-idx3-ubyte": ((10_000, 28, 28), "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    "t10k-labels-idx1-ubyte": ((10_000,), "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
}
# fmt: on


def read(directory: str | os.PathLike | None = None) -> Source:
    """Images uint8 (N, 28, 28, 1) and labels int32 (N,) of the train and the test files, and their hash.

    Args:
        directory: folder with the four `.gz` files; default as `files.find_file` says.

    Returns:
        (train_images, train_labels), (test_images, test_labels), class_names, sha256.
    """
    found = {name: find_file(f"fashion-mnist/{name}.gz", f"{URL}{name}.gz", directory) for name in FILES}

    def read_one(name):
        (path, remedy), (shape, sha256) = found[name], FILES[name]
        return read_idx(path, shape, sha256=sha256, remedy=remedy)

    with ThreadPoolExecutor(2) as pool:
        train_images, train_labels, test_images, test_labels = pool.map(read_one, FILES)
    return (
        (train_images[..., None], train_labels.astype(np.int32)),
        (test_images[..., None], test_labels.astype(np.int32)),
        CLASS_NAMES,
        combined_sha256({name: sha256 for name, (_, sha256) in FILES.items()}),
    )


def colour(images: np.ndarray, indices: np.ndarray, seed: int, stream: int) -> np.ndarray:
    """Give each grey garment a hue and each picture an illuminant; shapes and labels stay.

    A pixel of brightness g becomes g * garment * illuminant, channel by channel: a garment of one dye
    (any hue, saturation 0.3 to 0.9) under a warm to cool light (red and blue up to 30% down). Black stays
    black. An image's colours depend on `seed`, `stream` and its index alone, not on its company.

    Args:
        images: uint8 (N, H, W, 1).
        indices: integers (N,), the place of each image in its source file.
        seed: integer of at least 0.
        stream: 0 for the training file, 1 for the test file, so that both get colours of their own.

    Returns:
        uint8 (N, H, W, 3).
    """
    last = int(indices.max(initial=-1)) + 1
    draws = np.random.default_rng([seed, stream]).random((last, 3))[indices]
    hue, saturation, warmth = draws[:, :1], 0.3 + 0.6 * draws[:, 1:2], 2 * draws[:, 2:] - 1
    # The colour wheel: each channel is a plateau of the hue, a third of a turn apart.
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    garment = 1 - saturation * (1 - wheel)
    illuminant = 1 - 0.3 * np.maximum(0, warmth * np.array([-1, 0, 1]))
    gain = (garment * illuminant).astype(np.float32)
    coloured = np.empty((*images.shape[:3], 3), np.uint8)
    for start in range(0, len(images), 4096):  # in pieces, for the float copy of all would take 564 MB
        piece = slice(start, start + 4096)
        coloured[piece] = images[piece] * gain[piece, None, None, :] + np.float32(0.5)
    return coloured

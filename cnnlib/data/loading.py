"""`load`: from a name to three sets of images."""

import os

import numpy as np

from cnnlib._checks import near, shown
from cnnlib.data import cifar10, fashion_mnist, folder, mnist, pictures
from cnnlib.data.dataset import Dataset, Split
from cnnlib.data.splitting import split_indices

FOLDER_PREFIX = "folder:"
_READERS = {
    "fashion_mnist": fashion_mnist.read,
    "fashion_mnist_rgb": fashion_mnist.read,  # coloured after the split, so only what is kept
    "mnist": mnist.read,
    "cifar10": cifar10.read,
}


def load(
    name: str,
    train_examples: int | None = None,
    validation_examples: int = 5000,
    seed: int = 0,
    *,
    directory: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    mode: str | None = None,
) -> Dataset:
    """Load images in three disjoint sets; validation is cut from the training images, by class and seed.

    Args:
        name: "fashion_mnist" (28, 28, 1), embedded; "fashion_mnist_rgb" (28, 28, 3), the same garments in
            seeded colors; "mnist" (28, 28, 1) and "cifar10" (32, 32, 3), fetched once; or "folder:<path>", image
            files in `train/<class>/` and `test/<class>/`; a relative path starts from the working directory. The
            files of a named set are looked for in the repository's `data`, then in the folder that the environment's
            CNNLIB_DATA names, then fetched.
        train_examples: size of the training set, a stratified subset; None for all that validation leaves.
        validation_examples: size of the validation set, 0 for none.
        seed: integer of at least 0; decides the split, and the colours of "fashion_mnist_rgb".
        directory: the folder that holds the files of a named set, in place of all these.
        image_size: pixels of the square or (height, width) to which images are stretched (bilinear); default the
            size of the named set, or of the folder's first image.
        mode: for folders, "rgb" (the default) or "grey".

    Returns:
        Dataset; splits keep the order of their source.

    Raises:
        ValueError: an unknown name or an argument out of range.
        DataError: a file is missing, damaged or altered; the message says which and what to do.
    """
    is_folder = isinstance(name, str) and name.startswith(FOLDER_PREFIX)
    _check_arguments(name, is_folder, directory=directory, mode=mode)
    size = None if image_size is None else pictures.as_size(image_size)
    if is_folder:
        path = name.removeprefix(FOLDER_PREFIX)
        source = folder.read(path, size=size, mode=mode or "rgb")
    else:
        source = _READERS[name](directory)
    (train_images, train_labels), (test_images, test_labels), class_names, sha256 = source
    kept, held_out = split_indices(train_labels, train_examples, validation_examples, seed)
    splits = {
        "train": (train_images[kept], train_labels[kept]),
        "validation": (train_images[held_out], train_labels[held_out]),
        "test": (test_images, test_labels),
    }
    if name == "fashion_mnist_rgb":
        places = {"train": (kept, 0), "validation": (held_out, 0), "test": (np.arange(len(test_labels)), 1)}
        splits = {
            part: (fashion_mnist.colour(images, places[part][0], seed, places[part][1]), labels)
            for part, (images, labels) in splits.items()
        }
    if size is not None and not is_folder:
        # After the split and the colours, so that only what is kept grows: 70,000 images of 224x224 are 3.3 GiB.
        count = sum(len(labels) for _, labels in splits.values())
        pictures.check_memory(count, size, splits["test"][0].shape[3], f"of {name}")
        splits = {part: (pictures.stretch(images, size), labels) for part, (images, labels) in splits.items()}
    splits = {part: Split(*arrays) for part, arrays in splits.items()}
    return Dataset(**splits, class_names=tuple(class_names), name=name, sha256=sha256)


def _check_arguments(name, is_folder, *, directory, mode):
    if not isinstance(name, str) or (not is_folder and name not in _READERS):
        hint = near(name, _READERS, f'it is one of {", ".join(_READERS)} or "folder:<path>".')
        raise ValueError(f"name={shown(name)} is not a data set of the course; {hint}")
    if is_folder and directory is not None:
        raise ValueError(f"directory={shown(directory)} is not taken with a folder; put the path into name.")
    if not is_folder and mode is not None:
        raise ValueError(f'mode={shown(mode)} is taken with "folder:<path>" only, not with {name!r}.')

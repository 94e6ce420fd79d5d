"""Image files in folders: `train/<class>/*` and `test/<class>/*`, read as one array of equal pictures."""

import os
from pathlib import Path

import numpy as np

from cnnlib.data.dataset import DataError
from cnnlib.data.files import combined_sha256
from cnnlib.data.pictures import MODES, check_memory, decode_all, first_size
from cnnlib.data.splitting import spread_classes


def read(path, *, size=None, mode="rgb"):
    """Decode all pictures of a folder; classes are the sub-folders' names in alphabetical order.

    Pictures come class by class in turn (the first of each class, the second, ...), so that a prefix holds
    all classes. Files whose names begin with a dot are passed over; anything else must be a picture.

    Args:
        path: folder with `train` and `test`, each with the same class folders; a relative one starts from the
            working directory.
        size: (height, width) to which pictures are stretched; default the size of the first training picture.
        mode: "rgb" or "grey".

    Returns:
        (train_images, train_labels), (test_images, test_labels), class_names, sha256.

    Raises:
        ValueError: `mode` is not known.
        DataError: the folder has another form, or a file in it is no readable picture.
    """
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} must be one of {', '.join(map(repr, MODES))}.")
    root = Path(path).expanduser().absolute()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one that holds train/<class>/ and test/<class>/.")
    classes = {part: _class_folders(root, part) for part in ("train", "test")}
    _check_classes(root, classes)
    names = sorted(classes["train"])
    files = {part: _ordered_files(root, classes[part], names) for part in classes}
    size = size or first_size(files["train"][0][0])
    count = sum(len(paths) for paths, _ in files.values())
    check_memory(count, size, len(MODES[mode]), f"in {path}")
    paths = files["train"][0] + files["test"][0]
    images, digests = decode_all(paths, size, mode)
    hashes = {file.relative_to(root).as_posix(): digest for file, digest in zip(paths, digests, strict=True)}
    cut = len(files["train"][0])
    return (
        (images[:cut], files["train"][1]),
        (images[cut:], files["test"][1]),
        tuple(names),
        combined_sha256(hashes),
    )


def _class_folders(root, part):
    """`{class name: path}` of one part, each checked to stay inside the root."""
    base = root / part
    if not base.is_dir():
        raise DataError(
            f"{base} is missing; put the images into {root}/train/<class>/ and {root}/test/<class>/."
        )
    _stay_inside(root, base)
    folders = {}
    for entry in _visible(base):
        if not entry.is_dir():
            raise DataError(f"{entry.path} is not a class folder; put images into a folder for each class.")
        _stay_inside(root, entry)
        folders[entry.name] = Path(entry.path)
    return folders


def _check_classes(root, classes):
    train, test = set(classes["train"]), set(classes["test"])
    for name in sorted(train ^ test):
        has, lacks = ("train", "test") if name in train else ("test", "train")
        raise DataError(f"{root}: class {name!r} is in {has} but not in {lacks}; both need the same classes.")
    if len(train) < 2:
        found = f"only the class {min(train)!r}" if train else "no class folder"
        raise DataError(f"{root / 'train'} holds {found}; at least 2 classes are needed.")


def _ordered_files(root, folders, names):
    """Files of one part with classes in turn, and their labels int32."""
    paths, labels = [], []
    for label, name in enumerate(names):
        found = sorted(_visible(folders[name]), key=lambda entry: entry.name)
        if not found:
            raise DataError(
                f"{folders[name]} holds no image; add images or remove the class from train and test."
            )
        for entry in found:
            _stay_inside(root, entry)
            if not entry.is_file():
                raise DataError(f"{entry.path} is not an image file; remove it or move it elsewhere.")
            paths.append(Path(entry.path))
            labels.append(label)
    labels = np.array(labels, np.int32)
    order = spread_classes(labels)
    return [paths[i] for i in order], labels[order]


def _visible(folder):
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}); check its permissions.") from None


def _stay_inside(root, entry):
    """A link may point within the folder that was named, not out of it to files nobody meant to share."""
    if not entry.is_symlink():
        return
    target = Path(os.path.realpath(entry))
    if not target.is_relative_to(root.resolve()):
        raise DataError(f"{os.fspath(entry)} is a link out of {root}; replace it by the file that is meant.")

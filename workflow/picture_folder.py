"""`folder:<path>` as a data set, looked at before anything starts: by names and counts, without decoding a picture.

`cnnlib.data` holds the same form when it reads the pictures; here no backend is loaded.
"""

import os
from pathlib import Path

from workflow.lessons import UsageError

PREFIX = "folder:"
PARTS = ("train", "test")
LEAST_CLASSES = 2


def is_folder(value):
    """Whether a data set is a folder of somebody's own pictures."""
    return isinstance(value, str) and value.startswith(PREFIX)


def absolute(value):
    """`folder:<path>` with the whole path; a relative one is seen from where the command was called."""
    return f"{PREFIX}{Path(value.removeprefix(PREFIX)).expanduser().resolve()}"


def training_pictures(value):
    """The number of pictures in a folder's training part.

    Raises:
        UsageError: no folder that can be read, or not the same two or more classes in both parts.
    """
    root = Path(value.removeprefix(PREFIX))
    wanted = f"put pictures into {PARTS[0]}/<class>/ and {PARTS[1]}/<class>/ of it"
    if not root.is_dir():
        raise UsageError(f"dataset={value!r} names no folder that is there; {wanted}")
    classes = {}
    for part in PARTS:
        if not (root / part).is_dir():
            raise UsageError(f"dataset={value!r}: there is no folder {part!r} in it; {wanted}")
        classes[part] = {name: _visible(root / part / name, value) for name in _visible(root / part, value)}
    first, second = (set(classes[part]) for part in PARTS)
    for name in sorted(first ^ second):
        raise UsageError(
            f"dataset={value!r}: the class {name!r} is in one of train and test only; both need the same classes"
        )
    if len(first) < LEAST_CLASSES:
        raise UsageError(
            f"dataset={value!r} has {len(first)} classes, and {LEAST_CLASSES} are needed; {wanted}"
        )
    return sum(len(pictures) for pictures in classes[PARTS[0]].values())


def _visible(folder, value):
    """The names in a folder, those that begin with a dot left out."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except NotADirectoryError:
        raise UsageError(
            f"dataset={value!r}: {folder} is no class folder; put pictures into a folder for each class"
        ) from None
    except OSError as error:
        raise UsageError(
            f"dataset={value!r}: {folder} cannot be read ({error.strerror}); check its permissions"
        ) from None

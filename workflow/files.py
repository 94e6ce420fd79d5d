"""Writing that never leaves half a file under its final name."""

import hashlib
import json
import os
import uuid
from pathlib import Path


def write_text(path, text):
    """Write `text` to `path` by way of a temporary file beside it, making the folder where it is missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made as any file is: the umask decides who may read it, and no mode is asked for, which some shares refuse.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path, value):
    """Write a value as indented JSON; see `write_text`."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def write_json_if_changed(path, value):
    """Write a value unless the file holds it already, so that its time stamp tells of real changes only."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    path = Path(path)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def path_for_papermill(path):
    """A path as papermill takes it for itself: single braces would be filled with parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def hash_files(paths, base):
    """SHA-256 over names (relative to `base`) and contents of text files, in a fixed order.

    A line that a checkout ends in the way of Windows counts as the same line.
    """
    total = hashlib.sha256()
    for path in sorted(Path(p) for p in paths):
        total.update(f"{path.relative_to(base).as_posix()}\0".encode())
        total.update(path.read_bytes().replace(b"\r\n", b"\n"))
        total.update(b"\0")
    return total.hexdigest()

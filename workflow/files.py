"""Writing that never leaves half a file under its final name."""

import hashlib
import json
import os
import tempfile
from pathlib import Path


def write_text(path, text):
    """Write `text` to `path` by way of a temporary file beside it, making the folder where it is missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
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


def hash_files(paths, base):
    """SHA-256 over names (relative to `base`) and contents of files, in a fixed order."""
    total = hashlib.sha256()
    for path in sorted(Path(p) for p in paths):
        total.update(f"{path.relative_to(base).as_posix()}\0".encode())
        total.update(path.read_bytes())
        total.update(b"\0")
    return total.hexdigest()

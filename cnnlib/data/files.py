"""Finding files, and reading those that may be damaged or hostile: sizes are bounded before anything is unpacked."""

import hashlib
import os
import zlib
from pathlib import Path

import keras
import numpy as np

from cnnlib._checks import shown
from cnnlib.data.dataset import DataError

REPOSITORY_DATA = Path(__file__).resolve().parents[2] / "data"
FOLDER_VARIABLE = "CNNLIB_DATA"  # the environment's: a folder laid out as the repository's `data`

_IDX_UINT8 = 8  # third byte of an IDX header: the type of the values; the fourth is the number of axes


def find_file(
    place: str, url: str, directory: str | os.PathLike | None = None, sha256: str | None = None
) -> tuple[Path, str]:
    """Where a file of a named data set lies, fetched if it must be, and how to mend it, in words.

    Args:
        place: path within a data folder, for instance "fashion-mnist/t10k-labels-idx1-ubyte.gz".
        url: the data set's own address of it, asked where the file is neither in the repository's `data` nor in the
            folder that CNNLIB_DATA names; what comes is kept in Keras' cache.
        directory: the folder that holds the file itself, in place of all these.
        sha256: hexadecimal hash of the file, checked after it was fetched.

    Raises:
        DataError: the file is nowhere and cannot be fetched.
    """
    if directory is not None:
        if not isinstance(directory, str | os.PathLike):
            raise DataError(f"directory={shown(directory)} must be the path of a folder.")
        return Path(directory) / Path(place).name, f"put the file of {url} there, or leave out directory=."
    folders = [str(REPOSITORY_DATA), os.environ.get(FOLDER_VARIABLE)]
    for path in (Path(folder).expanduser() / place for folder in folders if folder):
        if path.exists():
            return path, f"remove it, and it is fetched anew from {url}."
    cache = str(Path("datasets", *Path(place).parts[:-1]))
    try:
        path = keras.utils.get_file(
            Path(place).name, url, cache_subdir=cache, file_hash=sha256, hash_algorithm="sha256"
        )
    except Exception as error:  # get_file raises the bare Exception where the network fails
        raise DataError(
            f"{place} could not be fetched ({' '.join(str(error).split()).rstrip('.')[:120]}); put it into a folder "
            f'that the variable {FOLDER_VARIABLE} names, or load images of your own with data.load("folder:<path>").'
        ) from None
    return Path(path), f"remove it, and it is fetched anew from {url}."


def read_bytes(path: str | os.PathLike, *, limit: int, remedy: str) -> bytes:
    """The content of a file of at most `limit` bytes; `remedy` ends the sentence of an error."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size + 1) if size <= limit else None
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {remedy}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {remedy}") from None
    if content is None or len(content) > limit:
        raise DataError(f"{path} is larger than the {limit:,} bytes that it can have; {remedy}")
    return content


def read_idx(path: str | os.PathLike, shape: tuple[int, ...], *, sha256: str, remedy: str) -> np.ndarray:
    """Values of a gzipped IDX file (LeCun's format) of known shape and checksum, as a uint8 array.

    Never unpacks more than the header and `shape` call for, whatever the compressed stream would give.

    Args:
        path: the .gz file.
        shape: expected dimensions, for instance (60000, 28, 28).
        sha256: hexadecimal hash of the decompressed content.
        remedy: what the reader of an error message should do, ended with a full stop.

    Raises:
        DataError: the file is missing, empty, truncated, no IDX file of `shape`, too large or altered.
    """
    header = bytes([0, 0, _IDX_UINT8, len(shape)]) + np.array(shape, ">u4").tobytes()
    size = len(header) + int(np.prod(shape, dtype=np.int64))
    packed = read_bytes(path, limit=size + 1_000_000, remedy=remedy)
    if not packed:
        raise DataError(f"{path} is empty, expected {size:,} bytes in gzip form; {remedy}")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise DataError(f"{path} is not an intact gzip file; {remedy}") from None
    if content[: len(header)] != header and len(content) >= len(header):
        raise DataError(
            f"{path} starts with {content[: len(header)].hex()}, expected {header.hex()}, "
            f"the IDX header of unsigned bytes {tuple(shape)}; {remedy}"
        )
    if len(content) > size or unpacker.unused_data:
        raise DataError(f"{path} holds more than the {size:,} bytes of its header; {remedy}")
    if len(content) < size or not unpacker.eof:
        raise DataError(f"{path} is truncated after {len(content):,} of {size:,} bytes; {remedy}")
    check_sha256(path, content, sha256, remedy=remedy)
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def check_sha256(path: str | os.PathLike, content: bytes, expected: str, *, remedy: str) -> None:
    """Raise DataError unless the SHA-256 of `content`, which came from `path`, is `expected`."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(f"{path} has been altered: SHA-256 {found}, expected {expected}; {remedy}")


def combined_sha256(hashes: dict[str, str]) -> str:
    """One hash of several files: SHA-256 of the text that `sha256sum` would print for `{name: hash}`."""
    text = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

"""Reading files that may be missing, damaged or hostile: sizes are bounded before anything is unpacked."""

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

from cnnlib.data.dataset import DataError

REPOSITORY_DATA = Path(__file__).resolve().parents[2] / "data"

_IDX_UINT8 = 8  # third byte of an IDX header: the type of the values; the fourth is the number of axes


def read_bytes(path, *, limit, remedy):
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


def read_idx(path, shape, *, sha256, remedy):
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


def check_sha256(path, content, expected, *, remedy):
    """Raise DataError unless the SHA-256 of `content`, which came from `path`, is `expected`."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(f"{path} has been altered: SHA-256 {found}, expected {expected}; {remedy}")


def combined_sha256(hashes):
    """One hash of several files: SHA-256 of the text that `sha256sum` would print for `{name: hash}`."""
    text = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

"""A compressed network on disk: everything that is needed to get the same predictions, and nothing else.

The layout, all integers little-endian: the magic, a CRC-32 of the rest, then the model's weights in their order. Each
is either plain (its float32 bytes) or shared: codebook, and two Huffman streams, of the distances between its weights
that are not zero and of these weights' indices in the codebook. Shapes are the model's.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from keras import ops

from cnnlib.compress.huffman import decode, encode
from cnnlib.compress.share import codebook_of

MAGIC = b"CNNZ1"
PLAIN, SHARED = 0, 1
ESCAPE = 255  # "255 zeros, and go on": distances of 256 and more take several symbols


def save_compressed(path, model, shared):
    """Write `model`, whose kernels were shared by `share_weights`, to `path`; returns `{variable path: bytes}`.

    Args:
        shared: what `share_weights` returned. The codebooks are taken from the model, so that training after sharing
            counts.

    Raises:
        ValueError: a kernel has more values than its codebook, for instance because its constraint was taken off.
    """
    parts = {}
    for variable in model.weights:  # without the states of random generators
        weights = ops.convert_to_numpy(variable)
        if variable.path not in shared:
            parts[variable.path] = struct.pack("<B", PLAIN) + weights.astype("<f4").tobytes()
            continue
        codebook, indices = shared[variable.path]
        codebook = codebook_of(weights, indices, len(codebook))
        values = np.concatenate([np.zeros(1, "float32"), codebook])
        if not np.array_equal(values[indices], weights):
            raise ValueError(
                f"{variable.path}: its weights are no longer those of its codebook; share them again"
            )
        parts[variable.path] = struct.pack("<B", SHARED) + _pack(codebook, indices)
    body = b"".join(parts.values())
    Path(path).write_bytes(MAGIC + struct.pack("<I", zlib.crc32(body)) + body)
    return {name: len(part) for name, part in parts.items()}


def load_compressed(path, model):
    """Read the weights of `path` into `model`, a network of the same form; predictions are those of the saved one.

    Raises:
        ValueError: the file is none of these, is damaged, or belongs to a network of another form.
    """
    content = Path(path).read_bytes()
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{path} is no compressed network: it does not begin with {MAGIC.decode()}")
    checksum, body = content[len(MAGIC) : len(MAGIC) + 4], content[len(MAGIC) + 4 :]
    if checksum != struct.pack("<I", zlib.crc32(body)):
        raise ValueError(f"{path} is damaged: its checksum does not fit; write it again with save_compressed")
    reader, values = _Reader(body), []
    try:
        for variable in model.weights:
            values.append(_read_variable(reader, tuple(variable.shape)))
    except (struct.error, ValueError, IndexError) as error:
        raise ValueError(f"{path} holds a network of another form than {model.name}") from error
    if reader.left():
        raise ValueError(f"{path} holds a network of another form than {model.name}")
    model.set_weights(values)


def _pack(codebook, indices):
    flat = indices.ravel()
    places = np.flatnonzero(flat)
    symbols = _gap_symbols(np.diff(places, prepend=-1) - 1)
    gaps, gap_lengths = encode(symbols, ESCAPE + 1)
    codes, code_lengths = encode(flat[places].astype("int64") - 1, len(codebook))
    head = struct.pack("<BIIII", len(codebook), len(places), len(symbols), len(gaps), len(codes))
    return head + codebook.astype("<f4").tobytes() + _table(gap_lengths) + _table(code_lengths) + gaps + codes


def _gap_symbols(zeros):
    """Numbers of zeros in front of each weight as symbols 0..254 and escapes."""
    symbols = []
    for count in zeros.tolist():
        symbols += [ESCAPE] * (count // ESCAPE) + [count % ESCAPE]
    return np.array(symbols, dtype="int64")


def _table(lengths):
    """Code lengths up to the last symbol that occurs, after their number."""
    used = int(np.flatnonzero(lengths).max()) + 1 if lengths.any() else 0
    return struct.pack("<H", used) + lengths[:used].astype("uint8").tobytes()


class _Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, count):
        if self.at + count > len(self.content):
            raise ValueError("the file ends early")
        self.at += count
        return self.content[self.at - count : self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def left(self):
        return len(self.content) - self.at


def _read_variable(reader, shape):
    size = int(np.prod(shape))
    (kind,) = reader.unpack("<B")
    if kind == PLAIN:
        return np.frombuffer(reader.take(4 * size), dtype="<f4").reshape(shape)
    if kind != SHARED:
        raise ValueError(f"no variable begins with {kind}")
    count, weights, symbol_count, gap_bytes, code_bytes = reader.unpack("<BIIII")
    if weights > size or symbol_count > size + weights:
        raise ValueError("more weights than the kernel has")
    codebook = np.frombuffer(reader.take(4 * count), dtype="<f4")
    tables = [np.frombuffer(reader.take(reader.unpack("<H")[0]), dtype="uint8") for _ in range(2)]
    symbols = decode(reader.take(gap_bytes), tables[0], symbol_count)
    indices = decode(reader.take(code_bytes), tables[1], weights)
    steps = np.where(symbols == ESCAPE, ESCAPE, symbols + 1)
    places = np.cumsum(steps)[symbols != ESCAPE] - 1
    flat = np.zeros(size, dtype="float32")
    flat[places] = codebook[indices]
    return flat.reshape(shape)

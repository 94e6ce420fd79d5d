"""Canonical Huffman codes: frequent symbols get short codes, and the lengths alone tell the codes (Huffman, 1952)."""

import heapq

import numpy as np


def entropy(counts):
    """Entropy in bits of symbols that occur `counts` times, (K,); no code needs less on average."""
    counts = np.asarray(counts, dtype="float64")
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def code_lengths(counts):
    """Length in bits of each symbol's code, (K,) uint8; 0 for symbols that do not occur.

    Args:
        counts: how often each of the symbols 0..K-1 occurs, at least one of them.

    Raises:
        ValueError: no symbol occurs, or a count is negative.
    """
    counts = np.asarray(counts)
    if (counts < 0).any() or not counts.any():
        raise ValueError("counts must be at least 0, and one of them above 0")
    lengths = np.zeros(len(counts), dtype="uint8")
    present = [int(k) for k in np.flatnonzero(counts)]
    if len(present) == 1:  # one bit, although none would do: a stream of no bits has no length
        lengths[present[0]] = 1
        return lengths
    # The number in the middle breaks ties, always in the same way.
    heap = [(int(counts[k]), k, [k]) for k in present]
    heapq.heapify(heap)
    while len(heap) > 1:
        few, rank, left = heapq.heappop(heap)
        more, _, right = heapq.heappop(heap)
        lengths[left + right] += 1
        heapq.heappush(heap, (few + more, rank, left + right))
    return lengths


def mean_code_length(counts):
    """Bits for a symbol on average; at least the entropy and less than one bit above it, for two symbols or more."""
    counts = np.asarray(counts)
    return float((counts * code_lengths(counts)).sum() / counts.sum())


def _codes(lengths):
    """`{symbol: code as a string of 0 and 1}`: canonical, that is rising with (length, symbol)."""
    codes, code, previous = {}, 0, 0
    for length, symbol in sorted((int(n), s) for s, n in enumerate(lengths) if n):
        code <<= length - previous
        codes[symbol], previous = format(code, f"0{length}b"), length
        code += 1
    return codes


def encode(symbols, size):
    """`symbols` (N,) from 0 to size - 1 as bytes, with the lengths of their codes: (bytes, (size,) uint8).

    The last byte is filled up with zeros; `decode` is told how many symbols there are.

    Raises:
        ValueError: a symbol outside 0..size - 1.
    """
    symbols = np.asarray(symbols).ravel()
    if not len(symbols):
        return b"", np.zeros(size, dtype="uint8")
    if symbols.min() < 0 or symbols.max() >= size:
        raise ValueError(
            f"symbols run from {symbols.min()} to {symbols.max()}; size={size} allows 0 to {size - 1}"
        )
    lengths = code_lengths(np.bincount(symbols, minlength=size))
    codes = _codes(lengths)
    bits = "".join(codes[s] for s in symbols.tolist())
    packed = np.packbits(np.frombuffer(bits.encode("ascii"), dtype="uint8") - ord("0"))
    return packed.tobytes(), lengths


def decode(stream, lengths, count):
    """The `count` symbols of `stream`, exactly those that `encode` was given: (count,) int64.

    Raises:
        ValueError: the stream ends early or holds a code that no symbol has.
    """
    symbols_of = {code: symbol for symbol, code in _codes(lengths).items()}
    longest = max(map(len, symbols_of), default=0)
    bits = "".join(map(str, np.unpackbits(np.frombuffer(stream, dtype="uint8")).tolist()))
    found, start = np.empty(count, dtype="int64"), 0
    for i in range(count):
        end = start + 1
        while bits[start:end] not in symbols_of:
            end += 1
            if end - start > longest or end > len(bits):
                raise ValueError(f"the stream ends or is damaged at symbol {i} of {count}")
        found[i], start = symbols_of[bits[start:end]], end
    return found

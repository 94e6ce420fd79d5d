"""Smaller networks: pruning, weight sharing, Huffman coding, a file that holds the result, lottery tickets.

After Han, Mao, Dally, "Deep compression" (2016), and Frankle, Carbin, "The lottery ticket hypothesis" (2019).
"""

from cnnlib.compress.files import load_compressed, save_compressed
from cnnlib.compress.huffman import code_lengths, decode, encode, entropy, mean_code_length
from cnnlib.compress.prune import kernels, magnitude_masks, prune_and_retrain, set_masks, sparsity
from cnnlib.compress.share import share_weights
from cnnlib.compress.tickets import find_ticket, rewind

__all__ = [
    "code_lengths",
    "decode",
    "encode",
    "entropy",
    "find_ticket",
    "kernels",
    "load_compressed",
    "magnitude_masks",
    "mean_code_length",
    "prune_and_retrain",
    "rewind",
    "save_compressed",
    "set_masks",
    "share_weights",
    "sparsity",
]

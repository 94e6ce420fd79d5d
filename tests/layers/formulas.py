"""The layers' formulas written a second time, in NumPy, with loops where loops are plainest."""

import math

import numpy as np


def local_response(x, k, n, alpha, beta):
    out, channels = np.empty_like(x), x.shape[-1]
    for i in range(channels):
        near = x[..., max(0, i - n // 2) : min(channels - 1, i + n // 2) + 1]
        out[..., i] = x[..., i] / (k + alpha * (near**2).sum(-1)) ** beta
    return out


def blur_pool(x, size, stride):
    row = np.array([math.comb(size - 1, i) for i in range(size)]) / 2 ** (size - 1)
    border = ((size - 1) // 2, size - 1 - (size - 1) // 2)
    padded = np.pad(x, [(0, 0), border, border, (0, 0)], mode="reflect")
    height, width = x.shape[1:3]
    out = np.zeros_like(x)
    for i in range(size):
        for j in range(size):
            out += row[i] * row[j] * padded[:, i : i + height, j : j + width]
    return out[:, ::stride, ::stride]


def adaptive_pyramid(x, levels):
    bins = []
    for n in levels:
        rows, columns = (
            [(math.floor(i * s / n), math.ceil((i + 1) * s / n)) for i in range(n)] for s in x.shape[1:3]
        )
        bins += [x[:, a:b, c:d].max((1, 2)) for a, b in rows for c, d in columns]
    return np.concatenate(bins, axis=1)


def sparse_convolution(x, connections, kernel, bias):
    size = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))  # (N, h, w, C, k, k)
    out, link = np.zeros((*windows.shape[:3], len(connections))), 0
    for output, sources in enumerate(connections):
        for source in sources:
            out[..., output] += (windows[..., source, :, :] * kernel[:, :, link]).sum((-1, -2))
            link += 1
    return out + bias


def squashed(s):
    length = np.sqrt((s**2).sum(-1, keepdims=True))
    return length**2 / (1 + length**2) * s / length


def primary_capsules(x, kernel, bias):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]
    maps = np.einsum("nhwcij,ijcf->nhwf", windows, kernel) + bias
    return squashed(maps.reshape(len(x), -1, 3))


def capsule_routing(x, kernel, rounds):
    images, below = x.shape[:2]
    capsules, dimension = kernel.shape[2:]
    predicted = np.zeros((images, below, capsules, dimension))
    for i in range(below):
        for j in range(capsules):
            predicted[:, i, j] = x[:, i] @ kernel[i, :, j]
    logits = np.zeros((images, below, capsules))
    for turn in range(rounds):
        share = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        above = squashed((share[..., None] * predicted).sum(1))
        if turn < rounds - 1:
            logits += (predicted * above[:, None]).sum(-1)
    return above, share


def longest_capsule(x):
    out = np.zeros_like(x)
    for image, longest in enumerate(np.linalg.norm(x, axis=-1).argmax(-1)):
        out[image, longest] = x[image, longest]
    return out.reshape(len(x), -1)

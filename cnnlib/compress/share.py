"""Weight sharing: each kernel's weights take one of a few values, found by k-means and then trained as values."""

import keras
import numpy as np
from keras import ops

from cnnlib.compress.prune import kernels


class Clusters(keras.constraints.Constraint):
    """After every step of an optimizer, weights of one cluster are set to their mean; zeros (index 0) stay zero.

    All weights of a cluster start equal, so under SGD the mean of their steps is a step of the shared value along the
    mean of its weights' gradients: training moves the codebook, as in Han et al., 2016, section 3.
    """

    def __init__(self, indices, count):
        self.indices = np.asarray(indices, dtype="int32")
        sizes = np.bincount(self.indices.ravel(), minlength=count + 1)
        self.factors = np.where(np.arange(count + 1) == 0, 0.0, 1.0 / np.maximum(sizes, 1))
        self.count = count

    def __call__(self, weights):
        flat = ops.cast(ops.reshape(weights, (-1,)), "float32")
        sums = ops.segment_sum(flat, self.indices.ravel(), num_segments=self.count + 1)
        values = sums * ops.cast(self.factors, "float32")
        return ops.cast(ops.reshape(ops.take(values, self.indices.ravel()), weights.shape), weights.dtype)


def share_weights(model, bits):
    """Give each kernel at most 2**bits - 1 values apart from zero, and keep them shared in training.

    Exact zeros (pruned weights) stay zero. The clusters are those of scikit-learn's k-means, started at evenly
    spaced values, which keeps the few large weights represented (Han et al., 2016, section 3.2).

    Args:
        bits: a number for all kernels, or `{path: bits}`; 1 to 8.

    Returns:
        `{path: (codebook (K,) float32, indices of the kernel's shape, uint8)}`; index 0 is zero, index k the value
        codebook[k - 1]. After further training take the codebook from the weights again by `codebook_of`.

    Raises:
        ValueError: bits out of range.
    """
    shared = {}
    for path, variable in kernels(model).items():
        width = bits.get(path) if isinstance(bits, dict) else bits
        if not isinstance(width, int) or not 1 <= width <= 8:
            raise ValueError(f"bits={width!r} for {path} must be an integer from 1 to 8")
        weights = ops.convert_to_numpy(variable).astype("float32")
        indices, count = _cluster(weights, 2**width - 1)
        variable.constraint = Clusters(indices, count)
        variable.assign(variable.constraint(ops.convert_to_tensor(variable)))
        shared[path] = codebook_of(ops.convert_to_numpy(variable), indices, count), indices
    return shared


def codebook_of(weights, indices, count):
    """The value of each cluster 1..count, (count,) float32; weights of a cluster are equal."""
    codebook = np.zeros(count, dtype="float32")
    codebook[indices[indices > 0] - 1] = weights[indices > 0]
    return codebook


def _cluster(weights, most):
    """Indices 0 for zeros and 1..K for the clusters, with K at most `most`: (uint8 array, K)."""
    try:
        from sklearn.cluster import KMeans
    except ImportError:
        raise ImportError("share_weights needs scikit-learn: pip install 'cnnlib[compress]'.") from None

    values = weights[weights != 0]
    distinct = np.unique(values)
    if len(distinct) <= most:
        centres = distinct
    else:
        start = np.linspace(values.min(), values.max(), most, dtype="float64")[:, None]
        fitted = KMeans(most, init=start, n_init=1, max_iter=50).fit(values[:, None].astype("float64"))
        centres = np.unique(fitted.cluster_centers_[np.unique(fitted.labels_), 0])
    borders = (centres[1:] + centres[:-1]) / 2
    indices = np.where(weights == 0, 0, np.searchsorted(borders, weights) + 1)
    return indices.astype("uint8"), len(centres)

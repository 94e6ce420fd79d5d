"""Labelled images in three sets, checked against their checksums: `load` is the one way in."""

from cnnlib.data.dataset import DataError, Dataset, Split, to_float
from cnnlib.data.loading import load

__all__ = ["DataError", "Dataset", "Split", "load", "to_float"]

"""Augmentation: changed copies of training images under the same label.

Every transform is a Keras layer on float images (N,H,W,C) in [0, 1], draws anew for each image of each batch, and does
nothing outside training. Give it to `training.train(..., augmentation=...)`, several as `Chain([...])`.
"""

from cnnlib.augment.base import Chain
from cnnlib.augment.color import GaussianNoise, PCAColor, RandomColor
from cnnlib.augment.geometry import ElasticDistortion, RandomAffine, RandomCrop, RandomFlip, sample
from cnnlib.augment.mixing import Mixup, RandomErasing

__all__ = [
    "Chain",
    "ElasticDistortion",
    "GaussianNoise",
    "Mixup",
    "PCAColor",
    "RandomAffine",
    "RandomColor",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "sample",
]

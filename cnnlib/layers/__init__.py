"""Layers that Keras lacks: those of the old papers, those of the new ones, and one written out to be read."""

from cnnlib.layers.activations import Maxout, RReLU, scaled_tanh
from cnnlib.layers.capsules import CapsuleLayer, CapsuleLength, CapsuleMask, PrimaryCapsules, squash
from cnnlib.layers.classic import PartiallyConnectedConv2D, RadialBasisFunctionOutput, TrainableSubsampling2D
from cnnlib.layers.codes import digit_codes, hadamard_codes
from cnnlib.layers.normalization import BatchNormFromScratch, LocalResponseNormalization
from cnnlib.layers.pooling import BlurPool2D, SpatialPyramidPooling2D
from cnnlib.layers.residual import ChannelShuffle, HighwayGate, LayerScale, StochasticDepth

__all__ = [
    "BatchNormFromScratch",
    "BlurPool2D",
    "CapsuleLayer",
    "CapsuleLength",
    "CapsuleMask",
    "ChannelShuffle",
    "HighwayGate",
    "LayerScale",
    "LocalResponseNormalization",
    "Maxout",
    "PartiallyConnectedConv2D",
    "PrimaryCapsules",
    "RReLU",
    "RadialBasisFunctionOutput",
    "SpatialPyramidPooling2D",
    "StochasticDepth",
    "TrainableSubsampling2D",
    "digit_codes",
    "hadamard_codes",
    "scaled_tanh",
    "squash",
]

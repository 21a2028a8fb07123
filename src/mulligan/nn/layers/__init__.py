"""Layers: frozen descriptions whose passes of first and second order are written by hand.

Read first `dense`, then `families`, which gives nearly every layer its second order.

- `base`: what every layer is, and what its six passes are called.
- `families`: `Affine` (y = A(x, W) + b), `Pointwise` (f, f′, f″), `LinearMap` (A, Aᵀ).
- `dense`, `conv`, `classes`: layers with weights. `initializers`: first values of the weights.
- `spectral`: weights divided by their largest singular value.
- `activations`, `norm`, `shape`: layers with few weights or none.
- `combine`: layers made of layers. `base.register` names each layer.
- `products`, `convolution`: the matrix products behind `dense` and `conv`, cut to fit the cache.
"""

from mulligan.nn.layers.activations import Arctan, LeakyReLU, ReLU, Sigmoid, Tanh
from mulligan.nn.layers.base import EXAMPLES, LAYERS, Layer, Param, Shape, example, register, walk
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.combine import Residual, Sequential
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d, UpsampleConv2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.families import Affine, LinearMap, Pointwise
from mulligan.nn.layers.initializers import INITIALIZERS, Alike, Fill, He, Initializer, Normal, Scaled, Zeros
from mulligan.nn.layers.norm import BatchNorm, Dropout, LayerNorm
from mulligan.nn.layers.shape import ChannelMean, Flatten, Reshape

__all__ = [
    "EXAMPLES", "INITIALIZERS", "LAYERS", "Affine", "Alike", "Arctan", "BatchNorm", "ChannelMean", "Conv2d",
    "ConvTranspose2d", "Dense", "Dropout", "Fill", "Flatten", "He", "Initializer", "Layer", "LayerNorm", "LeakyReLU",
    "LinearMap", "Normal", "OneHot", "Param", "Pointwise", "Projection", "ReLU", "Reshape", "Residual", "Scaled",
    "Sequential", "Shape", "Sigmoid", "Tanh", "UpsampleConv2d", "Zeros", "example", "register", "walk",
]  # fmt: skip

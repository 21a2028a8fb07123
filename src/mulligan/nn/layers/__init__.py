"""The layers, by name."""

from mulligan.nn.layers.activations import ELU, Arctan, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from mulligan.nn.layers.base import Affine, Layer, LinearMap, Param, Pointwise
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.dropout import Dropout
from mulligan.nn.layers.shape import Flatten, Reshape

LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv2d": Conv2d,
    "conv_transpose2d": ConvTranspose2d,
    "leaky_relu": LeakyReLU,
    "relu": ReLU,
    "elu": ELU,
    "silu": SiLU,
    "softplus": Softplus,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "arctan": Arctan,
    "flatten": Flatten,
    "reshape": Reshape,
    "dropout": Dropout,
    "one_hot": OneHot,
    "projection": Projection,
    "sequential": Sequential,
}
"""Every layer by the name that a configuration uses."""

__all__ = [
    "ELU",
    "LAYERS",
    "Affine",
    "Arctan",
    "Conv2d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "LinearMap",
    "OneHot",
    "Param",
    "Pointwise",
    "Projection",
    "ReLU",
    "Reshape",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]

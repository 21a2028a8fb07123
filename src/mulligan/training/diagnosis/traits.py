"""What diagnosis knows of layers and optimisers. A user's own kind has the traits of the one it is derived from."""

import math

from mulligan.nn.layers import BatchNorm, Layer, LayerNorm, PixelNorm, ReLU, Sigmoid, Softplus, Tanh
from mulligan.nn.optimizers import SGD, Adam, AdaMax, AMSGrad, Momentum, Nadam, Nesterov, Optimizer, RMSprop

NORMALISING = (BatchNorm, LayerNorm, PixelNorm)
"""Layers whose output's size is fixed: gradients grow as the weights before them shrink."""

REACH: dict[type[Layer], tuple[float, float]] = {
    Tanh: (-1.0, 1.0),
    Sigmoid: (0.0, 1.0),
    ReLU: (0.0, math.inf),
    Softplus: (0.0, math.inf),
}
"""Between which numbers every output lies, whatever the input: what a G that ends with the layer can draw."""

STEPS_BY: dict[str, tuple[type[Optimizer], ...]] = {
    "rate": (Adam, AMSGrad, AdaMax, Nadam, RMSprop),
    "gradient": (SGD, Momentum, Nesterov),
}
"""What the length of an optimiser's step follows: its rate, where the gradient is divided by its size, or both."""


def reach(layer: Layer | None) -> tuple[float, float]:
    """Return between which numbers the layer's outputs lie, as far as that is known."""
    return next((REACH[kind] for kind in type(layer).__mro__ if kind in REACH), (-math.inf, math.inf))

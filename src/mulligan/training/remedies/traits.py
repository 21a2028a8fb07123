"""Properties of layers and optimisers that the diagnosis uses. A user's subclass inherits those of its base class."""

import math

from mulligan.nn.layers import BatchNorm, Layer, LayerNorm, PixelNorm, ReLU, Sigmoid, Softplus, Tanh
from mulligan.nn.optimizers import SGD, Adam, AdaMax, AMSGrad, Momentum, Nadam, Nesterov, Optimizer, RMSprop

NORMALISING = (BatchNorm, LayerNorm, PixelNorm)
"""Layers that normalise their output, so that gradients grow as the weights before them shrink."""

REACH: dict[type[Layer], tuple[float, float]] = {
    Tanh: (-1.0, 1.0),
    Sigmoid: (0.0, 1.0),
    ReLU: (0.0, math.inf),
    Softplus: (0.0, math.inf),
}
"""Bounds of a layer's output for any input, which bound the samples of a G that ends with it."""

STEPS_BY: dict[str, tuple[type[Optimizer], ...]] = {
    "rate": (Adam, AMSGrad, AdaMax, Nadam, RMSprop),
    "gradient": (SGD, Momentum, Nesterov),
}
"""What sets the length of an optimiser's step: the rate alone, or the gradient's size as well."""


def reach(layer: Layer | None) -> tuple[float, float]:
    """Return the bounds of a layer's output, infinite if they are unknown."""
    return next((REACH[kind] for kind in type(layer).__mro__ if kind in REACH), (-math.inf, math.inf))

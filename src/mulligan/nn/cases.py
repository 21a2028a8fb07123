"""What each layer is checked on."""

from __future__ import annotations

from dataclasses import dataclass

from mulligan.nn import layers as nn
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.initializers import He


@dataclass(frozen=True)
class Case:
    """A layer, and the shape of the samples on which it is checked."""

    layer: Layer
    shape: Shape
    rows: int = 5


CRITIC = nn.Sequential((nn.Dense(7), nn.LeakyReLU(), nn.Dense(6), nn.LeakyReLU(), nn.Dense(1)))

CASES: dict[str, tuple[Case, ...]] = {
    "dense": (
        Case(nn.Dense(3), (4,)),
        Case(nn.Dense(1), (4,)),
        Case(nn.Dense(3, bias=False), (4,)),
        Case(nn.Dense(3, spectral_norm=True), (4,)),
    ),
    "conv2d": (Case(nn.Conv2d(3, kernel=3), (4, 4, 2)), Case(nn.Conv2d(2, kernel=4, stride=1), (5, 4, 2))),
    "conv_transpose2d": (Case(nn.ConvTranspose2d(2, kernel=4), (3, 2, 2)),),
    "leaky_relu": (Case(nn.LeakyReLU(), (6,)),),
    "relu": (Case(nn.ReLU(), (6,)),),
    "elu": (Case(nn.ELU(), (6,)), Case(nn.ELU(alpha=0.5), (6,))),
    "silu": (Case(nn.SiLU(), (6,)),),
    "softplus": (Case(nn.Softplus(), (6,)), Case(nn.Softplus(beta=3.0), (6,))),
    "tanh": (Case(nn.Tanh(), (6,)),),
    "sigmoid": (Case(nn.Sigmoid(), (6,)),),
    "arctan": (Case(nn.Arctan(), (6,)),),
    "flatten": (Case(nn.Flatten(), (2, 3, 2)),),
    "reshape": (Case(nn.Reshape((2, 2, 3)), (12,)),),
    "dropout": (Case(nn.Dropout(0.3), (6,)),),
    "one_hot": (Case(nn.OneHot(3), (4,)), Case(nn.OneHot(3), (2, 2, 1))),
    "projection": (
        Case(nn.Projection(3), (4,)),
        Case(nn.Projection(3, bias=False), (4,)),
        Case(nn.Projection(3, class_init=He(), spectral_norm=True), (4,)),
    ),
    "sequential": (
        Case(CRITIC, (5,)),
        Case(nn.Sequential((nn.Dense(7), nn.Tanh(), nn.Dense(6), nn.Softplus(), nn.Dense(1))), (5,)),
    ),
}
"""What each layer is checked on, by its name in `LAYERS`. A layer of one's own brings its case."""

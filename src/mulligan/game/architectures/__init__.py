"""Families of networks that build themselves for the shape of the data.

Read `base` first: the base class, and the last layer of D.

- `networks`: fully connected and convolutional; `ARCHITECTURES` names all. `residual`: the blocks of R3GAN.
"""

from mulligan.game.architectures.base import Architecture
from mulligan.game.architectures.networks import (
    ARCHITECTURES,
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
)
from mulligan.game.architectures.residual import R3GANDiscriminator, R3GANGenerator

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ConvDiscriminator",
    "ConvGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "R3GANDiscriminator",
    "R3GANGenerator",
]

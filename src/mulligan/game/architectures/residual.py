"""The residual networks of R3GAN, which need no normalisation, because the first weights are scaled by the depth.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline", §3 and appendix D. A block is
x + F(x), F = conv 1×1 – leaky – conv 3×3 – leaky – conv 1×1, wider inside. Its last product starts at 0 and the others
are scaled by L^(−1/4), L the number of blocks (Fixup, Zhang et al. 2019, with three products each).

Differences from the paper:

- The 3×3 convolutions are not grouped. Downsampling is the mean of 2×2 pixels, theirs a [1, 2, 1] filter.
- The first picture comes from one Dense layer, theirs from 4×4 learned numbers a channel, times a linear map of z.
- The logit comes from all numbers of the last stage, theirs from one 4×4 product a channel.
- A class is a scaled one-hot beside z and a term added to the logit, theirs an embedding and the logit's only factor.
- Pictures as small as 28×28 end at 7×7, theirs at 4×4.
"""

from dataclasses import dataclass
from math import prod

from mulligan.errors import ConfigError
from mulligan.game.architectures.base import Architecture, logit, picture
from mulligan.nn.fields import Count, Positive, Whole
from mulligan.nn.layers.activations import LeakyReLU
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.branches import Residual
from mulligan.nn.layers.classes import OneHot
from mulligan.nn.layers.conv import Conv2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.resample import AvgPool, Upsample
from mulligan.nn.layers.shape import Flatten, Reshape

_LINEAR = He(slope=1.0)  # Var W = 1/fan_in


@dataclass(frozen=True)
class _R3GAN(Architecture):
    """Options and blocks of both players."""

    widths: tuple[Count, ...] = (64, 32, 16)
    """Channels of each stage, from the smallest picture to the largest; each stage doubles height and width."""
    blocks: tuple[Whole, ...] = (1, 1, 1)
    """Residual blocks of each stage."""
    expansion: Count = 2
    """How much wider a block is inside."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.widths or len(self.widths) != len(self.blocks):
            raise ConfigError(
                f"{type(self).__name__}: widths and blocks must both have a number for each stage, got widths = "
                f"{list(self.widths)} and blocks = {list(self.blocks)}. Try [64, 32, 16] and [1, 1, 1]."
            )

    def stage(self, index: int) -> list[Layer]:
        """Return the blocks of a stage."""
        width, he = self.widths[index], He(0.2, max(1, sum(self.blocks)) ** -0.25)
        inside = self.expansion * width
        block = Residual(
            (
                _conv(inside, 1, he),
                LeakyReLU(),
                _conv(inside, 3, he),
                LeakyReLU(),
                Conv2d(width, 1, 1, init=Zeros(), bias=False),
            )
        )
        return [block] * self.blocks[index]

    def between(self, index: int, to: int) -> list[Layer]:
        """Return the layers that change the number of channels between two stages, if it changes."""
        return [] if self.widths[index] == self.widths[to] else [_conv(self.widths[to], 1, _LINEAR, bias=False)]


def _conv(channels: int, kernel: int, init: Initializer, bias: bool = True) -> Conv2d:
    return Conv2d(channels, kernel, 1, init=init, bias=bias)


@dataclass(frozen=True)
class R3GANGenerator(_R3GAN):
    """z (and 3 × one-hot class) – picture – [blocks – 1×1 – bilinear ×2] … – blocks – 1×1; linear pixels."""

    one_hot_scale: Positive = 3.0

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        last = len(self.widths) - 1
        height, width, depth = picture(sample_shape, last)
        start = (height >> last, width >> last, self.widths[0])
        layers: list[Layer] = [OneHot(classes, self.one_hot_scale)] if classes else []
        layers += [Dense(prod(start), _LINEAR), Reshape(start)]
        for index in range(len(self.widths)):
            layers += self.stage(index)
            if index < last:
                layers += [*self.between(index, index + 1), Upsample("bilinear")]
        return (*layers, _conv(depth, 1, _LINEAR))


@dataclass(frozen=True)
class R3GANDiscriminator(_R3GAN):
    """Pixels – 1×1 – [blocks – mean of 2×2 – 1×1] … – blocks – logit (by projection if there are classes)."""

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        last = len(self.widths) - 1
        picture(sample_shape, last)
        layers: list[Layer] = [_conv(self.widths[last], 1, _LINEAR)]
        for index in range(last, -1, -1):
            layers += self.stage(index)
            if index:
                layers += [AvgPool(2), *self.between(index, index - 1)]
        return (*layers, Flatten(), logit(classes, _LINEAR))

"""Networks by name, built for the shape of the data: what a recipe says instead of a list of layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from mulligan.errors import ConfigError, ShapeError
from mulligan.nn.layers.activations import LeakyReLU, Tanh
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.initializers import He, Initializer
from mulligan.nn.layers.shape import Flatten, Reshape


@dataclass(frozen=True)
class Architecture:
    """A family of networks; `build` gives the member that fits the data."""

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        """Return the layers.

        Parameters
        ----------
        sample_shape : tuple of int
            Of one picture, (height, width, channels), or of one point, (d,).
        classes : int
            Number of classes, 0 for none.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class MLPGenerator(Architecture):
    """z (and 3 × one-hot class) – hidden … – pixels; LeakyReLU inside.

    Parameters
    ----------
    hidden : tuple of int
    activation : Layer
        After each hidden layer.
    output : Layer or None
        After the last layer; None leaves it linear (points).
    init, output_init : Initializer
    one_hot_scale : float
        What a class's one is multiplied by.
    """

    hidden: tuple[int, ...] = (256, 512)
    activation: Layer = LeakyReLU()
    output: Layer | None = Tanh()
    init: Initializer = He()
    output_init: Initializer = He()
    one_hot_scale: float = 3.0

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        layers: list[Layer] = [OneHot(classes, self.one_hot_scale)] if classes else []
        for units in self.hidden:
            layers += [Dense(units, self.init), self.activation]
        layers.append(Dense(prod(sample_shape), self.output_init))
        if self.output is not None:
            layers.append(self.output)
        if len(sample_shape) > 1:
            layers.append(Reshape(tuple(sample_shape)))
        return tuple(layers)


@dataclass(frozen=True)
class MLPDiscriminator(Architecture):
    """Pixels – hidden … – logit (by projection where there are classes).

    Parameters
    ----------
    hidden, activation, init, output_init
        As in `MLPGenerator`.
    """

    hidden: tuple[int, ...] = (512, 256)
    activation: Layer = LeakyReLU()
    init: Initializer = He()
    output_init: Initializer = He()

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        layers: list[Layer] = [Flatten()] if len(sample_shape) > 1 else []
        for units in self.hidden:
            layers += [Dense(units, self.init), self.activation]
        return (*layers, _logit(classes, self.output_init))


@dataclass(frozen=True)
class ConvGenerator(Architecture):
    """z (and 3 × one-hot class) – FC – FC – [transposed conv 4×4, stride 2] … – pixels, tanh.

    Each of `channels` is the depth before one doubling of height and width, so 28×28 with two begins at 7×7.

    Parameters
    ----------
    hidden : tuple of int
        Fully connected layers before the first picture. Without any, the recipe loses most of its quality.
    channels : tuple of int
    alpha : float
        Slope of LeakyReLU.
    output_gain : float
        Scale of the last layer's start.
    one_hot_scale : float
    """

    hidden: tuple[int, ...] = (256,)
    channels: tuple[int, ...] = (32, 16)
    alpha: float = 0.2
    output_gain: float = 0.5
    one_hot_scale: float = 3.0

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        height, width, depth = _picture(sample_shape, len(self.channels))
        start = (height >> len(self.channels), width >> len(self.channels), self.channels[0])
        he, leaky = He(self.alpha), LeakyReLU(self.alpha)
        layers: list[Layer] = [OneHot(classes, self.one_hot_scale)] if classes else []
        for units in (*self.hidden, prod(start)):
            layers += [Dense(units, he), leaky]
        layers.append(Reshape(start))
        for channels in self.channels[1:]:
            layers += [ConvTranspose2d(channels, init=he), leaky]
        return (*layers, ConvTranspose2d(depth, init=He(self.alpha, self.output_gain)), Tanh())


@dataclass(frozen=True)
class ConvDiscriminator(Architecture):
    """Pixels – [conv 4×4, stride 2] … – FC … – logit (by projection where there are classes).

    Parameters
    ----------
    channels : tuple of int
        Depth after each halving of height and width.
    hidden : tuple of int
        Fully connected layers before the logit.
    alpha : float
    output_gain : float
    """

    channels: tuple[int, ...] = (16, 32)
    hidden: tuple[int, ...] = (128,)
    alpha: float = 0.2
    output_gain: float = 0.7

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        _picture(sample_shape, len(self.channels))
        he, leaky = He(self.alpha), LeakyReLU(self.alpha)
        layers: list[Layer] = []
        for channels in self.channels:
            layers += [Conv2d(channels, init=he), leaky]
        layers.append(Flatten())
        for units in self.hidden:
            layers += [Dense(units, he), leaky]
        return (*layers, _logit(classes, He(self.alpha, self.output_gain)))


def _logit(classes: int, init: Initializer) -> Layer:
    return Projection(classes, init) if classes else Dense(1, init)


def _picture(shape: Shape, halvings: int) -> Shape:
    if len(shape) != 3:
        raise ShapeError(
            f"a convolutional network takes pictures (height, width, channels), not samples of shape {tuple(shape)}. "
            "Use mlp_generator and mlp_discriminator."
        )
    if not halvings:
        raise ConfigError(
            "channels = [] is not allowed; a convolutional network needs at least one, for instance [32]."
        )
    unit = 1 << halvings
    if shape[0] % unit or shape[1] % unit:
        raise ShapeError(
            f"pictures of {shape[0]}×{shape[1]} cannot be halved {halvings} times; height and width must be multiples "
            f"of {unit}. Resize them (data.size), or give channels fewer entries."
        )
    return shape


ARCHITECTURES: dict[str, type[Architecture]] = {
    "mlp_generator": MLPGenerator,
    "mlp_discriminator": MLPDiscriminator,
    "conv_generator": ConvGenerator,
    "conv_discriminator": ConvDiscriminator,
}
"""Every architecture by the name that a configuration uses."""

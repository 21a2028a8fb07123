"""Families of networks that build themselves for the data's shape. A recipe names one in place of a list of layers.

Fully connected and convolutional; `ARCHITECTURES` names all.
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import prod

from mulligan.errors import ShapeError, require
from mulligan.nn.fields import Checked, Count, Decay, NonNegative, Positive, Whole
from mulligan.nn.layers.activations import LeakyReLU, Tanh
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d, UpsampleConv2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.initializers import Alike, He, Initializer, Zeros
from mulligan.nn.layers.shape import ChannelMean, Flatten, Reshape


@dataclass(frozen=True)
class Architecture(Checked):
    """Subclass this for a family of networks; implement `build`, which returns the layers for the data's shape."""

    @abstractmethod
    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        """Return the layers for pictures (height, width, channels) or points (d,); `classes` is 0 for none."""


def logit(classes: int, init: Initializer, *, spectral_norm: bool = False) -> Layer:
    """Return the last layer of a discriminator, with one output: Dense, or Projection if there are classes."""
    if not classes:
        return Dense(1, init, spectral_norm=spectral_norm)
    # Spectral norm divides by E's largest singular value, so E must not start at 0.
    return Projection(classes, init, class_init=init if spectral_norm else Zeros(), spectral_norm=spectral_norm)


@dataclass(frozen=True)
class MLPGenerator(Architecture):
    """z (and 3 × one-hot class) – hidden … – pixels; LeakyReLU inside."""

    hidden: tuple[Count, ...] = (256, 512)
    activation: Layer = LeakyReLU()
    output: Layer | None = Tanh()
    """After the last layer; None leaves it linear (points)."""
    init: Initializer = He()
    output_init: Initializer = He()
    one_hot_scale: Positive = 3.0

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
    """Pixels – hidden … – logit (by projection if there are classes)."""

    hidden: tuple[Count, ...] = (512, 256)
    activation: Layer = LeakyReLU()
    init: Initializer = He()
    output_init: Initializer = He()

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        layers: list[Layer] = [Flatten()] if len(sample_shape) > 1 else []
        for units in self.hidden:
            layers += [Dense(units, self.init), self.activation]
        return (*layers, logit(classes, self.output_init))


def check_halvings(shape: Shape, channels: tuple[int, ...]) -> Shape:
    """Return the shape of a picture that can be halved once for each of `channels`; raise if there are none."""
    require(len(channels) > 0, "channels", "a list of one whole number or more", [], "channels = [32]")
    if len(shape) != 3:
        raise ShapeError(
            f"samples of a convolutional network must be pictures (height, width, channels), got shape {tuple(shape)}. "
            "Reshape pictures to (n, height, width); for points, take a recipe without convolutions (mlp, ring)."
        )
    unit = 1 << len(channels)
    if shape[0] % unit or shape[1] % unit:
        raise ShapeError(
            f"height and width must be multiples of {unit}, to be halved {len(channels)} times, got pictures of "
            f"{shape[0]}×{shape[1]}. Resize them (data.size), give channels fewer entries, or take a recipe without "
            "convolutions (mlp)."
        )
    return shape


@dataclass(frozen=True)
class ConvGenerator(Architecture):
    """z (and 3 × one-hot class) – FC – FC – [transposed conv 4×4, stride 2] … – pixels.

    Each of `channels` is the depth before one doubling of height and width, so 28×28 with two begins at 7×7.
    """

    hidden: tuple[Count, ...] = (256,)
    """Fully connected layers before the first picture. Without them, samples are much worse."""
    channels: tuple[Count, ...] = (32, 16)
    alpha: Decay = 0.2
    output_gain: NonNegative = 0.5
    """Scale of the last layer's first weights."""
    one_hot_scale: Positive = 3.0
    fine: Whole = 0
    """Channels at full size, from which a convolution 3×3 makes the pixels. `UpsampleConv2d` doubles the picture. With
    0, transposed convolutions double it and make the pixels, and leave a pattern of 2×2 pixels on flat colour."""
    norm: Layer | None = None
    """Stands before every activation but the last. It normalises the first picture channel by channel."""
    init: Initializer | None = None
    """First values of all weights; None is He's, by `alpha` and `output_gain`."""
    output: Layer = Tanh()
    """After the last layer."""
    subpixels: Count = 1
    """A pixel is the mean of so many outputs. Real greys come from averaging too: nets tell such samples less often."""

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        height, width, depth = check_halvings(sample_shape, self.channels)
        start = (height >> len(self.channels), width >> len(self.channels), self.channels[0])
        init = He(self.alpha) if self.init is None else self.init
        last = He(self.alpha, self.output_gain) if self.init is None else self.init
        after = (() if self.norm is None else (self.norm,)) + (LeakyReLU(self.alpha),)
        layers: list[Layer] = [OneHot(classes, self.one_hot_scale)] if classes else []
        for units in self.hidden:
            layers += [Dense(units, init), *after]
        layers += [Dense(prod(start), init), Reshape(start), *after]
        double = UpsampleConv2d if self.fine else ConvTranspose2d
        for channels in self.channels[1:]:
            layers += [double(channels, init=init), *after]
        end: tuple[Layer, ...] = (self.output,)
        if self.subpixels > 1:
            depth, last, end = depth * self.subpixels, Alike(last, self.subpixels), (*end, ChannelMean(self.subpixels))
        if not self.fine:
            return (*layers, double(depth, init=last), *end)
        layers += [double(self.fine, init=init), *after]
        return (*layers, Conv2d(depth, kernel=3, stride=1, init=last), *end)


@dataclass(frozen=True)
class ConvDiscriminator(Architecture):
    """Pixels – [conv 4×4, stride 2] … – FC … – logit (by projection if there are classes)."""

    channels: tuple[Count, ...] = (16, 32)
    hidden: tuple[Count, ...] = (128,)
    """Fully connected layers before the logit."""
    alpha: Decay = 0.2
    output_gain: NonNegative = 0.7
    norm: Layer | None = None
    """Before every activation but the first."""
    spectral_norm: bool = False
    """In every layer with weights."""
    init: Initializer | None = None
    """Where all weights start; None is He's, by `alpha` and `output_gain`."""

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        check_halvings(sample_shape, self.channels)
        init = He(self.alpha) if self.init is None else self.init
        last = He(self.alpha, self.output_gain) if self.init is None else self.init
        leaky, norm = LeakyReLU(self.alpha), () if self.norm is None else (self.norm,)
        layers: list[Layer] = []
        for channels in self.channels:
            conv = Conv2d(channels, init=init, spectral_norm=self.spectral_norm)
            layers += [conv, *(norm if layers else ()), leaky]
        layers.append(Flatten())
        for units in self.hidden:
            layers += [Dense(units, init, spectral_norm=self.spectral_norm), *norm, leaky]
        return (*layers, logit(classes, last, spectral_norm=self.spectral_norm))


ARCHITECTURES: dict[str, type[Architecture]] = {
    "mlp_generator": MLPGenerator,
    "mlp_discriminator": MLPDiscriminator,
    "conv_generator": ConvGenerator,
    "conv_discriminator": ConvDiscriminator,
}
"""Every architecture by the name that a configuration uses."""

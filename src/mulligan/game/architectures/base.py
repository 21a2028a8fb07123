"""The base class of network families, and the parts that they share."""

from dataclasses import dataclass

from mulligan.errors import ShapeError
from mulligan.nn.fields import Checked
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.classes import Projection
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.initializers import Initializer, Zeros


@dataclass(frozen=True)
class Architecture(Checked):
    """Subclass this for a family of networks; implement `build`, which returns the layers for the data's shape."""

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


def logit(classes: int, init: Initializer, *, spectral_norm: bool = False) -> Layer:
    """Return the last layer of a discriminator, with one output: Dense, or Projection if there are classes."""
    if not classes:
        return Dense(1, init, spectral_norm=spectral_norm)
    # Spectral norm divides by E's largest singular value, so E must not start at 0.
    return Projection(classes, init, class_init=init if spectral_norm else Zeros(), spectral_norm=spectral_norm)


def picture(shape: Shape, halvings: int) -> Shape:
    """Return the shape of a picture that can be halved `halvings` times; else raise."""
    if len(shape) != 3:
        raise ShapeError(
            f"samples of a convolutional network must be pictures (height, width, channels), got shape {tuple(shape)}. "
            "Reshape pictures to (n, height, width); for points, take a recipe without convolutions (mlp, ring)."
        )
    unit = 1 << halvings
    if shape[0] % unit or shape[1] % unit:
        raise ShapeError(
            f"height and width must be multiples of {unit}, to be halved {halvings} times, got pictures of {shape[0]}×"
            f"{shape[1]}. Resize them (data.size), give channels fewer entries, or take a recipe without convolutions "
            "(mlp)."
        )
    return shape

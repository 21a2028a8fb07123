"""Layers that only change the shape of a sample."""

import math
from dataclasses import dataclass

from mulligan.errors import ShapeError
from mulligan.nn.fields import Count
from mulligan.nn.layers.base import Layer, Shape, example, register
from mulligan.nn.layers.families import LinearMap
from mulligan.nn.memory import Array, Memory


@register("flatten", example((2, 3, 2)))
@dataclass(frozen=True)
class Flatten(LinearMap):
    """Turn each sample into one row of numbers."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        return x.reshape(len(x), -1)

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return dy.reshape(len(dy), *m.saved["shape"][1:])


@register("reshape", example((12,), (2, 2, 3)))
@dataclass(frozen=True)
class Reshape(LinearMap):
    """Give each sample another shape with the same number of elements."""

    shape: tuple[Count, ...]
    """The new shape of a sample, for instance (7, 7, 32): height, width, channels."""

    def output_shape(self, shape: Shape) -> Shape:
        if math.prod(shape) != math.prod(self.shape):
            raise ShapeError(
                f"Reshape: samples must have {math.prod(self.shape)} numbers, as {self.shape} has, got "
                f"{math.prod(shape)} of shape {shape}. Give the layer before it {math.prod(self.shape)} outputs."
            )
        return self.shape

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        return x.reshape(len(x), *self.shape)

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return dy.reshape(len(dy), *m.saved["shape"][1:])


def check_image(layer: Layer, shape: Shape) -> None:
    """Raise `ShapeError` unless a sample is an image (height, width, channels)."""
    if len(shape) != 3:
        raise ShapeError(
            f"{type(layer).__name__}: samples must be images (height, width, channels), got shape {shape}. "
            "Put a Reshape layer before it."
        )


def check_row(layer: Layer, shape: Shape) -> None:
    """Raise `ShapeError` unless a sample is a row of numbers."""
    if len(shape) != 1:
        raise ShapeError(
            f"{type(layer).__name__}: samples must be rows of numbers, got shape {shape}. "
            "Put a Flatten layer before it."
        )

"""Layers that change the shape of a sample without weights: Flatten, Reshape, ChannelMean."""

import math
from dataclasses import dataclass

import numpy as np

from mulligan.errors import ShapeError
from mulligan.nn.fields import Count
from mulligan.nn.layers.base import Layer, Shape, example, register
from mulligan.nn.layers.families import LinearMap
from mulligan.nn.memory import Array, Memory


class _Reshaping(LinearMap):
    """The same numbers in another shape."""

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        return x.reshape(len(x), *self.output_shape(x.shape[1:]))

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return dy.reshape(len(dy), *m.saved["shape"][1:])


@register("flatten", example((2, 3, 2)))
@dataclass(frozen=True)
class Flatten(_Reshaping):
    """Turn each sample into one row of numbers."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


@register("reshape", example((12,), (2, 2, 3)))
@dataclass(frozen=True)
class Reshape(_Reshaping):
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


@register("channel_mean", example((2, 2, 6), 3))
@dataclass(frozen=True)
class ChannelMean(LinearMap):
    """Replace each `count` neighbouring channels by their mean, as a scanner averages black and white into grey."""

    count: Count

    def output_shape(self, shape: Shape) -> Shape:
        check_axes(self, shape, 3)
        if shape[2] % self.count:
            least = f"ChannelMean: channels must be a multiple of count = {self.count}, got {shape[2]}."
            raise ShapeError(f"{least} Try count = {math.gcd(self.count, shape[2])}.")
        return (*shape[:2], shape[2] // self.count)

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        out = m.buffers[name, (*x.shape[:3], x.shape[3] // self.count)]
        np.dot(x.reshape(-1, self.count), np.full((self.count, 1), 1 / self.count, x.dtype), out=out.reshape(-1, 1))
        return out

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        out = m.buffers[name, (len(dy), *m.saved["shape"][1:])]
        np.dot(dy.reshape(-1, 1), np.full((1, self.count), 1 / self.count, dy.dtype), out=out.reshape(-1, self.count))
        return out


def check_axes(layer: Layer, shape: Shape, axes: int) -> None:
    """Raise `ShapeError` unless a sample has three axes, as an image has, or one."""
    kind, before = ("images (height, width, channels)", "Reshape") if axes == 3 else ("rows of numbers", "Flatten")
    if len(shape) != axes:
        raise ShapeError(
            f"{type(layer).__name__}: samples must be {kind}, got shape {shape}. Put a {before} layer before it."
        )

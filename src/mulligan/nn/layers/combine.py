"""Layers made of layers: chains and shortcuts."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mulligan.errors import ShapeError
from mulligan.nn.layers.activations import LeakyReLU, Tanh
from mulligan.nn.layers.base import Layer, Shape, example, register
from mulligan.nn.layers.dense import Dense
from mulligan.nn.memory import Array, Memory


@register("sequential")
@dataclass(frozen=True)
class Sequential(Layer):
    """Apply layers one after the other."""

    layers: tuple[Layer, ...]
    piecewise_linear: ClassVar[bool] = True  # of the chain alone; `Network` asks each child

    @cached_property
    def keep(self) -> list[bool]:
        """Whether a pass is of the user's own, and may keep the array that it returns: the next must not change it."""
        passes = [(layer.forward, layer.backward, layer.tangent) for layer in self.layers]
        return [not all(each.__module__.startswith("mulligan.") for each in three) for three in passes]

    def output_shape(self, shape: Shape) -> Shape:
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        children: list[tuple[str, Layer, Shape]] = []
        for i, layer in enumerate(self.layers):
            children.append((f"{i}", layer, shape))
            shape = layer.output_shape(shape)
        return children

    def forward(self, m: Memory, x: Array) -> Array:
        outputs = m.saved["outputs"] = []
        for layer, memory, keeps in zip(self.layers, m.children, self.keep):
            x = layer.forward(memory, x)
            outputs.append(x)
            if keeps:
                m.context.spent = None
        return x

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        lowest = 0 if inputs else _lowest_with_params(m)
        for i in range(len(self.layers) - 1, lowest - 1, -1):
            dy = self.layers[i].backward(m.children[i], dy, inputs or i > lowest)
            if self.keep[i]:
                m.context.spent = None
        return dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        for layer, memory, keeps in zip(self.layers, m.children, self.keep):
            tx = layer.tangent(memory, tx)
            if keeps:
                m.context.spent = None
        return tx

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        lowest = 0 if inputs else _lowest_with_params(m)
        for i in range(len(self.layers) - 1, lowest - 1, -1):
            dy, dty = self.layers[i].adjoint(m.children[i], dy, dty, inputs or i > lowest)
        return dy, dty


def _lowest_with_params(m: Memory) -> int:
    """Return the layer at which a backward pass may stop if the gradient of the inputs is not needed."""
    for i, child in enumerate(m.children):
        if child.params or any(memory.params for memory in child.walk()):
            return i
    return len(m.children)


@register("residual", example((5,), (Dense(6), LeakyReLU(), Dense(5))), example((5,), (Dense(6), Tanh(), Dense(5))))
@dataclass(frozen=True)
class Residual(Sequential):
    """Add the input to the layers' output: y = F(x) + x.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", Eq. 1.
    """

    def output_shape(self, shape: Shape) -> Shape:
        after = super().output_shape(shape)
        if after != shape:
            raise ShapeError(
                f"Residual: its layers must keep the shape of a sample, {shape}, got {after}. Change the last of them."
            )
        return shape

    def forward(self, m: Memory, x: Array) -> Array:
        m.context.spent = None  # the sum needs x as well, and dy and tx below
        return _add(m, "y", super().forward(m, x), x)

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        m.context.spent = None
        dx = super().backward(m, dy, inputs)
        return _add(m, "dx", dx, dy) if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.context.spent = None
        return _add(m, "ty", super().tangent(m, tx), tx)

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        dx, dtx = super().adjoint(m, dy, dty, inputs)
        return (_add(m, "dx", dx, dy), _add(m, "dtx", dtx, dty)) if inputs else (dy, dty)


def _add(m: Memory, name: str, a: Array, b: Array) -> Array:
    return np.add(a, b, out=m.buffers[name, a.shape])

"""Layers side by side: their outputs added, or concatenated."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mulligan.errors import ConfigError, ShapeError, must_be
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Array, Memory


@dataclass(frozen=True)
class _Branches(Layer):
    """Several layers on the same input. Subclasses join their outputs (`join`) and divide the gradient (`part`)."""

    piecewise_linear: ClassVar[bool] = True  # of the join alone; `Network` asks each child

    @property
    @abstractmethod
    def branches(self) -> tuple[Layer, ...]:
        """The layers that take the input."""

    @abstractmethod
    def join(self, m: Memory, outputs: list[Array], name: str) -> Array:
        """Return y, given each branch's output."""

    @abstractmethod
    def part(self, m: Memory, dy: Array, index: int, name: str) -> Array:
        """Return the gradient with respect to branch `index`'s output."""

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        return [(f"{i}", branch, shape) for i, branch in enumerate(self.branches)]

    def forward(self, m: Memory, x: Array) -> Array:
        outputs = [b.forward(memory, x) for b, memory in zip(self.branches, m.children)]
        m.saved["widths"] = [y.shape[-1] for y in outputs]
        return self.join(m, outputs, "y")

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        parts = [self.part(m, dy, i, f"dy{i}") for i in range(len(self.branches))]
        dxs = [b.backward(memory, p, inputs) for b, memory, p in zip(self.branches, m.children, parts)]
        return _total(m, dxs, "dx") if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        return self.join(m, [b.tangent(memory, tx) for b, memory in zip(self.branches, m.children)], "ty")

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        pairs = [
            b.adjoint(memory, self.part(m, dy, i, f"dy{i}"), self.part(m, dty, i, f"dty{i}"), inputs)
            for i, (b, memory) in enumerate(zip(self.branches, m.children))
        ]
        if not inputs:
            return dy, dty
        return _total(m, [dx for dx, _ in pairs], "dx"), _total(m, [dtx for _, dtx in pairs], "dtx")


def _total(m: Memory, arrays: list[Array], name: str) -> Array:
    total = m.buffers[name, arrays[0].shape]
    np.copyto(total, arrays[0])
    for array in arrays[1:]:
        total += array
    return total


@dataclass(frozen=True)
class Residual(_Branches):
    """Add a shortcut to the layers' output: y = F(x) + S(x).

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", Eq. 1 and 2.
    """

    layers: tuple[Layer, ...]
    """F, one after the other."""
    shortcut: tuple[Layer, ...] = ()
    """S; empty for the identity."""

    @cached_property
    def branches(self) -> tuple[Layer, ...]:
        return Sequential(self.layers), Sequential(self.shortcut)

    def output_shape(self, shape: Shape) -> Shape:
        main, shortcut = (b.output_shape(shape) for b in self.branches)
        if main != shortcut:
            raise ShapeError(
                f"Residual: both outputs must have one shape, got {main} (layers) and {shortcut} (shortcut). "
                "Give the shortcut layers that lead to the same shape."
            )
        return main

    def join(self, m: Memory, outputs: list[Array], name: str) -> Array:
        return _total(m, outputs, name)

    def part(self, m: Memory, dy: Array, index: int, name: str) -> Array:
        return dy


@dataclass(frozen=True)
class Concat(_Branches):
    """Concatenate the outputs of branches that take the same input, on the last axis."""

    layers: tuple[Layer, ...]
    """The branches; ``Sequential(())`` is the identity."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers:
            raise ConfigError(must_be("Concat: layers", "a list of one branch or more", [], "layers = [Dense(64)]"))

    @property
    def branches(self) -> tuple[Layer, ...]:
        return self.layers

    def output_shape(self, shape: Shape) -> Shape:
        shapes = [b.output_shape(shape) for b in self.branches]
        if len({s[:-1] for s in shapes}) > 1:
            raise ShapeError(
                f"Concat: all axes of the outputs but the last must be equal, got shapes {shapes}. "
                "Give the branches layers that lead to one height and width."
            )
        return (*shapes[0][:-1], sum(s[-1] for s in shapes))

    def join(self, m: Memory, outputs: list[Array], name: str) -> Array:
        shape = (*outputs[0].shape[:-1], sum(y.shape[-1] for y in outputs))
        return np.concatenate(outputs, axis=-1, out=m.buffers[name, shape])

    def part(self, m: Memory, dy: Array, index: int, name: str) -> Array:
        widths = m.saved["widths"]
        start = sum(widths[:index])
        piece = dy[..., start : start + widths[index]]
        out = m.buffers[name, piece.shape]
        np.copyto(out, piece)
        return out

"""Layers made of layers."""

from dataclasses import dataclass
from typing import ClassVar

from mulligan.nn.layers.base import Layer, Shape, register
from mulligan.nn.memory import Array, Memory


@register("sequential")
@dataclass(frozen=True)
class Sequential(Layer):
    """Apply layers one after the other."""

    layers: tuple[Layer, ...]
    piecewise_linear: ClassVar[bool] = True  # of the chain alone; `Network` asks each child

    def output_shape(self, shape: Shape) -> Shape:
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        found: list[tuple[str, Layer, Shape]] = []
        for i, layer in enumerate(self.layers):
            found.append((f"{i}", layer, shape))
            shape = layer.output_shape(shape)
        return found

    def forward(self, m: Memory, x: Array) -> Array:
        outputs = m.saved["outputs"] = []
        for layer, memory in zip(self.layers, m.children):
            x = layer.forward(memory, x)
            outputs.append(x)
        return x

    def output_of(self, m: Memory, index: int) -> Array:
        """Return what layer `index` gave in the last forward pass."""
        output: Array = m.saved["outputs"][index]
        return output

    def backward_from(self, m: Memory, index: int, dy: Array) -> Array:
        """Return dx for a gradient dy with respect to the output of layer `index`."""
        for i in range(index, -1, -1):
            dy = self.layers[i].backward(m.children[i], dy)
        return dy

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        lowest = 0 if inputs else _lowest_with_params(m)
        for i in range(len(self.layers) - 1, lowest - 1, -1):
            dy = self.layers[i].backward(m.children[i], dy, inputs or i > lowest)
        return dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        for layer, memory in zip(self.layers, m.children):
            tx = layer.tangent(memory, tx)
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

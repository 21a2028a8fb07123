"""A network is a description and one flat vector; a workspace is a network bound to memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.errors import ShapeError
from mulligan.nn.layers.base import Layer, Param, Shape, walk
from mulligan.nn.memory import Allocate, Array, Context, Labels, Memory, allocate
from mulligan.nn.workers.threads import Worker


@dataclass(frozen=True)
class Placement:
    """Where one parameter array lies in its flat vector."""

    path: str
    param: Param
    part: slice

    def view(self, flat: Array) -> Array:
        """Return this parameter's part of `flat`, in its own shape."""
        return flat[self.part].reshape(self.param.shape)


class Network:
    """A layer (usually a `Sequential`) for inputs of one shape, with its parameters in one flat vector.

    `input_shape` is that of one sample, without the batch axis. `dtype` is float32, or float64 for gradient checks.
    `allocate` makes the flat vectors: `allocate`, or `shared` for process workers.
    """

    def __init__(self, layer: Layer, input_shape: Shape, dtype: DTypeLike = np.float32, allocate: Allocate = allocate):
        self.layer = layer
        self.input_shape = tuple(input_shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.allocate = allocate
        self.output_shape = layer.output_shape(self.input_shape)
        self.entries: list[Placement] = []
        self.stat_entries: list[Placement] = []
        """Where each parameter lies in `theta` and in `stats`."""
        sizes = {True: 0, False: 0}
        for path, inner, shape in walk(layer, self.input_shape):
            for name, param in inner.params(shape).items():
                start = sizes[param.trained]
                stop = sizes[param.trained] = start + math.prod(param.shape)
                entries = self.entries if param.trained else self.stat_entries
                entries.append(Placement(f"{path}.{name}" if path else name, param, slice(start, stop)))
        self.n_params = sizes[True]
        self.theta = allocate((self.n_params,), self.dtype)
        """All trained parameters, layer after layer. An optimiser, an average or a norm takes one pass over it."""
        self.stats = allocate((sizes[False],), self.dtype)
        """Values that are kept but not trained: running averages, power-iteration vectors."""
        inside = [inner for _, inner, _ in walk(layer, self.input_shape)]
        self.mixes_samples = any(inner.mixes_samples for inner in inside)
        self.piecewise_linear = all(inner.piecewise_linear for inner in inside)
        self.needs_finish = any(inner.needs_finish for inner in inside)
        self.classes: int | None = min((n for n in (getattr(i, "classes", None) for i in inside) if n), default=None)
        """Number of classes of a conditional network; every pass then needs labels below it."""
        self.theta.fill(0)
        self.stats.fill(0)

    def initialise(self, rng: np.random.Generator) -> Self:
        """Draw every parameter from its initialiser, in order; return the network."""
        for flat, entries in ((self.theta, self.entries), (self.stats, self.stat_entries)):
            for entry in entries:
                entry.param.init.fill(entry.view(flat), entry.param.fan_in, entry.param.fan_out, rng)
        return self

    def tensors(self) -> dict[str, Array]:
        """Return every parameter array by its path, as views."""
        named = {e.path: e.view(self.theta) for e in self.entries}
        return named | {e.path: e.view(self.stats) for e in self.stat_entries}

    def workspace(
        self,
        *,
        theta: Array | None = None,
        rng: np.random.Generator | None = None,
        worker: Worker | None = None,
        grad: Array | None = None,
    ) -> Workspace:
        """Bind the network to memory of its own.

        `theta` is used in place of the network's own parameters, for instance their average. `rng` serves dropout.
        `worker` is the one whose rows of a shared batch it takes. `grad`, of n_params numbers or more, is memory for
        the gradient; networks may share it if nobody needs their gradients at the same time.
        """
        return Workspace(self, self.theta if theta is None else theta, Context(self.dtype, rng, worker), grad)


class Workspace:
    """A network bound to memory: the passes, and the flat gradient that they fill.

    An array returned by a workspace is valid until that workspace's next pass of the same kind; `adjoint` may write
    over what `backward` returned.
    """

    def __init__(self, network: Network, theta: Array, context: Context, grad: Array | None = None):
        self.network = network
        self.theta = theta
        self.context = context
        self.grad = network.allocate(theta.shape, network.dtype) if grad is None else grad[: theta.size]
        """Filled by `grads` and `fused_grads`; begin each step with `clear_grads` and end it with `finish_grads`.
        If two workspaces share this memory, it holds the gradient of the last one to write."""
        self.memory = self._bind(network.layer, "", network.input_shape)
        inside = [layer for _, layer, _ in walk(network.layer, network.input_shape)]
        layers = list(zip(inside, self.memory.walk()))
        self._trained = [(layer, memory) for layer, memory in layers if memory.grads]
        self._finishers = [(layer, memory) for layer, memory in layers if layer.needs_finish]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle with buffers of its own. Layers' parameters are views of one vector in the copy, too."""
        return Workspace, (self.network, self.theta, self.context, self.grad)

    def _bind(self, layer: Layer, path: str, shape: Shape) -> Memory:
        memory = Memory(self.context, self.network.dtype)
        prefix = f"{path}." if path else ""
        trained = {e.path: e for e in self.network.entries}
        stats = {e.path: e for e in self.network.stat_entries}
        for name, param in layer.params(shape).items():
            if param.trained:
                entry = trained[prefix + name]
                memory.params[name] = entry.view(self.theta)
                memory.grads[name] = entry.view(self.grad)
            else:
                memory.stats[name] = stats[prefix + name].view(self.network.stats)
        memory.children = [self._bind(c, prefix + name, s) for name, c, s in layer.children(shape)]
        return memory

    def forward(self, x: Array, labels: Labels | Array = None, training: bool = True) -> Array:
        """Return the network's output for a batch of shape ``(n, *input_shape)``.

        `labels`, (n,), are the classes of the rows, for a conditional network. Outside training they may also be a
        mixture: (n, classes) floats, the share of each class. `training` chooses batch statistics and dropout, or
        else running statistics and no dropout. Arrays of another dtype are converted, here and in `backward`.
        """
        x = np.asarray(x, self.network.dtype)
        if x.shape[1:] != self.network.input_shape:
            raise ShapeError(
                f"samples must have the network's input shape {self.network.input_shape}, got {x.shape[1:]}. "
                "Reshape the batch, or build the network for it."
            )
        if self.network.classes is not None:
            labels = _check_labels(labels, len(x), self.network.classes, training)
        self.context.labels, self.context.training = labels, training
        return self.network.layer.forward(self.memory, x)

    def backward(self, dy: Array, inputs: bool = True) -> Array:
        """Return dx = Jᵀ dy; with ``inputs=False`` stop at the lowest layer that has parameters."""
        return self.network.layer.backward(self.memory, np.asarray(dy, self.network.dtype), inputs)

    def grads(self) -> None:
        """Add the parameter gradients of the last `backward` or `adjoint` to `grad`."""
        for layer, memory in self._trained:
            layer.grads(memory)

    def tangent(self, tx: Array) -> Array:
        """Return ty = J tx."""
        return self.network.layer.tangent(self.memory, tx)

    def adjoint(self, dy: Array, dty: Array, inputs: bool = False) -> tuple[Array, Array]:
        """Return (dx, dtx), the transpose of (x, tx) ↦ (y, ty)."""
        return self.network.layer.adjoint(self.memory, dy, dty, inputs)

    def fused_grads(self, c: Array) -> None:
        """Add the gradients of Σ cₙ yₙ + ⟨v, ∇ₓD⟩ on the fast path (see `Layer.fused_grads`) to `grad`."""
        for layer, memory in self._trained:
            layer.fused_grads(memory, c)

    def prepare(self) -> None:
        """Let layers compute what depends on the weights alone, once before a step's passes."""
        for layer, memory in self._finishers:
            layer.prepare(memory)

    def finish(self) -> None:
        """Let layers turn the summed gradient into that of the stored weights, once after a step's passes."""
        for layer, memory in self._finishers:
            layer.finish(memory)

    def clear_grads(self) -> None:
        """Begin a new step: the next contribution to each gradient replaces the old value."""
        for _, memory in self._trained:
            memory.written.clear()

    def finish_grads(self) -> None:
        """Zero the gradients to which nothing was added."""
        for _, memory in self._trained:
            if len(memory.written) < len(memory.grads):
                for name in memory.grads.keys() - memory.written:
                    memory.grads[name].fill(0)


def _check_labels(labels: Labels | Array, n: int, classes: int, training: bool) -> NDArray[np.integer[Any]] | Array:
    """Return labels that fit the batch: as intp, or a mixture as it is."""
    labels = np.asarray(labels)
    if not training and labels.shape == (n, classes) and labels.dtype.kind == "f":
        return labels
    whole = labels.shape == (n,) and labels.dtype.kind in "iu"
    if not whole or (n and not 0 <= labels.min() <= labels.max() < classes):
        got = f"{labels.min()} to {labels.max()}" if whole else f"shape {labels.shape} and dtype {labels.dtype}"
        raise ShapeError(
            f"labels must be whole numbers from 0 to {classes - 1}, the classes that the network knows, one for each "
            f"of {n} rows, got {got}. Try labels.astype(int).reshape({n}), or number the classes from 0."
        )
    return labels.astype(np.intp, copy=False)


def sum_gradients(spaces: list[Workspace], part: slice) -> None:
    """Add the gradients of all workers' workspaces to the first one's, for one part of the parameters, in order."""
    total = spaces[0].grad[part]
    for space in spaces[1:]:
        total += space.grad[part]

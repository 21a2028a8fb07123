"""Buffers allocated once, and what one pass leaves for the next.

A layer is a frozen description; everything that changes lies in its `Memory`. Buffers are named, allocated at first
use and kept for ever; a smaller batch is a view of a larger one. An array that a layer returns is therefore valid
until the same layer's next pass.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.nn.workers.limits import check_size, too_large
from mulligan.nn.workers.threads import Worker

Array = NDArray[Any]
"""Any array of the engine; values and gradients share the network's dtype (float32, or float64 in checks)."""

Labels: TypeAlias = "NDArray[np.integer[Any]] | None"
"""The classes of a batch's rows, (n,), counted from 0; None where there are none."""

ALIGNMENT = 64
"""Bytes; one cache line and one AVX-512 register. NumPy's own 16 cost 3–4 % of a step."""


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Allocate an uninitialised array whose first element lies on a cache line."""
    dtype = np.dtype(dtype)
    size = _bytes(shape, dtype)
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def shared(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Allocate zeros that a process and its forked children see alike; gone with the last of their arrays."""
    import mmap

    dtype = np.dtype(dtype)
    size = _bytes(shape, dtype)
    try:
        memory = mmap.mmap(-1, max(size, 1))
    except OSError as error:
        raise too_large("an array", size) from error
    return np.frombuffer(memory, np.uint8)[:size].view(dtype).reshape(shape)


def _bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the size of an array that is to be allocated."""
    size = math.prod(shape) * dtype.itemsize
    check_size("an array", size)
    return size


@cache
def constant(value: float, dtype: np.dtype[Any]) -> Array:
    """Return a number as a read-only array of no axes, the same one at every call.

    Of a Python number NumPy makes such an array at every call: 0.27 of the 0.5 µs that a small one takes.
    """
    made = np.array(value, dtype)
    made.flags.writeable = False
    return made


class _Scratch(threading.local):
    """Each thread's scratch arrays, by name and dtype."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, np.dtype[np.generic]], Array] = {}


_scratch = _Scratch()


def scratch(name: str, size: int, dtype: DTypeLike) -> Array:
    """Return this thread's scratch array `name`, (size,); arbitrary contents, valid until the next call by that name.

    All convolutions of a worker unfold their windows into the same memory: it stays in the cache from one layer to the
    next, and a deep network needs no more of it than its largest layer. An optimiser's blocks share theirs likewise.
    """
    key = name, np.dtype(dtype)
    kept = _scratch.kept.get(key)
    if kept is None or kept.size < size:
        kept = _scratch.kept[key] = aligned((size,), dtype)
    return kept[:size]


Allocate: TypeAlias = "Callable[[tuple[int, ...], DTypeLike], Array]"
"""`aligned`, or `shared`."""


class Context:
    """What all layers of one workspace share during a pass.

    Attributes
    ----------
    labels : (n,) integer array or None
        Classes of the rows, for layers that are conditioned on them; or a mixture, (n, classes) float.
    training : bool
        Batch statistics and dropout, or running statistics and none.
    tangent_follows : bool
        After this backward pass comes a tangent one: what both need is worth keeping.
    rng : Generator or None
        Where dropout draws its masks.
    worker : Worker or None
        Whose rows of a shared batch this workspace serves.
    """

    __slots__ = ("labels", "rng", "tangent_follows", "training", "worker")

    def __init__(self, rng: np.random.Generator | None = None, worker: Worker | None = None):
        self.labels: Labels | NDArray[np.floating[Any]] = None
        self.training = True
        self.tangent_follows = False
        self.rng = rng
        self.worker = worker

    @property
    def number(self) -> int:
        """Of the worker that this workspace serves; 0 where it is alone."""
        return 0 if self.worker is None else self.worker.number

    def sum_over_workers(self, value: Array) -> Array:
        """Sum `value` over all workers, in the workers' order: the same bytes in every worker."""
        return value if self.worker is None else self.worker.sum(value)

    def gather_workers(self, value: Array) -> list[Array]:
        """Return every worker's `value`, in the workers' order."""
        return [value] if self.worker is None else self.worker.gather(value)


class Memory:
    """The arrays of one layer in one workspace.

    Attributes
    ----------
    params, grads : dict of arrays
        Views into the network's flat vectors. A layer adds to `grads` by `gradient` and `add` alone: nothing clears it
        before.
    stats : dict of arrays
        Likewise of what is kept but not trained (running averages).
    saved : dict
        What else a pass of the layer leaves for its next ones.
    context : Context
        What the layer shares with all others of the workspace.
    children : list of Memory
        One for each layer inside a composite layer.
    x, y : array
        Input and output of the last forward pass, as far as the layer needs them again.
    dy : array
        The gradient with respect to `y` that the last `backward` or `adjoint` was given.
    tx, dty : array or None
        The tangent of `x`, and the gradient with respect to the tangent of `y`, of the last second-order pass.
    """

    __slots__ = (
        "_buffers",
        "_written",
        "children",
        "context",
        "dty",
        "dtype",
        "dy",
        "grads",
        "params",
        "saved",
        "stats",
        "tx",
        "x",
        "y",
    )  # fmt: skip

    def __init__(self, context: Context, dtype: DTypeLike):
        self.context = context
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.stats: dict[str, Array] = {}
        self.children: list[Memory] = []
        self.saved: dict[object, Any] = {}
        self.x: Array = _NOTHING
        self.y: Array = _NOTHING
        self.dy: Array = _NOTHING
        self.tx: Array | None = None
        self.dty: Array | None = None
        self._buffers: dict[str, Array] = {}
        self._written: set[str] = set()

    def buffer(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return the buffer `name` with this shape; its content is whatever the last user left.

        The first axis may shrink and grow back freely (a smaller batch is a view); growing beyond what was ever
        asked for, or changing another axis, allocates anew.
        """
        kept = self._buffers.get(name)
        if kept is not None and kept.shape == shape:  # as nearly always: a step asks dozens of times
            return kept
        if kept is None or kept.shape[0] < shape[0] or kept.shape[1:] != shape[1:]:
            kept = self._buffers[name] = aligned(shape, self.dtype)
        return kept[: shape[0]]

    def gradient(self, name: str) -> Array:
        """Return where a contribution to the gradient of `name` is to be *written*; `add` it afterwards.

        The first contribution of a step is written straight into the gradient, later ones into a scratch: no sweep
        to clear the gradients, and none to add the only one.
        """
        grad = self.grads[name]
        return grad if name not in self._written else self.buffer("d" + name, grad.shape)

    def add(self, name: str, contribution: Array) -> None:
        """Count a contribution; one that was written where `gradient` said needs no copy."""
        grad = self.grads[name]
        if contribution is not grad:
            if name in self._written:
                grad += contribution
            else:  # made elsewhere, and the first of the step
                grad[...] = contribution
        self._written.add(name)

    def clear_grads(self) -> None:
        """Begin a new step: the next contribution to each of this layer's own gradients replaces the old value."""
        self._written.clear()

    def finish_grads(self) -> None:
        """Set those of this layer's own gradients that received no contribution in this step to zero."""
        if len(self._written) < len(self.grads):
            for name in self.grads.keys() - self._written:
                self.grads[name].fill(0)

    def walk(self) -> Iterator[Memory]:
        """Yield this memory and all memories inside it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def poison(self) -> None:
        """Fill every buffer with NaN: a step that reads a stale one shows it."""
        for memory in self.walk():
            for array in memory._buffers.values():
                array.fill(np.nan)

    @property
    def nbytes(self) -> int:
        """Bytes held in buffers, children included."""
        return sum(array.nbytes for memory in self.walk() for array in memory._buffers.values())


_NOTHING: Array = np.empty(0, np.float32)

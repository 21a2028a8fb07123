"""The arrays of a layer: buffers that are allocated once, values that one pass keeps, and blocks of long vectors.

A layer is a frozen description; everything that changes lies in its `Memory`. Buffers have names. They are allocated at
first use and never freed; a smaller batch uses a view. An array that a layer returns is therefore valid until the same
layer's next pass.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.nn.workers.limits import can_fork, check_size
from mulligan.nn.workers.threads import Worker

Array = NDArray[Any]
"""Any array of the engine; values and gradients share the network's dtype (float32, or float64 in checks)."""

Labels: TypeAlias = "NDArray[np.integer[Any]] | None"
"""The classes of a batch's rows, (n,), counted from 0; None without classes."""

ALIGNMENT = 64
"""Bytes in a cache line and in an AVX-512 register. With NumPy's own 16, a step takes 3–4 % longer."""


def allocate(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Allocate an uninitialised array whose first element lies on a cache line."""
    dtype = np.dtype(dtype)
    size = _bytes(shape, dtype)
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def share(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Allocate zeros in memory that worker processes share. The last array that uses it frees it."""
    import mmap

    dtype = np.dtype(dtype)
    size = _bytes(shape, dtype)
    if can_fork():
        memory: Any = mmap.mmap(-1, max(size, 1))
    else:
        from multiprocessing.sharedctypes import RawArray

        memory = RawArray("B", -(-max(size, 1) // ALIGNMENT) * ALIGNMENT)
    return np.frombuffer(memory, np.uint8)[:size].view(dtype).reshape(shape)


def use_one_heap() -> None:
    """Let all threads allocate from one heap, and return what is free in it: 140 of an evaluation's 480 MB."""
    import ctypes

    with suppress(AttributeError, OSError, TypeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(-8, 1)  # M_ARENA_MAX
        libc.malloc_trim(0)


def _bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the size of an array that is to be allocated."""
    size = math.prod(shape) * dtype.itemsize
    check_size("an array", size)
    return size


@cache
def constant(value: float, dtype: np.dtype[Any]) -> Array:
    """Return a number as a read-only array of no axes; NumPy makes one at every call, half the time of a small call."""
    array = np.array(value, dtype)
    array.flags.writeable = False
    return array


class _Scratch(threading.local):
    """Each thread's scratch arrays, by name and dtype."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, np.dtype[np.generic]], Array] = {}


_scratch = _Scratch()


def scratch(name: str, size: int, dtype: DTypeLike) -> Array:
    """Return this thread's scratch array `name`, (size,): arbitrary contents, valid until it is asked for again."""
    key = name, np.dtype(dtype)
    array = _scratch.arrays.get(key)
    if array is None or array.size < size:
        array = _scratch.arrays[key] = allocate((size,), dtype)
    return array[:size]


Allocate: TypeAlias = "Callable[[tuple[int, ...], DTypeLike], Array]"
"""A function that allocates: `allocate` or `share`."""


class Buffers(dict[tuple[str, tuple[int, ...]], Array]):
    """Arrays that are allocated once, by name and shape: ``buffers["y", (n, 10)]``.

    A buffer has the contents that were last written to it. A smaller batch is a view; a larger one than ever before, or
    a change of another axis, allocates a new buffer. A step calls Python only for new shapes.
    """

    def __init__(self, dtype: np.dtype[Any]):
        self.largest: dict[str, Array] = {}
        self._dtype = dtype

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without the arrays."""
        return Buffers, (self._dtype,)

    def __missing__(self, key: tuple[str, tuple[int, ...]]) -> Array:
        name, shape = key
        largest = self.largest.get(name)
        if largest is None or largest.shape[0] < shape[0] or largest.shape[1:] != shape[1:]:
            largest = self.largest[name] = allocate(shape, self._dtype)
            for old in [old for old in self if old[0] == name]:  # views of the smaller one
                del self[old]
        view = self[key] = largest[: shape[0]]
        return view


class Context:
    """What all layers of one workspace share during a pass."""

    def __init__(self, dtype: DTypeLike, rng: np.random.Generator | None = None, worker: Worker | None = None):
        self.buffers = Buffers(np.dtype(dtype))
        """Scratch arrays that layers share: arbitrary contents, valid within one call."""
        self.labels: Labels | NDArray[np.floating[Any]] = None
        """Classes of the rows, (n,), for conditional layers; or a mixture, (n, classes) float."""
        self.training = True
        """True for batch statistics and dropout; False for running statistics and no dropout."""
        self.rng = rng
        """Draws the masks of dropout."""
        self.worker = worker
        """The worker whose rows of a shared batch this workspace takes."""
        self.spent: Array | None = None
        """The last layer's result, if that layer needs it no more: the next one may write over it."""

    @property
    def number(self) -> int:
        """Number of the worker that this workspace serves; 0 without workers."""
        return 0 if self.worker is None else self.worker.number

    def sum_over_workers(self, value: Array) -> Array:
        """Sum `value` over all workers, in the workers' order: the same bytes in every worker."""
        return value if self.worker is None else self.worker.sum(value)


class Memory:
    """The arrays of one layer in one workspace."""

    def __init__(self, context: Context, dtype: DTypeLike):
        self.context = context
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.buffers = Buffers(self.dtype)
        self.params = self.weights = dict[str, Array]()
        """`params`: views into the network's flat vector. `weights`: the same as the layer's products use them; with
        spectral norm, some of them are divided by their norm."""
        self.grads: dict[str, Array] = {}
        """Views as well. Layers write to them by `accumulate` and `add` alone, because no step sets them to zero."""
        self.stats: dict[str, Array] = {}
        """Values that are kept but not trained, such as running averages."""
        self.children: list[Memory] = []
        """One for each layer inside a composite layer."""
        self.saved: dict[object, Any] = {}
        """Other values that one pass keeps for the next."""
        self.x: Array = _NOTHING
        self.y: Array = _NOTHING
        """Input and output of the last forward pass, as far as the layer needs them again."""
        self.dy: Array = _NOTHING
        """The gradient with respect to `y` that the last `backward` or `adjoint` was given."""
        self.tx: Array | None = None
        self.dty: Array | None = None
        """The tangent of `x`, and the gradient with respect to that of `y`, of the last second-order pass."""
        self.written: set[str] = set()
        """The gradients that have received a contribution in this step."""

    def accumulate(self, name: str, write: Callable[..., object], *args: Any) -> None:
        """Add to the gradient of `name` what ``write(*args, out)`` writes into `out`.

        The first contribution of a step goes straight into the gradient, later ones into a scratch array. So no pass
        over memory is needed to clear the gradients, and none to add a single contribution.
        """
        grad = self.grads[name]
        if name in self.written:
            more = self.buffers["d" + name, grad.shape]
            write(*args, more)
            grad += more
        else:
            self.written.add(name)
            write(*args, grad)

    def add(self, name: str, contribution: Array) -> None:
        """Add an array to the gradient of `name`."""
        grad = self.grads[name]
        if name in self.written:
            grad += contribution
        else:
            self.written.add(name)
            grad[...] = contribution

    def walk(self) -> Iterator[Memory]:
        """Yield this memory and all memories inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


_NOTHING: Array = np.empty(0, np.float32)

BLOCK = 65_536
"""Largest number of elements of a block of a long vector. An optimiser's step is a dozen passes over the same elements;
block by block, only the first of them fetches them from main memory. 32k to 256k take the same time (decision 16)."""

LINE = 16
"""Number of float32 elements in a cache line of 64 bytes. A block that begins inside a line costs twice the loads."""


def blocks(part: slice) -> tuple[slice, ...]:
    """Cut a contiguous range into slices of at most `BLOCK` elements, as even as cache lines allow."""
    n = part.stop - part.start
    return even_parts(part.start, part.stop, -(-n // (BLOCK - LINE))) if n > 0 else ()


@lru_cache(maxsize=1024)  # a step asks for the same few
def blocks_of(n: int, worker: int, workers: int) -> tuple[slice, ...]:
    """Return the blocks of one worker's part of n elements."""
    return blocks(even_parts(0, n, workers)[worker])


@lru_cache(maxsize=1024)  # each step asks for the same few ranges
def even_parts(start: int, stop: int, count: int) -> tuple[slice, ...]:
    """Cut ``range(start, stop)`` into `count` consecutive slices that begin on cache lines, as even as these allow."""
    inner = [(start + (stop - start) * i // count) // LINE * LINE for i in range(1, count)]
    edges = [start, *(max(edge, start) for edge in inner), stop]
    return tuple(slice(a, b) for a, b in zip(edges, edges[1:]))

"""What one step is played with: drawn before it begins, where every worker can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from mulligan.nn.memory import Allocate, Array, Labels


class Source(Protocol):
    """Samples by number, which all workers can read at the same time; what it gives for a number never changes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""

    def take(self, numbers: NDArray[np.int64], out: Array, /) -> Any:
        """Write the samples `numbers`, (n,), into `out`, (n, ...)."""


class Rows(NamedTuple):
    """Real samples of a step, by number: each worker takes its own, while the others take theirs.

    Attributes
    ----------
    source : Source
        The same object step after step; workers that are processes end and begin anew with another.
    numbers : (n,) int64 array
        Not checked.
    """

    source: Source
    numbers: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the batch."""
        return (len(self.numbers), *self.source.shape)

    def taken(self, dtype: DTypeLike) -> Array:
        """Return the samples themselves."""
        out = np.empty(self.shape, dtype)
        self.source.take(self.numbers, out)
        return out


class Move(NamedTuple):
    """What one move of a player, or of both at once, is played with.

    Attributes
    ----------
    real : (n, ...) array, or Rows
    labels : (n,) int64 array or None
    z : (n, dim) array
    noise : (2, n, ...) array or None
        Instance noise, for the reals and for the fakes.
    points : list of array
        What places the points of each penalty that looks between real and fake, or around the reals.
    warp : (2, n, numbers) array or None
        How the reals and the fakes are augmented.
    """

    real: Array | Rows
    labels: Labels
    z: Array
    noise: Array | None
    points: list[Array]
    warp: Array | None


class Batch:
    """One step's samples and chance, written by the caller's process, and the logits, written by all workers.

    Parameters
    ----------
    allocate : callable
        `aligned`, or `shared` where workers are processes.
    dtype : dtype
    settle : callable
        Called before new memory is made, which processes that are at work could not see.

    Attributes
    ----------
    step : int
        Steps before this one.
    n : int
        Rows of a move.
    """

    def __init__(self, allocate: Allocate, dtype: DTypeLike, settle: Callable[[], None]):
        self._allocate, self._settle, self._dtype = allocate, settle, dtype
        self._arrays: dict[str, Array] = {}
        self._source: Source | None = None
        self._head = allocate((5,), np.int64)  # steps before this one, rows of a move, labels?, noise?, by number?

    def room(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        """Return the array `name`, made anew where it had another shape or dtype."""
        kept, dtype = self._arrays.get(name), self._dtype if dtype is None else dtype
        if kept is None or kept.shape != shape or kept.dtype != dtype:
            self._settle()
            kept = self._arrays[name] = self._allocate(shape, dtype)
        return kept

    def deal(self, step: int, n: int, real: Array | Rows, labels: Labels, noisy: bool) -> None:
        """Begin a step with `n` rows a move."""
        if isinstance(real, Rows):
            if real.source is not self._source:
                self._settle()  # processes know only the sources that were there when they were made
                self._source = real.source
            np.copyto(self.room("numbers", real.numbers.shape, np.int64), real.numbers)
        else:
            np.copyto(self.room("real", real.shape), real)
        if labels is not None:
            np.copyto(self.room("labels", labels.shape, labels.dtype), labels)
        self.room("logits", (2, n))
        self._head[:] = step, n, labels is not None, noisy, isinstance(real, Rows)

    def read(self) -> None:
        """Take note of what `deal` has written, as every worker does before it plays: one may be another process."""
        self.step, self.n, self._labelled, self._noisy, self._by_number = self._head.tolist()

    def real(self, rows: slice = slice(None)) -> Array | Rows:
        """Return the real samples of all moves, or some of them."""
        if not self._by_number:
            return self._arrays["real"][rows]
        assert self._source is not None
        return Rows(self._source, self._arrays["numbers"][rows])

    @property
    def logits(self) -> Array:
        """D's logits of the move's real and fake rows, (2, n)."""
        return self._arrays["logits"]

    def move(self, number: int, part: int, points: int) -> Move:
        """Give what move `number` of the step is played with.

        Parameters
        ----------
        number : int
        part : int
            Which of the batch's equal parts it sees.
        points : int
            Penalties at points of their own.
        """
        arrays, n = self._arrays, self.n
        rows = slice(part * n, part * n + n)
        return Move(
            self.real(rows),
            arrays["labels"][rows] if self._labelled else None,
            arrays[f"z{number}"],
            arrays[f"noise{number}"] if self._noisy else None,
            [arrays[f"points{number}.{k}"] for k in range(points)],
            arrays.get(f"warp{number}"),
        )

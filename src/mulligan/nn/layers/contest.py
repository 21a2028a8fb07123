"""Which of several ways to the same bytes is the fastest on this machine, found while they are used.

Nothing is timed ahead, and nothing depends on the outcome but the time: a way that gives other bytes than the first
one is out, so that a run is what it is whoever wins.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.nn.memory import Array

Way: TypeAlias = tuple[int, int, int]
"""Rows and columns of a tile, and terms of a sum at a time."""

HEATS = 9
"""How often each way is timed; the median counts. A shape of product comes up once or a few times a step."""


class Contest:
    """Ways to take one shape of product, tried in turn until the fastest is known.

    Parameters
    ----------
    ways : tuple of Way
        The first is the one that the others must agree with.

    Attributes
    ----------
    fastest : Way or None
        None as long as nobody has won.
    """

    def __init__(self, ways: tuple[Way, ...]):
        self.fastest: Way | None = ways[0] if len(ways) == 1 else None
        self._ways = ways
        self._took: list[list[float]] = [[] for _ in ways]
        self._turn = 0

    def play(self, multiply: Callable[[Array, Array, Array, Way], None], a: Array, b: Array, out: Array) -> None:
        """Write the product in the way whose turn it is, and take its time.

        Parameters
        ----------
        multiply : callable
            Writes the product of two arrays into a third in one way.
        a, b, out : arrays
        """
        if self._turn == 0:
            self._ways = self._agreeing(multiply, a, b, out)
        # Each cycle begins one way later: where a step takes the product twice, all ways see both places.
        turn, count = self._turn, len(self._ways)
        self._turn += 1
        i = (turn + turn // count) % count
        start = time.perf_counter()
        multiply(a, b, out, self._ways[i])
        self._took[i].append(time.perf_counter() - start)
        if turn > HEATS * count:
            self.fastest = self._ways[self._first()]

    def _agreeing(
        self, multiply: Callable[[Array, Array, Array, Way], None], a: Array, b: Array, out: Array
    ) -> tuple[Way, ...]:
        """Return the ways that give the bytes of the first one, `out` being scratch.

        Found on other numbers, laid out like `a` and `b`: where these have zeros, as the seed of a penalty has in the
        rows that it does not look at, sums in another order give the same bytes, once.
        """
        rng = np.random.default_rng(0)
        left, right = _dense(a, rng), _dense(b, rng)
        first, *others = self._ways
        multiply(left, right, out, first)
        expected = out.tobytes()

        def agrees(way: Way) -> bool:
            multiply(left, right, out, way)
            return out.tobytes() == expected

        return (first, *filter(agrees, others))

    def _first(self) -> int:
        timed = [i for i, took in enumerate(self._took) if took]
        return min(timed, key=lambda i: statistics.median(self._took[i]))


def _dense(like: Array, rng: np.random.Generator) -> Array:
    """Return an array of the same layout, without a zero."""
    numbers = np.empty_like(like)
    rng.standard_normal(dtype=like.dtype.type, out=numbers if numbers.flags.c_contiguous else numbers.T)
    return numbers

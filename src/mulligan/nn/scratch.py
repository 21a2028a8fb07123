"""Large arrays that no pass leaves for the next, one set for each thread.

All convolutions of a worker unfold their windows into the same memory: it stays in the cache from one layer to the
next, and a deep network needs no more of it than its largest layer. An optimiser's blocks share theirs likewise.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from mulligan.nn.memory import Array, aligned

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class _Arrays(threading.local):
    """Each thread's arrays, by name and dtype."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, np.dtype[np.generic]], Array] = {}


_arrays = _Arrays()


def scratch(name: str, size: int, dtype: DTypeLike) -> Array:
    """Return this thread's array `name`, cut to (size,); arbitrary contents, valid until the next call by that name."""
    key = name, np.dtype(dtype)
    kept = _arrays.kept.get(key)
    if kept is None or kept.size < size:
        kept = _arrays.kept[key] = aligned((size,), dtype)
    return kept[:size]

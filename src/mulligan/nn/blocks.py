"""Long vectors, one cache-sized block at a time.

An optimiser's step is a dozen NumPy passes over the same elements. Run over whole vectors, every pass fetches
them from main memory again; run block by block, only the first one does.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 65_536
"""Elements of a block. Adam, float32, one core with 1 MiB of L2: 0.85 ns an element at 16k, 0.74 at 32k,
0.69 at 64k (fewer calls from Python), and slower again without blocks."""


def blocks(part: slice) -> Iterator[slice]:
    """Cut a contiguous range into blocks.

    Parameters
    ----------
    part : slice
        ``slice(start, stop)`` with both ends given.

    Yields
    ------
    slice
        Consecutive slices of at most `BLOCK` elements that cover `part` exactly.
    """
    for start in range(part.start, part.stop, BLOCK):
        yield slice(start, min(start + BLOCK, part.stop))


class _Buffers(threading.local):
    """One buffer per dtype, each thread its own."""

    def __init__(self) -> None:
        self.by_dtype: dict[np.dtype[Any], NDArray[Any]] = {}


_buffers = _Buffers()


def scratch(like: NDArray[Any]) -> NDArray[Any]:
    """Give this thread's scratch block, cut to the length and dtype of `like`.

    Parameters
    ----------
    like : ndarray, shape (n,), n <= BLOCK
        A block of the vector that is being worked on.

    Returns
    -------
    ndarray, shape (n,)
        Arbitrary contents; the same memory at every call from the same thread, hence valid until the next.
    """
    buffer = _buffers.by_dtype.get(like.dtype)
    if buffer is None:
        buffer = _buffers.by_dtype[like.dtype] = np.empty(BLOCK, like.dtype)
    return buffer[: like.size]

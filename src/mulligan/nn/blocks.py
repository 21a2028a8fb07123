"""Long vectors, one cache-sized block at a time.

An optimiser's step is a dozen NumPy passes over the same elements. Run over whole vectors, every pass fetches
them from main memory again; run block by block, only the first one does.
"""

from functools import lru_cache

BLOCK = 65_536
"""Largest number of elements in a block. Any size from 32k to 256k takes the same time, within 2 % (decision 16)."""

LINE = 16
"""Number of float32 elements in a cache line of 64 bytes. A block that begins inside a line costs twice the loads."""


def blocks(part: slice) -> tuple[slice, ...]:
    """Cut a contiguous range into slices of at most `BLOCK` elements, as even as cache lines allow."""
    n = part.stop - part.start
    return even_parts(part, -(-n // (BLOCK - LINE))) if n > 0 else ()


@lru_cache(maxsize=1024)  # a step asks for the same few
def blocks_of(n: int, worker: int, workers: int) -> tuple[slice, ...]:
    """Return the blocks of one worker's part of n elements."""
    return blocks(even_parts(slice(0, n), workers)[worker])


def even_parts(part: slice, count: int) -> tuple[slice, ...]:
    """Cut a contiguous range into `count` consecutive slices that begin on cache lines, as even as these allow."""
    return _cut(part.start, part.stop, count)


@lru_cache(maxsize=1024)  # each step asks for the same few ranges
def _cut(start: int, stop: int, count: int) -> tuple[slice, ...]:
    inner = [(start + (stop - start) * i // count) // LINE * LINE for i in range(1, count)]
    edges = [start, *(max(edge, start) for edge in inner), stop]
    return tuple(slice(a, b) for a, b in zip(edges, edges[1:]))

"""Copy windows of an image into the rows of a matrix (im2col), so that a convolution becomes a matrix product.

Derived in docs/book/03-convolution.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mulligan.nn.memory import Array, Memory, aligned

TILE_BYTES = 512 << 10
"""Bytes of one tile's columns (im2col). Columns, image and product then fit together into a core's own cache."""


@dataclass(frozen=True, eq=False)  # a key of `Memory.saved`, which is not to be hashed by its fields
class Windows:
    """A grid of equal windows. A window may reach beyond the image, where it reads zeros.

    Window (i, j) covers the rows ``stride·i − before[0] + (0 … kh − 1)`` of the image, and columns by the same rule.
    """

    image: tuple[int, int, int]
    grid: tuple[int, int]
    kernel: tuple[int, int]  # size of one window
    stride: int
    before: tuple[int, int]  # zeros above and left of the image; negative where the windows begin inside it

    @cached_property
    def places(self) -> int:
        """Number of windows in one image, h·w."""
        return self.grid[0] * self.grid[1]

    @cached_property
    def length(self) -> int:
        """Numbers in one window, kh·kw·C."""
        return self.kernel[0] * self.kernel[1] * self.image[2]

    def tile(self, most: int, dtype: np.dtype[Any]) -> int:
        """Return the number of samples whose matrix of windows fits into `most` bytes, at least 1."""
        return max(1, most // (self.places * self.length * dtype.itemsize))

    @cached_property
    def covered(self) -> tuple[int, int]:
        """Height and width of the area that all windows cover together."""
        (h, w), (kh, kw), s = self.grid, self.kernel, self.stride
        return (h - 1) * s + kh, (w - 1) * s + kw

    @cached_property
    def inside(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The part of a batch of images that is covered, and its place in the covered area."""
        axes = [_overlap(*axis) for axis in zip(self.image, self.before, self.covered)]
        return (slice(None), *(part for part, _ in axes)), (slice(None), *(place for _, place in axes))

    @cached_property
    def whole(self) -> bool:
        """Whether each window is one pixel, and together they are the image."""
        return self.kernel == (1, 1) and self.stride == 1 and self.covered == self.image[:2]

    def copies(self, m: Memory, n: int) -> "WindowBuffers":
        """Return what copies the windows of up to n images."""
        buffers: WindowBuffers | None = m.saved.get(self)
        if buffers is None or len(buffers.padded) < n:
            buffers = m.saved[self] = WindowBuffers(self, m, n)
        return buffers


class WindowBuffers(dict[tuple[int, bool], tuple[Array, Array, Array, Array]]):
    """Copies windows of up to n images, in memory that a workspace's layers share; keeps its views for each shape."""

    def __init__(self, windows: Windows, m: Memory, n: int):
        self.padded = aligned((n, *windows.covered, windows.image[2]), m.dtype)
        self.padded.fill(0)  # only the image's place is written again
        self._windows, self._scratch = windows, m.context.buffers

    def gather(self, x: Array, rows_first: bool = False) -> Array:
        """Copy the windows of x into the rows of a matrix.

        The windows are in the order (n, h, w), or (h, n, w) with `rows_first`. The matrix, (n·h·w, kh·kw·C), is valid
        until the next call in this workspace.
        """
        if self._windows.whole and not rows_first:
            return x.reshape(-1, self._windows.length)
        inside, windows, places, matrix = self[len(x), rows_first]
        inside[...] = x[self._windows.inside[0]]
        places[...] = windows
        return matrix

    def pad(self, x: Array) -> Array:
        """Return the covered area of x, with zeros beyond the image."""
        part, place = self._windows.inside
        padded = self.padded[: len(x)]
        padded[place] = x[part]
        return padded

    def __missing__(self, key: tuple[int, bool]) -> tuple[Array, Array, Array, Array]:
        """Make the views: the image's place in the padded area, the windows of that area, and where they go, twice.

        One element is one row of one window: kw·C contiguous numbers in both places. NumPy then copies whole elements,
        five times as fast as single numbers where C = 1.
        """
        (n, rows_first), of = key, self._windows
        padded = self.padded[:n]
        element = np.dtype((np.void, of.kernel[1] * of.image[2] * padded.itemsize))
        (h, w), kh, s = of.grid, of.kernel[0], of.stride
        sample, row, pixel, _ = padded.strides
        windows: Array = np.ndarray((n, h, w, kh), element, padded, 0, (sample, s * row, s * pixel, row))
        if rows_first:
            windows = windows.swapaxes(0, 1)
        size = n * of.places * of.length
        columns = self._scratch["columns", (max(size, TILE_BYTES // padded.itemsize),)][:size]
        places = columns.view(element).reshape(windows.shape)
        views = self[key] = padded[of.inside[1]], windows, places, columns.reshape(-1, of.length)
        return views


def _overlap(size: int, before: int, covered: int) -> tuple[slice, slice]:
    """Return the part of ``range(size)`` that lies in ``range(covered)`` when shifted by `before`, and its place."""
    first = min(max(0, -before), size)
    last = max(first, min(size, covered - before))
    return slice(first, last), slice(first + before, last + before)

"""Copy windows of an image into the rows of a matrix (im2col), so that a convolution becomes a matrix product.

Derived in docs/book/03-convolution.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mulligan.nn.memory import Array, Memory, aligned, scratch


@dataclass(frozen=True)
class Windows:
    """A grid of equal windows. A window may reach beyond the image, where it reads zeros.

    Window (i, j) covers the rows ``stride·i − before[0] + (0 … kh − 1)`` of the image, and columns by the same rule.

    Attributes
    ----------
    image : (H, W, C)
    grid : (h, w)
    kernel : (kh, kw)
        Size of one window.
    stride : int
    before : (top, left)
        Zeros above and left of the image; negative where the windows begin inside it.
    """

    image: tuple[int, int, int]
    grid: tuple[int, int]
    kernel: tuple[int, int]
    stride: int
    before: tuple[int, int]

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
    def _inside(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the image that is covered, and its place in the covered area."""
        (H, W, _), (top, left), (height, width) = self.image, self.before, self.covered
        (rows, to_rows), (cols, to_cols) = _overlap(H, top, height), _overlap(W, left, width)
        return (rows, cols), (to_rows, to_cols)

    def gather(self, m: Memory, x: Array, rows_first: bool = False) -> Array:
        """Copy the windows of x into the rows of a matrix.

        Parameters
        ----------
        m : Memory
        x : (n, H, W, C) array
        rows_first : bool
            The order of the windows: (n, h, w), or (h, n, w).

        Returns
        -------
        (n·h·w, kh·kw·C) array
            Valid until this thread's next call.
        """
        if self.kernel == (1, 1) and self.stride == 1 and self.covered == self.image[:2] and not rows_first:
            return x.reshape(-1, self.length)
        n, padded = len(x), self.pad(m, x)
        # One element is one row of one window: kw·C contiguous numbers in both places. NumPy then copies whole
        # elements, five times as fast as single numbers where C = 1.
        element = np.dtype((np.void, self.kernel[1] * self.image[2] * x.itemsize))
        columns = scratch("columns", n * self.places * self.length, m.dtype)
        (h, w), kh, s = self.grid, self.kernel[0], self.stride
        sample, row, pixel, _ = padded.strides
        windows: Array = np.ndarray((n, h, w, kh), element, padded, 0, (sample, s * row, s * pixel, row))
        if rows_first:
            windows = windows.swapaxes(0, 1)
        columns.view(element).reshape(windows.shape)[...] = windows
        return columns.reshape(-1, self.length)

    def pad(self, m: Memory, x: Array) -> Array:
        """Return the covered area of x, with zeros beyond the image.

        The zeros are written once, when the array is made. A buffer's content may change, so this is not a buffer.
        """
        kept: Array | None = m.saved.get(("padded", self))
        if kept is None or len(kept) < len(x):
            kept = m.saved["padded", self] = aligned((len(x), *self.covered, self.image[2]), m.dtype)
            kept.fill(0)
        padded = kept[: len(x)]
        (rows, cols), (to_rows, to_cols) = self._inside
        padded[:, to_rows, to_cols] = x[:, rows, cols]
        return padded


def _overlap(size: int, before: int, covered: int) -> tuple[slice, slice]:
    """Return the part of ``range(size)`` that lies in ``range(covered)`` when shifted by `before`, and its place."""
    first = min(max(0, -before), size)
    last = max(first, min(size, covered - before))
    return slice(first, last), slice(first + before, last + before)

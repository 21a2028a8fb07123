"""Windows over an image: what convolution and transposed convolution share.

Between a *fine* image (H, W, C) and a *coarse* grid (h, w) lies a row of columns for each place of the grid: the
kh × kw × C numbers of the window that the place looks at. `gather` copies windows into columns, `scatter` is its
transpose and adds columns back into the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mulligan.nn.memory import Array, Memory

TILE_BYTES = 512 * 1024
"""What the columns of one tile may take: half of a core's second-level cache."""


@dataclass(frozen=True)
class Windows:
    """Where each window lies.

    Attributes
    ----------
    image : (H, W, C)
        The fine side.
    grid : (h, w)
        The coarse side.
    kernel : (kh, kw)
    stride : int
    before : (top, left)
        Rows and columns of zeros that are thought before the image; after it there are as many as the grid needs.
    """

    image: tuple[int, int, int]
    grid: tuple[int, int]
    kernel: tuple[int, int]
    stride: int
    before: tuple[int, int]

    @cached_property
    def padded(self) -> tuple[int, int, int]:
        """Shape of the image with its zeros, which every window lies in."""
        height, width = (
            max((g - 1) * self.stride + k, b + size)
            for g, k, b, size in zip(self.grid, self.kernel, self.before, self.image)
        )
        return height, width, self.image[2]

    @cached_property
    def places(self) -> int:
        """Number of windows in one image, h·w."""
        return self.grid[0] * self.grid[1]

    @cached_property
    def length(self) -> int:
        """Numbers in one window, kh·kw·C."""
        return self.kernel[0] * self.kernel[1] * self.image[2]

    def tiles(self, n: int, itemsize: int) -> list[slice]:
        """Cut a batch into tiles whose columns stay in the cache."""
        size = max(1, TILE_BYTES // (self.places * self.length * itemsize))
        return [slice(start, min(start + size, n)) for start in range(0, n, size)]

    def gather(self, m: Memory, x: Array) -> Array:
        """Copy the windows of x (n, H, W, C) into columns (n·h·w, kh·kw·C), in the buffer "columns"."""
        (H, W, _), (top, left) = self.image, self.before
        padded = m.buffer("padded", (len(x), *self.padded))
        padded[:, :top] = 0
        padded[:, top + H :] = 0
        padded[:, top : top + H, :left] = 0
        padded[:, top : top + H, left + W :] = 0
        padded[:, top : top + H, left : left + W] = x
        n, rows, cols, channels = padded.strides
        s = self.stride
        windows = np.lib.stride_tricks.as_strided(
            padded,
            (len(x), *self.grid, *self.kernel, self.image[2]),
            (n, s * rows, s * cols, rows, cols, channels),
            writeable=False,
        )
        columns = m.buffer("columns", (len(x) * self.places, self.length))
        columns.reshape(windows.shape)[...] = windows
        return columns

    def scatter(self, m: Memory, columns: Array, out: Array) -> None:
        """Write the sum of columns (n·h·w, kh·kw·C) at their places in the image out (n, H, W, C)."""
        (H, W, C), (top, left), (h, w), s = self.image, self.before, self.grid, self.stride
        padded = m.buffer("padded", (len(out), *self.padded))
        padded.fill(0)
        parts = columns.reshape(len(out), h, w, *self.kernel, C)
        for a in range(self.kernel[0]):
            for b in range(self.kernel[1]):
                padded[:, a : a + s * h : s, b : b + s * w : s] += parts[:, :, :, a, b]
        out[...] = padded[:, top : top + H, left : left + W]

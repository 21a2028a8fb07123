"""The bilinear map behind both convolutions, between a fine image and a coarse grid, and its three products.

    coarse[i, j, k] = Σ_{a,b,c} fine[s·i + a − p, s·j + b − p, c] · W[a, b, c, k]

On the fine side, row f is phase r = (f + p) mod s of quotient q = (f + p − r)/s. It meets the coarse rows i with
s·i + a = f + p, hence a = r + s·t and i = q − t for t = 0 … ⌈k/s⌉ − 1, where k is the side of W. The same holds for
columns. The transpose is therefore again a convolution, of stride 1 over the coarse grid, and its s·s·C outputs are the
phases of the fine pixels. `Windows` copies windows of an image into the rows of a matrix (im2col), so that each becomes
a matrix product.

Derived in docs/book/03-convolution.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from mulligan.nn.layers.products import multiply, rows_at_once
from mulligan.nn.memory import Array, Memory, allocate

TILE_BYTES = 512 << 10
"""Bytes of one tile's columns (im2col). Columns, image and product then fit together into a core's own cache."""

THIN_TILE_BYTES = 2 << 20
"""As `TILE_BYTES`, for products that write no columns: there the cost of a call matters more than the cache."""

KERNEL_ROWS = 400
"""Least number of windows in one product for dW, because the results of all tiles must be added."""

THIN = 4
"""Up to this many outputs s·s·C, multiplying windows in place is cheaper than copying them."""


@dataclass(frozen=True, eq=False)  # a key of `Memory.saved`, which is not to be hashed by its fields
class Windows:
    """A grid of equal windows. A window may reach beyond the image, where it reads zeros.

    Window (i, j) covers the rows ``stride·i − before[0] + (0 … k − 1)`` of the image, and columns by the same rule.
    """

    image: tuple[int, int, int]
    grid: tuple[int, int]
    kernel: int  # side of one window
    stride: int
    before: tuple[int, int]  # zeros above and left of the image; negative where the windows begin inside it

    @cached_property
    def places(self) -> int:
        """Number of windows in one image, h·w."""
        return self.grid[0] * self.grid[1]

    @cached_property
    def length(self) -> int:
        """Numbers in one window, k²·C."""
        return self.kernel**2 * self.image[2]

    def tile(self, most: int, dtype: np.dtype[Any]) -> int:
        """Return the number of samples whose matrix of windows fits into `most` bytes, at least 1."""
        return max(1, most // (self.places * self.length * dtype.itemsize))

    @cached_property
    def covered(self) -> tuple[int, int]:
        """Height and width of the area that all windows cover together."""
        (h, w), s = self.grid, self.stride
        return (h - 1) * s + self.kernel, (w - 1) * s + self.kernel

    @cached_property
    def inside(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The part of a batch of images that is covered, and its place in the covered area."""
        axes = [_overlap(*axis) for axis in zip(self.image, self.before, self.covered)]
        return (slice(None), *(part for part, _ in axes)), (slice(None), *(place for _, place in axes))

    @cached_property
    def whole(self) -> bool:
        """Whether each window is one pixel, and together they are the image."""
        return self.kernel == self.stride == 1 and self.covered == self.image[:2]

    def copies(self, m: Memory, n: int) -> "WindowBuffers":
        """Return what copies the windows of up to n images."""
        buffers: WindowBuffers | None = m.saved.get(self)
        if buffers is None or len(buffers.padded) < n:
            buffers = m.saved[self] = WindowBuffers(self, m, n)
        return buffers


class WindowBuffers(dict[tuple[int, bool], tuple[Array, Array, Array, Array]]):
    """Copies windows of up to n images, in memory that a workspace's layers share; keeps its views for each shape."""

    def __init__(self, windows: Windows, m: Memory, n: int):
        self.padded = allocate((n, *windows.covered, windows.image[2]), m.dtype)
        self.padded.fill(0)  # only the image's place is written again
        self._windows, self._scratch = windows, m.context.buffers

    def gather(self, x: Array, rows_first: bool = False) -> Array:
        """Copy the windows of x into the rows of a matrix.

        The windows are in the order (n, h, w), or (h, n, w) with `rows_first`. The matrix, (n·h·w, k²·C), is valid
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

        One element is one row of one window: k·C contiguous numbers in both places. NumPy then copies whole elements,
        five times as fast as single numbers where C = 1. With one channel and stride 1, an element is a row of the
        grid: the w numbers that one place of the kernel meets there. Then the matrix is filled column by column.
        """
        (n, rows_first), of = key, self._windows
        padded = self.padded[:n]
        (h, w), s, k = of.grid, of.stride, of.kernel
        sample, row, pixel, _ = padded.strides
        size = n * of.places * of.length
        columns = self._scratch["columns", (max(size, TILE_BYTES // padded.itemsize),)][:size]
        numbers, shape, strides = k * of.image[2], (n, h, w, k), (sample, s * row, s * pixel, row)
        matrix = columns.reshape(-1, of.length)
        if of.image[2] == s == 1 and not rows_first:
            numbers, shape, strides = w, (k, k, n, h), (row, pixel, sample, row)
            matrix = columns.reshape(of.length, -1).T
        element = np.dtype((np.void, numbers * padded.itemsize))
        windows: Array = np.ndarray(shape, element, padded, 0, strides)
        if rows_first:
            windows = windows.swapaxes(0, 1)
        views = self[key] = padded[of.inside[1]], windows, columns.view(element).reshape(windows.shape), matrix
        return views


@dataclass(frozen=True)
class Correlation:
    """The map, for samples of one shape."""

    image: tuple[int, int, int]  # the fine side, (H, W, C)
    grid: tuple[int, int, int]  # the coarse side, (h, w, K)
    kernel: int
    stride: int
    before: tuple[int, int]  # the p of the formula: rows and columns of zeros above and left of the image

    @cached_property
    def windows(self) -> Windows:
        """The windows of the fine image that the coarse pixels see."""
        return Windows(self.image, self.grid[:2], self.kernel, self.stride, self.before)

    @cached_property
    def phases(self) -> Windows:
        """The windows of the coarse grid that the quotients q see; t runs against the window."""
        s = self.stride
        taps = -(-self.kernel // s)
        first_row, first_col = (p // s for p in self.before)
        last_row, last_col = ((size - 1 + p) // s for size, p in zip(self.image, self.before))
        grid = (last_row - first_row + 1, last_col - first_col + 1)
        return Windows(self.grid, grid, taps, 1, (taps - 1 - first_row, taps - 1 - first_col))

    @cached_property
    def rows(self) -> list[tuple[slice, slice]]:
        """The quotients of each phase of rows, counted from the first, and their fine rows."""
        return _phases(self.image[0], self.before[0], self.stride)

    @cached_property
    def cols(self) -> list[tuple[slice, slice]]:
        """The same for columns."""
        return _phases(self.image[1], self.before[1], self.stride)

    @cached_property
    def turned(self) -> "Correlation | None":
        """From a few channels to one: the same map with image and grid exchanged and W turned by 180°; else None."""
        single = 1 < self.image[2] <= THIN and self.stride == self.grid[2] == 1 < self.kernel
        before = self.kernel - 1 - self.before[0], self.kernel - 1 - self.before[1]
        return Correlation(self.grid, self.image, self.kernel, 1, before) if single else None

    def to_coarse(self, m: Memory, fine: Array, W: Array, out: Array, b: Array | None = None) -> Array:
        """Write the coarse grid (n, h, w, K) of a fine image (n, H, W, C), for W (k, k, C, K), plus b (K)."""
        if self.turned:
            return self.turned.to_fine(m, fine, _turn(W), out, b)
        K, size = self.grid[2], self.windows.tile(TILE_BYTES, m.dtype)
        matrix, copies = _contiguous(m, W).reshape(-1, K), self.windows.copies(m, min(size, len(fine)))
        for tile in _tiles(len(fine), size):
            multiply(copies.gather(fine[tile]), matrix, out[tile].reshape(-1, K))
            if b is not None:
                _add(m, b, out[tile])
        return out

    def to_kernel(self, m: Memory, fine: Callable[[slice], Array], coarse: Array, out: Array) -> Array:
        """Write the transpose with respect to W, (k, k, C, K), tile by tile, so that each stays in the cache."""
        if self.turned:
            kernel = m.buffers["turned", _turn(out).shape]
            out[...] = _turn(self.turned.to_kernel(m, coarse.__getitem__, fine(slice(None)), kernel))
            return out
        K, windows = self.grid[2], self.windows
        matrix = out.reshape(-1, K)
        size = min(windows.tile(TILE_BYTES, m.dtype), rows_at_once(*matrix.shape) // windows.places)
        size = max(size, -(-KERNEL_ROWS // windows.places))
        copies = windows.copies(m, min(size, len(coarse)))
        for tile in _tiles(len(coarse), size):
            columns = copies.gather(fine(tile))
            part = matrix if tile.start == 0 else m.buffers["part", matrix.shape]
            multiply(columns.T, coarse[tile].reshape(-1, K), part)
            if part is not matrix:
                matrix += part
        return out

    def to_fine(self, m: Memory, coarse: Array, W: Array, out: Array, b: Array | None = None) -> Array:
        """Write the transpose with respect to the fine image (n, H, W, C), and add b (C) if given."""
        if self.turned:
            return self.turned.to_coarse(m, coarse, _turn(W), out, b)
        thin = self.stride**2 * self.image[2] <= THIN
        phases = self._phases_thin if thin else self._phases_thick
        matrices = self._phase_matrices(m, W, thin)
        size = self.phases.tile(THIN_TILE_BYTES if thin else TILE_BYTES, m.dtype)
        copies = self.phases.copies(m, min(size, len(coarse)))
        for tile in _tiles(len(coarse), size):
            phases(m, copies, coarse[tile], matrices, out[tile])
            if b is not None:
                _add(m, b, out[tile])
        return out

    def _phases_thick(self, m: Memory, copies: WindowBuffers, coarse: Array, matrices: Array, out: Array) -> None:
        """Take one product for each phase of rows; the phases of columns lie side by side in the fine image."""
        s, (_, W, C), length = self.stride, self.image, self.phases.length
        h, w = self.phases.grid
        if s == 1:  # one phase, and no pixel to leave out
            multiply(copies.gather(coarse), matrices[0], out.reshape(-1, C))
            return
        columns = copies.gather(coarse, rows_first=True).reshape(h, -1, length)
        left = self.before[1] % s
        for matrix, (quotients, rows) in zip(matrices, self.rows):
            chosen = columns[quotients].reshape(-1, length)
            products = m.context.buffers["phase", (len(chosen) * s * C,)].reshape(-1, s * C)
            multiply(chosen, matrix, products)
            pixels = products.reshape(-1, len(out), w * s, C)[:, :, left : left + W]
            out[:, rows] = pixels.swapaxes(0, 1)

    def _phases_thin(self, m: Memory, copies: WindowBuffers, coarse: Array, matrices: Array, out: Array) -> None:
        """Take all phases in one product for each row of a window, without a copy of the windows."""
        padded = copies.pad(coarse)
        blocks = self._add_rows(self._multiply_pieces(m, padded, matrices), padded.shape[2])
        # NumPy copies whole pixels faster than their numbers.
        s, C = self.stride, self.image[2]
        pixel = out.dtype if C == 1 else np.dtype((np.void, C * out.itemsize))
        fine, pixels = out.view(pixel)[..., 0], blocks.view(pixel).reshape(*padded.shape[:3], s, s)
        for a, (row_quotients, rows) in enumerate(self.rows):
            for b, (col_quotients, cols) in enumerate(self.cols):
                fine[:, rows, cols] = pixels[:, row_quotients, col_quotients, a, b]

    def _multiply_pieces(self, m: Memory, padded: Array, matrices: Array) -> Array:
        """Multiply every row of every window by the matrix of that row: (taps, pixels, s·s·C).

        `taps` neighbouring pixels are one row of a window. Cut the padded grid into such pieces, beginning at pixel
        0, 1, … taps − 1. These are as many matrices, which together hold every row of every window.
        """
        pixels = padded.reshape(-1, self.grid[2])
        n, (taps, _, outputs) = len(pixels), matrices.shape
        products = m.context.buffers["phase", (taps * n * outputs,)].reshape(taps, n, outputs)
        for start in range(taps):
            stop = n - (n - start) % taps
            pieces = pixels[start:stop].reshape(-1, taps * pixels.shape[1])
            for matrix, part in zip(matrices, products):
                multiply(pieces, matrix, part[start:stop:taps])
        return products

    def _add_rows(self, products: Array, width: int) -> Array:
        """Add the rows of each window: row t lies t rows of `width` pixels further on."""
        taps, n, _ = products.shape
        for t in range(1, taps):
            whole = n - taps + 1 - t * width
            products[0, :whole] += products[t, t * width : t * width + whole]
        total: Array = products[0]
        return total

    def _phase_matrices(self, m: Memory, W: Array, thin: bool) -> Array:
        """Return a matrix (t·t·K, s·C) for each phase of rows; if thin, (t·K, s·s·C) for each row of a window."""
        s, (k, _, C, K), taps = self.stride, W.shape, self.phases.kernel
        if k != taps * s:
            whole = m.buffers["whole", (taps * s, taps * s, C, K)]
            whole.fill(0)
            whole[:k, :k] = W
            W = whole
        parts = W.reshape(taps, s, taps, s, C, K)[::-1, :, ::-1]
        parts = parts.transpose((0, 2, 5, 1, 3, 4) if thin else (1, 0, 2, 5, 3, 4))
        matrices = m.buffers["matrices", parts.shape]
        matrices[...] = parts
        return matrices.reshape((taps, taps * K, s * s * C) if thin else (s, taps**2 * K, s * C))


def _overlap(size: int, before: int, covered: int) -> tuple[slice, slice]:
    """Return the part of ``range(size)`` that lies in ``range(covered)`` when shifted by `before`, and its place."""
    first = min(max(0, -before), size)
    last = max(first, min(size, covered - before))
    return slice(first, last), slice(first + before, last + before)


def _phases(size: int, before: int, stride: int) -> list[tuple[slice, slice]]:
    """Return, for each phase r of one axis, its quotients, counted from the first that occurs, and its fine pixels."""
    slices = []
    for r in range(stride):
        first = (r - before) % stride
        count = -(-(size - first) // stride)
        start = (first + before - r) // stride - before // stride
        slices.append((slice(start, start + count), slice(first, None, stride)))
    return slices


@lru_cache(maxsize=1024)  # a step asks for the same few
def _tiles(n: int, size: int) -> tuple[slice, ...]:
    """Cut a batch of n samples into tiles of `size`."""
    return tuple(slice(start, min(start + size, n)) for start in range(0, n, size))


def _add(m: Memory, b: Array, images: Array) -> None:
    """Add b to every pixel: whole rows of pixels at once, 18 µs where c numbers at a time take 50."""
    if b.size == 1:
        images += b
        return
    row = m.buffers["b", images.shape[2:]]
    row[...] = b
    rows = images.reshape(-1, row.size)
    rows += row.reshape(-1)


def _turn(W: Array) -> Array:
    """Return W, (k, k, C, K), turned by 180° with its channels exchanged, as a view."""
    return W[::-1, ::-1].swapaxes(2, 3)


def _contiguous(m: Memory, W: Array) -> Array:
    if W.flags.c_contiguous:
        return W
    matrix = m.buffers["matrix", W.shape]
    matrix[...] = W
    return matrix

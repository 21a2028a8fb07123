"""Convolution and transposed convolution: one map between a fine image and a coarse grid, read in both directions.

    coarse[i, j, k] = Σ_{a,b,c} fine[s·i + a − p, s·j + b − p, c] · W[a, b, c, k]

`Conv2d` goes from fine to coarse, `ConvTranspose2d` from coarse to fine (and its kernel names the coarse channels
first). The transpose of either product is the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mulligan.errors import ConfigError, ShapeError
from mulligan.nn.layers.base import Affine, Param, Shape
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.windows import Windows
from mulligan.nn.memory import Array, Memory
from mulligan.nn.ranges import Count, check_ranges


@dataclass(frozen=True)
class _Convolution(Affine):
    """What both directions share.

    Parameters
    ----------
    channels : int
        Of the output, at least 1.
    kernel : int or (int, int)
        Height and width of the window.
    stride : int
        Pixels of the fine image from one window to the next.
    padding : "same" or int
        Rows of zeros on each side of the fine image. "same" divides (Conv2d, rounding up) or multiplies
        (ConvTranspose2d) the image's size by the stride exactly, whatever the kernel; where the number of zeros is
        odd, the extra one comes last.
    init, bias_init : Initializer
        Where W (kh, kw, c_in, c_out) and b (c_out) start.
    bias : bool
    """

    channels: Count
    kernel: int | tuple[int, int] = 4
    stride: Count = 2
    padding: int | Literal["same"] = "same"
    init: Initializer = He()
    bias: bool = True
    bias_init: Initializer = Zeros()

    def __post_init__(self) -> None:
        check_ranges(self)
        kernel, name = self.kernel, type(self).__name__
        pair = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        if len(pair) != 2 or not all(_whole(k, 1) for k in pair):
            raise ConfigError(
                f"{name}: kernel = {kernel!r} is not allowed; it must be a whole number, at least 1, or two of them "
                "(height, width). Try kernel = 4."
            )
        object.__setattr__(self, "kernel", pair[0] if pair[0] == pair[1] else pair)
        if self.padding != "same" and not _whole(self.padding, 0):
            raise ConfigError(
                f"{name}: padding = {self.padding!r} is not allowed; it must be 'same' or a whole number, at least "
                "0. Try padding = 'same'."
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return (self.kernel, self.kernel) if isinstance(self.kernel, int) else self.kernel

    def windows(self, shape: Shape) -> Windows:
        """Return where the windows lie, given the shape of an input sample."""
        raise NotImplementedError

    def params(self, shape: Shape) -> dict[str, Param]:
        fan_in, fan_out = self._fans(shape)
        W = Param((*self.size, shape[2], self.channels), self.init, fan_in, fan_out)
        b = Param((self.channels,), self.bias_init, fan_in, fan_out)
        return {"W": W, "b": b} if self.bias else {"W": W}

    def _fans(self, shape: Shape) -> tuple[int, int]:
        raise NotImplementedError

    def _matrix(self, m: Memory) -> Array:
        """Return W as (kh·kw·c_fine, c_coarse)."""
        raise NotImplementedError

    def _windows(self, m: Memory, x: Array) -> Windows:
        found: Windows | None = m.saved.get("windows")
        if found is None:
            found = m.saved["windows"] = self.windows(x.shape[1:])
        return found

    def _check(self, shape: Shape) -> None:
        if len(shape) != 3:
            raise ShapeError(
                f"{type(self).__name__} takes images (height, width, channels), not samples of shape {shape}. "
                "Put a Reshape layer before it."
            )

    def _to_coarse(self, m: Memory, fine: Array, windows: Windows, name: str) -> Array:
        W = self._matrix(m)
        out = m.buffer(name, (len(fine), *windows.grid, W.shape[1]))
        for tile in windows.tiles(len(fine), fine.itemsize):
            np.matmul(windows.gather(m, fine[tile]), W, out=out[tile].reshape(-1, W.shape[1]))
        return out

    def _to_fine(self, m: Memory, coarse: Array, windows: Windows, name: str) -> Array:
        W = self._matrix(m)
        out = m.buffer(name, (len(coarse), *windows.image))
        for tile in windows.tiles(len(coarse), coarse.itemsize):
            rows = coarse[tile].reshape(-1, W.shape[1])
            columns = m.buffer("columns", (len(rows), windows.length))
            windows.scatter(m, np.matmul(rows, W.T, out=columns), out[tile])
        return out

    def _to_matrix(self, m: Memory, fine: Array, coarse: Array, windows: Windows, out: Array) -> Array:
        """Write Σ columnsᵀ coarse, the gradient of the matrix (kh·kw·c_fine, c_coarse), into out."""
        for tile in windows.tiles(len(fine), fine.itemsize):
            columns = windows.gather(m, fine[tile])
            rows = coarse[tile].reshape(len(columns), -1)
            if tile.start == 0:
                np.matmul(columns.T, rows, out=out)
            else:
                out += np.matmul(columns.T, rows, out=m.buffer("tile", out.shape))
        return out


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Convolution: each output pixel is the product of W with the window that it looks at, plus b.

    The output is (h, w, channels): with a number p for padding h = ⌊(H + 2p − kh)/stride⌋ + 1, with "same"
    h = ⌈H/stride⌉; w likewise.
    """

    def windows(self, shape: Shape) -> Windows:
        self._check(shape)
        grid, before = [], []
        for size, k in zip(shape, self.size):
            if self.padding == "same":
                g = -(-size // self.stride)
                before.append(max((g - 1) * self.stride + k - size, 0) // 2)
            else:
                g = (size + 2 * self.padding - k) // self.stride + 1
                before.append(self.padding)
            grid.append(g)
        if min(grid) < 1:
            least = tuple(max(k - 2 * int(self.padding), 1) for k in self.size)
            raise ShapeError(
                f"Conv2d with kernel {self.size} and padding {self.padding} finds no window in an image of "
                f"{shape[0]} × {shape[1]}; it takes {least[0]} × {least[1]} and larger. "
                "Try padding = 'same', or a smaller kernel."
            )
        return Windows(
            (shape[0], shape[1], shape[2]), (grid[0], grid[1]), self.size, self.stride, (before[0], before[1])
        )

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.windows(shape).grid, self.channels)

    def _fans(self, shape: Shape) -> tuple[int, int]:
        taps = self.size[0] * self.size[1]
        return taps * shape[2], max(1, taps * self.channels // self.stride**2)

    def _matrix(self, m: Memory) -> Array:
        return self.weight(m).reshape(-1, self.channels)

    def product(self, m: Memory, x: Array, name: str) -> Array:
        return self._to_coarse(m, x, self._windows(m, x), name)

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        return self._to_fine(m, dy, self._windows(m, m.x), name)

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        dW = m.gradient("W")
        self._to_matrix(m, x, dy, self._windows(m, x), dW.reshape(-1, self.channels))
        m.add("W", dW)


@dataclass(frozen=True)
class ConvTranspose2d(_Convolution):
    """Transposed convolution: each input pixel adds its multiple of W to a window of the output; then b is added.

    The output is (H, W, channels): with a number p for padding H = (h − 1)·stride + kh − 2p, with "same"
    H = h·stride; W likewise.
    """

    def windows(self, shape: Shape) -> Windows:
        self._check(shape)
        image, before = [], []
        for size, k in zip(shape, self.size):
            if self.padding == "same":
                image.append(size * self.stride)
                before.append(max(k - self.stride, 0) // 2)
            else:
                image.append((size - 1) * self.stride + k - 2 * self.padding)
                before.append(self.padding)
        if min(image) < 1:
            least = tuple(1 - (k - 1 - 2 * int(self.padding)) // -self.stride for k in self.size)
            raise ShapeError(
                f"ConvTranspose2d with kernel {self.size}, stride {self.stride} and padding {self.padding} leaves "
                f"nothing of an image of {shape[0]} × {shape[1]}; it takes {least[0]} × {least[1]} and larger. "
                "Try padding = 'same'."
            )
        return Windows(
            (image[0], image[1], self.channels), (shape[0], shape[1]), self.size, self.stride, (before[0], before[1])
        )

    def output_shape(self, shape: Shape) -> Shape:
        return self.windows(shape).image

    def _fans(self, shape: Shape) -> tuple[int, int]:
        # An output pixel is reached by kh·kw/stride² windows, each with all c_in channels.
        taps = self.size[0] * self.size[1]
        return max(1, taps * shape[2] // self.stride**2), taps * self.channels

    def _matrix(self, m: Memory) -> Array:
        W = self.weight(m)
        matrix = m.buffer("matrix", (W.shape[0], W.shape[1], W.shape[3], W.shape[2]))
        matrix[...] = W.transpose(0, 1, 3, 2)
        return matrix.reshape(-1, W.shape[2])

    def product(self, m: Memory, x: Array, name: str) -> Array:
        return self._to_fine(m, x, self._windows(m, x), name)

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        return self._to_coarse(m, dy, self._windows(m, m.x), name)

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        dW = m.gradient("W")
        kh, kw, c_in, c_out = dW.shape
        matrix = self._to_matrix(m, dy, x, self._windows(m, x), m.buffer("dmatrix", (kh * kw * c_out, c_in)))
        dW[...] = matrix.reshape(kh, kw, c_out, c_in).transpose(0, 1, 3, 2)
        m.add("W", dW)


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least

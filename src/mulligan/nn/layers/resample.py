"""Images made larger and smaller by fixed rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mulligan.errors import ConfigError, ShapeError
from mulligan.nn.layers.base import LinearMap, Shape
from mulligan.nn.memory import Array, Memory
from mulligan.nn.ranges import Count


@dataclass(frozen=True)
class Upsample(LinearMap):
    """Twice the height and width.

    Parameters
    ----------
    mode : str
        ``"nearest"``: each pixel four times. ``"bilinear"``: pixels are little squares, and a new one lies a quarter
        from the nearest old one, ¾ : ¼ in each direction; at the border the old one counts whole (PyTorch's
        ``align_corners=False``).
    """

    mode: Literal["nearest", "bilinear"] = "nearest"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in ("nearest", "bilinear"):
            raise ConfigError(
                f"Upsample: mode = {self.mode!r} is not allowed; it must be 'nearest' or 'bilinear'. "
                "Try mode = 'bilinear'."
            )

    def output_shape(self, shape: Shape) -> Shape:
        _check_image(self, shape)
        return (2 * shape[0], 2 * shape[1], shape[2])

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        n, h, w, c = x.shape
        out = m.buffer(name, (n, 2 * h, 2 * w, c))
        if self.mode == "nearest":
            out.reshape(n, h, 2, w, 2, c)[...] = x[:, :, None, :, None, :]
            return out
        tall = m.buffer(f"{name} tall", (n, 2 * h, w, c))
        _spread(x.reshape(n, h, w * c), tall.reshape(n, h, 2, w * c))
        _spread(tall.reshape(n * 2 * h, w, c), out.reshape(n * 2 * h, w, 2, c))
        return out

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        n, h, w, c = m.saved["shape"]
        out = m.buffer(name, (n, h, w, c))
        if self.mode == "nearest":
            return np.sum(dy.reshape(n, h, 2, w, 2, c), axis=(2, 4), out=out)
        tall = m.buffer(f"{name} tall", (n, 2 * h, w, c))
        _collect(dy.reshape(n * 2 * h, w, 2, c), tall.reshape(n * 2 * h, w, c))
        _collect(tall.reshape(n, h, 2, w * c), out.reshape(n, h, w * c))
        return out


def _spread(x: Array, out: Array) -> None:
    """Write row i of x (n, L, k) into out (n, L, 2, k): ¾ xᵢ + ¼ xᵢ₋₁ first, ¾ xᵢ + ¼ xᵢ₊₁ second."""
    np.multiply(x[:, :, None], 0.75, out=out)
    quarter = 0.25 * x
    out[:, 1:, 0] += quarter[:, :-1]
    out[:, :1, 0] += quarter[:, :1]
    out[:, :-1, 1] += quarter[:, 1:]
    out[:, -1:, 1] += quarter[:, -1:]


def _collect(dy: Array, out: Array) -> None:
    """Transpose of `_spread`, from (n, L, 2, k) to (n, L, k)."""
    np.sum(dy, axis=2, out=out)
    out *= 0.75
    quarter = 0.25 * dy
    out[:, :-1] += quarter[:, 1:, 0]
    out[:, :1] += quarter[:, :1, 0]
    out[:, 1:] += quarter[:, :-1, 1]
    out[:, -1:] += quarter[:, -1:, 1]


@dataclass(frozen=True)
class AvgPool(LinearMap):
    """The mean of each size × size window; windows do not overlap.

    Parameters
    ----------
    size : int
        Height and width of a window; must divide the image's.
    """

    size: Count = 2

    def output_shape(self, shape: Shape) -> Shape:
        _check_image(self, shape)
        if shape[0] % self.size or shape[1] % self.size:
            raise ShapeError(
                f"AvgPool: windows of {self.size} × {self.size} do not tile an image of {shape[0]} × {shape[1]}. "
                f"Try size = {np.gcd(shape[0], shape[1])}, which divides both sides."
            )
        return (shape[0] // self.size, shape[1] // self.size, shape[2])

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        n, (h, w, c), s = len(x), self.output_shape(x.shape[1:]), self.size
        out = np.sum(x.reshape(n, h, s, w, s, c), axis=(2, 4), out=m.buffer(name, (n, h, w, c)))
        out *= 1 / s**2
        return out

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        (n, h, w, c), s = dy.shape, self.size
        out = m.buffer(name, (n, h * s, w * s, c))
        np.multiply(dy[:, :, None, :, None, :], 1 / s**2, out=out.reshape(n, h, s, w, s, c))
        return out


def _check_image(layer: LinearMap, shape: Shape) -> None:
    if len(shape) != 3:
        raise ShapeError(
            f"{type(layer).__name__} takes images (height, width, channels), not samples of shape {shape}. "
            "Put a Reshape layer before it."
        )

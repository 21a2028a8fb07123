"""Convolution and transposed convolution: one map (see `convolution`) in both directions.

Derived in docs/book/03-convolution.md.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Literal

from mulligan.errors import ShapeError
from mulligan.nn.fields import Count, Whole
from mulligan.nn.layers import spectral
from mulligan.nn.layers.base import Param, Shape, example, register
from mulligan.nn.layers.convolution import Correlation
from mulligan.nn.layers.families import Affine
from mulligan.nn.layers.initializers import He, Initializer, Zeros
from mulligan.nn.layers.shape import check_axes
from mulligan.nn.memory import Array, Memory


@dataclass(frozen=True)
class _Convolution(Affine):
    """Options and passes that both directions share."""

    channels: Count
    kernel: Count = 4
    stride: Count = 2
    padding: Whole | Literal["same"] = "same"
    init: Initializer = He()
    bias: bool = True
    bias_init: Initializer = Zeros()

    @abstractmethod
    def correlation(self, shape: Shape) -> Correlation:
        """Return where the windows lie, given the shape of an input sample."""

    @abstractmethod
    def _axis(self, size: int) -> tuple[int, int]:
        """Return the output's size along one axis, and the zeros before the fine image there."""

    def _place(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return `_axis` of both axes: sizes, and zeros; raise `ShapeError` if nothing is left of the image."""
        check_axes(self, shape, 3)
        (height, above), (width, left) = (self._axis(size) for size in shape[:2])
        if min(height, width) < 1:
            least = next(size for size in count(1) if self._axis(size)[0] >= 1)
            raise ShapeError(
                f"{type(self).__name__} with kernel {self.kernel}, stride {self.stride} and padding {self.padding}: "
                f"images must be {least} × {least} or larger, got {shape[0]} × {shape[1]}. Try padding = 'same'."
            )
        return (height, width), (above, left)

    def params(self, shape: Shape) -> dict[str, Param]:
        fan_in, fan_out = self._fans(shape)
        W = Param((self.kernel, self.kernel, shape[2], self.channels), self.init, fan_in, fan_out)
        b = Param((self.channels,), self.bias_init, fan_in, fan_out)
        return self.with_directions({"W": W, "b": b} if self.bias else {"W": W})

    @abstractmethod
    def _fans(self, shape: Shape) -> tuple[int, int]: ...

    def forward(self, m: Memory, x: Array) -> Array:
        if "correlation" not in m.saved:
            m.saved["correlation"] = self.correlation(x.shape[1:])
        m.x, m.tx = x, None
        if self.spectral_norm:
            spectral.normalise(m, self.normed)
        m.context.spent = self._product(m, x, "y", m.params.get("b"))
        return m.context.spent

    def product(self, m: Memory, x: Array, name: str) -> Array:
        return self._product(m, x, name, None)

    @abstractmethod
    def _product(self, m: Memory, x: Array, name: str, b: Array | None) -> Array:
        """Return A(x, W) + b."""


@register(
    "conv2d",
    example((4, 4, 2), 3, kernel=3),
    example((5, 4, 2), 2, kernel=4, stride=1),
    example((4, 4, 2), 3, kernel=2, padding=0, spectral_norm=True),
)
@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Convolve: each output pixel is the product of W with a window of the image, plus b.

    Source: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", §2.

    Samples are images (H, W, c_in), the output is (h, w, channels). A padding of p gives
    h = ⌊(H + 2p − kernel)/stride⌋ + 1; "same" gives h = ⌈H/stride⌉. The width follows the same formulas.

    `stride` and `padding` count pixels of the fine image: the input of `Conv2d`, the output of `ConvTranspose2d`.
    "same" divides (`Conv2d`, rounding up) or multiplies (`ConvTranspose2d`) the image's size by the stride exactly, for
    every kernel. If the number of zeros is odd, the extra one comes last.
    """

    def correlation(self, shape: Shape) -> Correlation:
        grid, before = self._place(shape)
        return Correlation((shape[0], shape[1], shape[2]), (*grid, self.channels), self.kernel, self.stride, before)

    def _axis(self, size: int) -> tuple[int, int]:
        if self.padding == "same":
            g = -(-size // self.stride)
            return g, max((g - 1) * self.stride + self.kernel - size, 0) // 2
        return (size + 2 * self.padding - self.kernel) // self.stride + 1, self.padding

    def output_shape(self, shape: Shape) -> Shape:
        return self.correlation(shape).grid

    def _fans(self, shape: Shape) -> tuple[int, int]:
        taps = self.kernel**2
        return taps * shape[2], max(1, taps * self.channels // self.stride**2)

    def _product(self, m: Memory, x: Array, name: str, b: Array | None) -> Array:
        correlation: Correlation = m.saved["correlation"]
        return correlation.to_coarse(m, x, m.weights["W"], m.buffers[name, (len(x), *correlation.grid)], b)

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        correlation: Correlation = m.saved["correlation"]
        return correlation.to_fine(m, dy, m.weights["W"], m.buffers[name, (len(dy), *correlation.image)])

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        m.accumulate("W", m.saved["correlation"].to_kernel, m, x.__getitem__, dy)

    def product_mixed(self, m: Memory, c: Array) -> None:
        m.accumulate("W", m.saved["correlation"].to_kernel, m, partial(self.mixed, m, c), m.dy)


@register("conv_transpose2d", example((3, 2, 2), 2, kernel=4), example((2, 2, 3), 2, kernel=2, spectral_norm=True))
@dataclass(frozen=True)
class ConvTranspose2d(_Convolution):
    """Transposed convolution: each input pixel adds its multiple of W to a window of the output; then b is added.

    Source: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", §4.

    Samples are images (h, w, c_in), the output is (H, W, channels). A padding of p gives
    H = (h − 1)·stride + kernel − 2p; "same" gives H = h·stride. The width follows the same formulas.
    """

    def correlation(self, shape: Shape) -> Correlation:
        image, before = self._place(shape)
        return Correlation((*image, self.channels), (shape[0], shape[1], shape[2]), self.kernel, self.stride, before)

    def _axis(self, size: int) -> tuple[int, int]:
        if self.padding == "same":
            return size * self.stride, max(self.kernel - self.stride, 0) // 2
        return (size - 1) * self.stride + self.kernel - 2 * self.padding, self.padding

    def output_shape(self, shape: Shape) -> Shape:
        return self.correlation(shape).image

    def _fans(self, shape: Shape) -> tuple[int, int]:
        # kernel²/stride² windows reach an output pixel, each with all c_in channels.
        taps = self.kernel**2
        return max(1, taps * shape[2] // self.stride**2), taps * self.channels

    def _product(self, m: Memory, x: Array, name: str, b: Array | None) -> Array:
        correlation: Correlation = m.saved["correlation"]
        W = self.window(m).swapaxes(2, 3)
        return correlation.to_fine(m, x, W, m.buffers[name, (len(x), *correlation.image)], b)

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        correlation: Correlation = m.saved["correlation"]
        W = self.window(m).swapaxes(2, 3)
        return correlation.to_coarse(m, dy, W, m.buffers[name, (len(dy), *correlation.grid)])

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        correlation: Correlation = m.saved["correlation"]
        transposed = m.buffers["transposed", (*[correlation.kernel] * 2, correlation.image[2], correlation.grid[2])]
        self.learn(m, correlation.to_kernel(m, dy.__getitem__, x, transposed).swapaxes(2, 3))

    def window(self, m: Memory) -> Array:
        """Return the kernel that the products use, (k, k, c_in, c_out)."""
        return m.weights["W"]

    def learn(self, m: Memory, dV: Array) -> None:
        """Add to the gradient of W, given that of the kernel which the products use."""
        m.add("W", dV)


@register("upsample_conv2d", example((3, 2, 2), 2), example((2, 2, 3), 2, kernel=2, spectral_norm=True))
@dataclass(frozen=True)
class UpsampleConv2d(ConvTranspose2d):
    """Repeat each pixel in 2×2, then convolve with W; computed as one transposed convolution.

    Source: Odena et al. 2016, "Deconvolution and Checkerboard Artifacts", resize-convolution.

    A transposed convolution of stride 2 has four sets of weights, one for each place in 2×2 pixels, and where colour is
    flat they can be seen as a pattern. Here their sums are equal, so that flat stays flat. The window of the transposed
    convolution is the sum of W, turned by 180°, over the four places of a repeated pixel:

        V[i, j] = Σ_{a, b ∈ {0, 1}} W[kernel − 1 − i + a, kernel − 1 − j + b]

    It computes what repeated pixels and a 3×3 `Conv2d` of stride 1 do, in four ninths of their multiplications.
    """

    kernel: Count = 3
    stride: Count = field(default=2, init=False)
    padding: Whole | Literal["same"] = field(default="same", init=False)

    def correlation(self, shape: Shape) -> Correlation:
        fine, before = ConvTranspose2d(self.channels, self.kernel + 1).correlation(shape), self.kernel // 2
        return replace(fine, before=(before, before))

    def _fans(self, shape: Shape) -> tuple[int, int]:
        taps = self.kernel**2
        return taps * shape[2], taps * self.channels

    def window(self, m: Memory) -> Array:
        W = m.weights["W"][::-1, ::-1]
        V = m.buffers["window", (len(W) + 1, len(W) + 1, *W.shape[2:])]
        V.fill(0.0)
        for part in self._parts(V):
            part += W
        return V

    def learn(self, m: Memory, dV: Array) -> None:
        for part in self._parts(dV):
            m.add("W", part[::-1, ::-1])

    @staticmethod
    def _parts(V: Array) -> list[Array]:
        """Return the views of V on which W lies, one for each place of a repeated pixel."""
        return [V[:-1, :-1], V[:-1, 1:], V[1:, :-1], V[1:, 1:]]

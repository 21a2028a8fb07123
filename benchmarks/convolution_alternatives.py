"""Other ways to convolve, beside the engine's: microseconds of one thread, for decision record 13.

    python benchmarks/convolution_alternatives.py [--repeats 60] [--tile 4]

taps       one product for each place of the kernel, shifted and summed: no windows are copied
pieces     4×4, stride 2: 2×2 pixels become one, pairs of neighbours are multiplied where they lie, both rows of the
           kernel side by side, and summed by a shift
winograd   minimal filtering of 2×2 outputs (Winograd 1980; Lavin & Gray 2016): F(2×2, 3×3), 16 products for 36;
           for 4×4 and stride 2 F(2×2, 2×2) over 2×2 pixels become one, 9 for 16

Each is compared with the engine's result first. The kernels' transforms are not counted: they are done once a step.
"""

from __future__ import annotations

import argparse

import numpy as np
import threadpoolctl
from convolution import least

from mulligan.nn import Network
from mulligan.nn.layers import Conv2d
from mulligan.nn.layers.products import multiply

CASES = [
    ("D 1→16, 28→14 (64)", Conv2d(16), (28, 28, 1), 64),
    ("D 16→32, 14→7 (64)", Conv2d(32), (14, 14, 16), 64),
    ("D 64→128, 14→7 (32)", Conv2d(128), (14, 14, 64), 32),
    ("3×3 64→64, 14 (32)", Conv2d(64, 3, 1), (14, 14, 64), 32),
]


def empty(*shape):
    return np.empty(shape, np.float32)


class Taps:
    """y = Σ x[shifted by (a, b)] W[a, b]."""

    def __init__(self, layer, x, W):
        geometry = layer.correlation(x.shape[1:])
        (self.h, self.w, K), (kh, kw), s = geometry.grid, geometry.kernel, geometry.stride
        p = geometry.before[0]
        n, H, width, C = x.shape
        self.x, self.W, self.p, self.s = x, W, p, s
        self.padded = np.zeros((n, H + kh, width + kw, C), np.float32)
        self.rows, self.part = empty(n, self.h, self.w, C), empty(n * self.h * self.w, K)
        self.y = empty(n * self.h * self.w, K)

    def __call__(self):
        n, H, width, C = self.x.shape
        p, s = self.p, self.s
        self.padded[:, p : p + H, p : p + width] = self.x
        for a, b in np.ndindex(self.W.shape[:2]):
            self.rows[...] = self.padded[:, a : a + s * self.h : s, b : b + s * self.w : s][:, : self.h, : self.w]
            into = self.y if (a, b) == (0, 0) else self.part
            multiply(self.rows.reshape(-1, C), self.W[a, b], into)
            if into is self.part:
                self.y += self.part
        return self.y.reshape(n, self.h, self.w, -1)


class Squares:
    """What `Pieces` and `Winograd2` share: 2×2 pixels of the padded picture as one pixel of 4C channels."""

    def __init__(self, layer, x, W, side):
        n, _, _, C = x.shape
        self.x, self.shape, self.K = x, (n, side, side, 4 * C), W.shape[3]
        self.grid = layer.correlation(x.shape[1:]).grid
        self.squares = np.zeros(self.shape, np.float32)
        # as (row of squares, row inside, column of squares, column inside)
        self.pixels = self.squares.reshape(n, side, side, 2, 2, C).transpose(0, 1, 3, 2, 4, 5)
        self.padded = np.zeros((n, 2 * side, 2 * side, C), np.float32)
        self.kernel = W.reshape(2, 2, 2, 2, C, self.K).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, 4 * C, self.K)

    def fold(self):
        n, H, width, C = self.x.shape
        self.padded[:, 1 : 1 + H, 1 : 1 + width] = self.x
        side = self.shape[1]
        self.pixels[...] = self.padded.reshape(n, side, 2, side, 2, C)


class Pieces(Squares):
    """Two neighbours are a piece; cut from pixel 0 and from pixel 1 on, no piece is copied."""

    def __init__(self, layer, x, W):
        super().__init__(layer, x, W, layer.correlation(x.shape[1:]).grid[0] + 1)
        D = self.shape[3]
        rows = self.kernel.reshape(2, 2 * D, self.K)
        self.both = np.ascontiguousarray(np.concatenate(list(rows), axis=1))
        n = int(np.prod(self.shape[:3]))
        self.found = empty(n // 2, 2, 2 * self.K)
        self.part = empty(n // 2, 2 * self.K)
        self.y = empty(self.shape[0], *self.grid)

    def __call__(self):
        self.fold()
        n, side, _, D = self.shape
        flat = self.squares.reshape(-1, D)
        for start in (0, 1):
            pieces = flat[start : len(flat) - start].reshape(-1, 2 * D)
            multiply(pieces, self.both, self.part[: len(pieces)])
            self.found[: len(pieces), start] = self.part[: len(pieces)]
        sums = self.found.reshape(n, side, side, 2, self.K)
        np.add(sums[:, :-1, :-1, 0], sums[:, 1:, :-1, 1], out=self.y)
        return self.y


class Winograd2(Squares):
    """F(2×2, 2×2): y₀ = (d₀ − d₁) g₀ + d₁ (g₀ + g₁), y₁ = d₁ (g₀ + g₁) − (d₁ − d₂) g₁, in both directions."""

    def __init__(self, layer, x, W):
        grid = layer.correlation(x.shape[1:]).grid[0]
        self.tiles = -(-grid // 2)
        super().__init__(layer, x, W, 2 * self.tiles + 1)
        g = self.kernel
        rows = [g[0], g[0] + g[1], g[1]]
        U = [[r[0], r[0] + r[1], r[1]] for r in rows]
        n, t, D, K = self.shape[0], self.tiles, self.shape[3], self.K
        self.U = np.ascontiguousarray(np.array(U).reshape(9, D, K))
        self.V, self.half = empty(3, 3, n, t, t, D), empty(3, n, t, self.shape[2], D)
        self.M, self.sums = empty(9, n * t * t, K), empty(2, 3, n, t, t, K)
        self.y = empty(n, 2 * t, 2 * t, K)

    def __call__(self):
        self.fold()
        t, d = self.tiles, self.squares
        first, second, third = d[:, 0:-1:2], d[:, 1::2], d[:, 2::2]
        np.subtract(first, second, out=self.half[0])
        self.half[1] = second
        np.subtract(second, third, out=self.half[2])
        for row, V in zip(self.half, self.V):
            first, second, third = row[:, :, 0:-1:2], row[:, :, 1::2], row[:, :, 2::2]
            np.subtract(first, second, out=V[0])
            V[1] = second
            np.subtract(second, third, out=V[2])
        D = self.shape[3]
        for V, U, M in zip(self.V.reshape(9, -1, D), self.U, self.M):
            multiply(V, U, M)
        M = self.M.reshape(3, 3, self.shape[0], t, t, self.K)
        np.add(M[0], M[1], out=self.sums[0])
        np.subtract(M[1], M[2], out=self.sums[1])
        for a, sums in enumerate(self.sums):
            np.add(sums[0], sums[1], out=self.y[:, a::2, 0::2])
            np.subtract(sums[1], sums[2], out=self.y[:, a::2, 1::2])
        return self.y[:, : self.grid[0], : self.grid[1]]


class Winograd3:
    """F(2×2, 3×3), stride 1: tiles of 4×4 pixels that overlap by two."""

    def __init__(self, layer, x, W):
        n, H, width, C = x.shape
        G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
        K = W.shape[3]
        self.U = np.ascontiguousarray(np.einsum("ia,jb,abck->ijck", G, G, W).reshape(16, C, K))
        self.x, self.t = x, H // 2
        self.padded = np.zeros((n, H + 2, width + 2, C), np.float32)
        self.half, self.V = empty(4, n, self.t, width + 2, C), empty(4, 4, n, self.t, self.t, C)
        self.M, self.sums, self.y = (
            empty(16, n * self.t**2, K),
            empty(2, 4, n, self.t, self.t, K),
            empty(n, H, width, K),
        )

    @staticmethod
    def lines(d, axis):
        """Bᵀ d along one axis."""
        at = [slice(None)] * d.ndim
        found = []
        for first in range(4):
            at[axis] = slice(first, first + 2 * ((d.shape[axis] - 2) // 2), 2)
            found.append(d[tuple(at)])
        return found

    def transform(self, d, axis, out):
        d0, d1, d2, d3 = self.lines(d, axis)
        np.subtract(d0, d2, out=out[0])
        np.add(d1, d2, out=out[1])
        np.subtract(d2, d1, out=out[2])
        np.subtract(d1, d3, out=out[3])

    def __call__(self):
        n, _, _, C = self.x.shape
        self.padded[:, 1:-1, 1:-1] = self.x
        self.transform(self.padded, 1, self.half)
        for row, V in zip(self.half, self.V):
            self.transform(row, 2, V)
        for V, U, M in zip(self.V.reshape(16, -1, C), self.U, self.M):
            multiply(V, U, M)
        M = self.M.reshape(4, 4, n, self.t, self.t, -1)
        np.add(M[0], M[1], out=self.sums[0])
        self.sums[0] += M[2]
        np.subtract(M[1], M[2], out=self.sums[1])
        self.sums[1] -= M[3]
        for a, sums in enumerate(self.sums):
            for b, y in enumerate((self.y[:, a::2, 0::2], self.y[:, a::2, 1::2])):
                if b == 0:
                    np.add(sums[0], sums[1], out=y)
                    y += sums[2]
                else:
                    np.subtract(sums[1], sums[2], out=y)
                    y -= sums[3]
        return self.y


def ways(layer, x, W):
    """Return the alternatives, None where there is none."""
    if layer.stride == 2:
        return [Taps(layer, x, W), Pieces(layer, x, W), Winograd2(layer, x, W)]
    return [Taps(layer, x, W), None, Winograd3(layer, x, W)]


def compare(layer, shape, rows, tile, repeats):
    """Microseconds of the engine and of the alternatives, these for `tile` samples at a time."""
    rng = np.random.default_rng(0)
    space = Network(layer, shape).initialise(rng).workspace()
    m, x = space.memory, rng.standard_normal((rows, *shape)).astype(np.float32)
    tile = min(tile or rows, rows)
    space.forward(x)  # the layer remembers where its windows lie
    expected = layer.product(m, x[:tile], "y").copy()
    found = [least(lambda: layer.product(m, x, "y"), repeats)]
    for way in ways(layer, x[:tile], m.params["W"]):
        if way is not None and np.abs(way() - expected).max() > 1e-4 * np.abs(expected).max():
            raise AssertionError(f"{type(way).__name__} is not the convolution of {layer}")
        found.append(None if way is None else least(way, repeats) * rows / tile)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--tile", type=int, default=0, help="samples at a time for the alternatives; 0 is all")
    arguments = parser.parse_args()
    heads = ("engine", "taps", "pieces", "winograd")
    print(f"{'y of (samples), µs':<24}" + "".join(f"{head:>10}" for head in heads))
    with threadpoolctl.threadpool_limits(1, "blas"):
        for name, layer, shape, rows in CASES:
            times = compare(layer, shape, rows, arguments.tile, arguments.repeats)
            print(f"{name:<24}" + "".join(f"{'–' if each is None else round(each):>10}" for each in times))


if __name__ == "__main__":
    main()

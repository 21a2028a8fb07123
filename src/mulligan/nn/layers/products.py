"""Products of matrices, cut into tiles of the size that BLAS likes best.

OpenBLAS's AVX-512 kernels multiply small matrices where they lie; larger ones are packed first, which for the few rows
of a batch takes as long as half of the product. So a large product goes to BLAS as many small ones, in one call of
``np.matmul``, which loops over the tiles. On one core, float32, GF/s (AMD EPYC, Zen 4, of 118 at best; OpenBLAS 0.3.31,
SkylakeX kernels), for y = x W, dx = dy Wᵀ and dW = xᵀ dy of a layer of 784 inputs and 512 units:

    rows of the batch      y   in tiles      dx   in tiles      dW   in tiles
    32                    90        113      60        109      90        110
    64                    99        113      78        110      99        113
    128                  104        114      92        110     104        114
    256                  107        113      99        110     107        115
"""

from __future__ import annotations

from functools import cache

import numpy as np
import threadpoolctl

from mulligan.nn.memory import Array

SMALL = 1_000_000
"""Up to M·N·K multiplications the kernels for small products serve; above, operands are packed first."""

RESULT = 1024
"""Elements of a tile of the result up to which they serve, too, where the right factor is a transpose (dy Wᵀ)."""

COLS = (32, 16)
"""Columns of a tile where the result has to be cut both ways: two registers of float32, or one."""

FOUR = 4
"""The kernels take so many rows at once; one more costs as much as four."""

FEWEST = 8
"""Rows of a tile below which cutting both ways gains nothing."""


@cache
def prefers_small() -> bool:
    """Return whether this BLAS has kernels for small products: 10–40 % faster on what layers ask for."""
    blas = threadpoolctl.threadpool_info()
    return any(info.get("architecture") in {"SkylakeX", "Cooperlake", "SapphireRapids"} for info in blas)


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write a b, for a of shape (M, K), b of shape (K, N) and out of shape (M, N).

    `a` and `b` may be views, such as transposes; nothing is copied.
    """
    (M, K), N = a.shape, b.shape[1]
    rows, cols = tile(M, K, N, a.strides[0] < a.strides[1], b.strides[0] < b.strides[1]) if prefers_small() else (0, 0)
    whole = M // rows * rows if rows else 0
    if whole:
        tiles = out[:whole].reshape(-1, rows, N // cols, cols).swapaxes(1, 2)
        np.matmul(a[:whole].reshape(-1, 1, rows, K), b.reshape(K, -1, cols).swapaxes(0, 1), out=tiles)
    if whole < M:
        np.matmul(a[whole:], b, out=out[whole:])


@cache
def tile(M: int, K: int, N: int, a_turned: bool = False, b_turned: bool = False) -> tuple[int, int]:
    """Return rows and columns of the tiles that a product's result is cut into, or (0, 0) where it is left whole.

    Whole rows of the result where a few of them make a small product; the sum is never cut, for its parts would have
    to be added.

    Parameters
    ----------
    M, K, N : int
        Of a product of (M, K) and (K, N).
    a_turned, b_turned : bool
        The factor is a transpose: its first axis is the one that lies contiguous.
    """
    if not (M and K and N):
        return 0, 0
    if not b_turned:
        least = COLS[0] if a_turned else FOUR  # of a transpose, rows that fill two registers
        rows = SMALL // (K * N) // least * least
        if rows:
            return (rows, N) if rows < M else (0, 0)
    cols = next((cols for cols in COLS if N % cols == 0), 0)
    if not cols:
        return 0, 0
    most = SMALL // (K * cols)
    if b_turned:
        most = min(most, RESULT // cols)
    rows = next((rows for rows in range(min(most, M), FEWEST - 1, -1) if M % rows == 0), most // FOUR * FOUR)
    return (rows, cols) if FEWEST <= rows <= M else (0, 0)


def rows_at_once(K: int, N: int) -> int:
    """Return how long a sum aᵀ b with a result of shape (K, N) may be for `multiply` to cut it well."""
    return SMALL // (min(K, COLS[0]) * N)

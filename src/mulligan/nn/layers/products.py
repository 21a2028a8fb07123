"""Products of many rows with a small matrix, cut to the size that BLAS likes best."""

from __future__ import annotations

from functools import cache

import numpy as np
import threadpoolctl

from mulligan.nn.memory import Array

SMALL = 1_000_000
"""Up to M·N·K multiplications OpenBLAS's AVX-512 kernels work in place; above, they pack their operands first."""

FOUR = 4
"""The kernels for small products take so many rows at once; one more costs as much as four."""

WORDS = 16
"""Floats in a register: columns of the result, which the kernels hold in registers."""

COLS = 32
"""Fewer columns at once do not pay."""

SHORT = 256
"""Up to this length of a sum, few rows times a large matrix are cut by its columns (32 × 256 × 1568:
162 µs, not 220)."""

FEWEST = 8
"""Rows in one call of BLAS below which cutting gains nothing."""


@cache
def prefers_small() -> bool:
    """Return whether this BLAS has kernels for small products: 10–40 % faster on what a convolution asks for."""
    blas = threadpoolctl.threadpool_info()
    return any(info.get("architecture") in {"SkylakeX", "Cooperlake", "SapphireRapids"} for info in blas)


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write a b, for a of shape (M, K), b of shape (K, N) and out of shape (M, N)."""
    if not (a.size and b.size and prefers_small()):
        np.matmul(a, b, out=out)
        return
    K, N = b.shape
    rows, cols = SMALL // b.size // FOUR * FOUR, SMALL // a.size // WORDS * WORDS
    if 0 < rows < len(a):
        cut = len(a) // rows * rows
        np.matmul(a[:cut].reshape(-1, rows, K), b, out=out[:cut].reshape(-1, rows, N))
        if cut < len(a):
            np.matmul(a[cut:], b, out=out[cut:])
    elif rows == 0 and K <= SHORT and 2 * COLS <= cols < N:
        cut = N // cols * cols
        blocks, results = b[:, :cut].reshape(K, -1, cols), out[:, :cut].reshape(len(a), -1, cols)
        np.matmul(a, blocks.swapaxes(0, 1), out=results.swapaxes(0, 1))
        if cut < N:
            np.matmul(a, b[:, cut:], out=out[:, cut:])
    else:
        np.matmul(a, b, out=out)


def multiply_transposed(a: Array, b: Array, out: Array) -> None:
    """Write aᵀ b, for a of shape (M, K), b of shape (M, N) and out of shape (K, N).

    The result is cut, not the sum, whose parts would have to be added: see `rows_at_once`.
    """
    at = a.T
    cols = SMALL // b.size // COLS * COLS if b.size and prefers_small() else 0
    if not 0 < cols < len(at):
        np.matmul(at, b, out=out)
        return
    cut = len(at) // cols * cols
    np.matmul(at[:cut].reshape(-1, cols, len(a)), b, out=out[:cut].reshape(-1, cols, b.shape[1]))
    if cut < len(at):
        np.matmul(at[cut:], b, out=out[cut:])


def rows_at_once(K: int, N: int) -> int:
    """Return up to how many rows of a and b `multiply_transposed` likes to take; more are better added up outside."""
    return SMALL // (min(K, COLS) * N)


def cut(a: Array, b: Array, out: Array) -> tuple[Array, Array, Array]:
    """Return views of the three for which ``np.matmul`` writes a b in parts that BLAS need not pack.

    For a of shape (M, K), b of shape (K, N) and out of shape (M, N): few columns K or N, many rows M. The rows of `a`
    go to BLAS in equal parts, as many at a time as its kernels for small products take.
    """
    rows = _even(len(a), SMALL // b.size) if b.size and prefers_small() else 0
    if rows < FEWEST:
        return a, b, out
    if a.flags.c_contiguous:
        parts = a.reshape(-1, rows, a.shape[1])
    else:
        parts = a.T.reshape(len(b), -1, rows).transpose(1, 2, 0)
    return parts, b, out.reshape(-1, rows, b.shape[1])


@cache
def _even(n: int, most: int) -> int:
    """Return the largest divisor of `n` that is at most `most`, or 0."""
    return next((d for d in range(min(n, most), 0, -1) if n % d == 0), 0)

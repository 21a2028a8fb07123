"""Matrix products, cut into tiles that BLAS multiplies fastest.

OpenBLAS's AVX-512 kernels multiply small matrices in place. They pack larger ones first, which takes half as long as
the product when a batch has few rows. So a large product goes to BLAS as many small ones, in one call of ``np.matmul``,
which loops over the tiles: for 32 rows, 784 inputs and 512 units 114 GF/s in place of 84 (Emerald Rapids, one core).

If even four rows of y make too large a product, the sum is cut as well, and its parts are added. Cutting into narrow
columns instead gave 90 to 97 GF/s: if W's rows are a power of two long, such columns compete for a few cache sets.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import TypeAlias

import numpy as np

from mulligan.nn.memory import Array, scratch
from mulligan.nn.workers.limits import blas_libraries

Way: TypeAlias = tuple[int, int, int]
"""How to cut a product: rows and columns of a tile, and terms of a sum at a time."""

SMALL = 1_000_000
"""OpenBLAS's kernels for small products serve up to this many multiplications M·N·K; above, it packs operands first."""

RESULT = 1024
"""If the right factor is a transpose (dy Wᵀ), the kernels for small products also need a result no larger than this."""

WIDEST = 128
"""Largest number of columns of a tile if both rows and columns are cut."""

REGISTER = 16
"""Columns of a tile are a multiple of this, one register of float32."""

FOUR = 4
"""Rows that the kernels take at once; one more row costs as much as four."""

LINES = 32
"""Rows of the tile by which a convolution chooses how many terms to sum at once: two cache lines."""

FEWEST = 8
"""Cutting fewer rows than this gains nothing."""

PACKED = 192
"""With more rows of y, packing is cheaper than cutting the sums. With more terms of dW, it is cheaper than tiles."""

EASILY = 96
"""The same for y if the length of W's rows is not a power of two; such rows spread over the cache."""

TERMS = 256
"""Least number of terms in a part of a cut sum. Adding the parts then costs little beside the products."""

instead: Callable[[Array, Array, Array], bool] | None = None
"""Replaces BLAS in the browser: writes a b into out and returns True; after False, NumPy multiplies."""


@cache
def prefers_small() -> bool:
    """Return whether this BLAS has kernels for small products, which make layers' products 10–40 % faster."""
    return any(lib.get("architecture") in {"SkylakeX", "Cooperlake", "SapphireRapids"} for lib in blas_libraries())


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write the product a b into `out`; `a` and `b` may be views, such as transposes, and nothing is copied."""
    if instead is not None and instead(a, b, out):
        return
    (M, K), N = a.shape, b.shape[1]
    (down_a, along_a), (down_b, along_b) = a.strides, b.strides
    way = tile(M, K, N, down_a < along_a, down_b < along_b) if prefers_small() else None
    if way is None:
        if out.flags.c_contiguous:  # else `dot` raises
            a.dot(b, out=out)  # the same call of BLAS; np.matmul takes 0.5 µs before it
        else:
            np.matmul(a, b, out=out)
        return
    rows, cols, terms = way
    if terms == K:
        _in_tiles(a, b, out, rows, cols)
        return
    _in_tiles(a[:, :terms], b[:terms], out, rows, cols)
    for start in range(terms, K, terms):
        more = scratch("terms", M * N, out.dtype).reshape(M, N)
        _in_tiles(a[:, start : start + terms], b[start : start + terms], more, rows, cols)
        out += more


def _in_tiles(a: Array, b: Array, out: Array, rows: int, cols: int) -> None:
    """Write the product a b tile by tile; tiles that share columns of `b` follow each other."""
    (M, K), N = a.shape, b.shape[1]
    count = M // rows
    whole = count * rows
    if whole < M:
        np.matmul(a[whole:], b, out=out[whole:])
        a, out = a[:whole], out[:whole]
    slabs = a.reshape(count, rows, K)
    if cols == N:
        np.matmul(slabs, b, out=out.reshape(count, rows, N))
    else:
        panels = b.reshape(K, N // cols, 1, cols).transpose(1, 2, 0, 3)
        tiles = out.reshape(count, rows, N // cols, cols).transpose(2, 0, 1, 3)
        np.matmul(slabs, panels, out=tiles, order="C")


@lru_cache(maxsize=4096)
def tile(M: int, K: int, N: int, a_turned: bool = False, b_turned: bool = False) -> Way | None:
    """Return how to cut a product: rows and columns of a tile of the result, and terms of a sum at a time.

    The product is that of (M, K) and (K, N). A factor is turned if its first axis is contiguous, as in a transpose. For
    None, the product stays whole.
    """
    if M < FEWEST or not (K and N) or (a_turned and K > PACKED and N >= WIDEST):
        return None
    way = None if a_turned or b_turned else _full_width(M, K, N)
    way = way or _blocks(M, K, N, b_turned)
    return None if way == (M, N, K) else way


def _full_width(M: int, K: int, N: int) -> Way | None:
    """Return tiles of a few rows, as wide as the result; None if even four rows of the cut sum are too large."""
    parts = min(-(-FOUR * K * N // SMALL), max(K // TERMS, 1))
    if parts > 1 and (EASILY if N % WIDEST else PACKED) < M:
        return M, N, K
    terms = -(-K // parts)
    rows = min(SMALL // (terms * N) // FOUR * FOUR, M)
    return (rows, N, terms) if rows else None


def _blocks(M: int, K: int, N: int, b_turned: bool) -> Way | None:
    """Return tiles of some rows and some columns, the widest that have at least `FEWEST` rows."""
    for cols in _columns(N) or ([] if b_turned else [N]):
        most = min(M, SMALL // (K * cols), RESULT // cols if b_turned else M)
        rows = next((rows for rows in range(most, FEWEST - 1, -1) if M % rows == 0), most // FOUR * FOUR)
        if rows >= FEWEST:
            return rows, cols, K
    return None


def _columns(N: int) -> list[int]:
    """Return the widths that fill registers and divide N, the largest first."""
    return [cols for cols in range(min(WIDEST, N), 0, -1) if cols % REGISTER == 0 and N % cols == 0]


def rows_at_once(K: int, N: int) -> int:
    """Return the largest number of terms of aᵀ b, a result of shape (K, N), that `multiply` cuts well."""
    return SMALL // (min(K, LINES) * min(N, WIDEST))

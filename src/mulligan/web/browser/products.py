"""Matrix products by WebAssembly's vector instructions, in place of the plain loops that NumPy has under Pyodide.

`products.wat` is the kernel, `products.wasm` what wabt makes of it.
``docs/decisions/notes/0022-products-in-the-browser.md`` derives it.
"""

from collections.abc import Callable

import numpy as np

from mulligan.nn.layers import products
from mulligan.nn.memory import Array

FEWEST = 4096
"""Below so many multiplications M·N·K, NumPy ends before the call out of Python does."""
WIDTH = 16
"""Columns of the kernel's panel."""


def use(kernel: Callable[[int, int, int, int], int]) -> None:
    """Have layers multiply by the kernel, and by NumPy what it does not take.

    Parameters
    ----------
    kernel : callable
        The export ``multiply`` of ``products.wasm``, working in this interpreter's memory. It takes the addresses of
        four arrays, a, b, out and one to work in, and returns 0 for what it does not take.
    """
    panel = np.empty(WIDTH * 1024, np.float32)

    def multiply(a: Array, b: Array, out: Array) -> bool:
        nonlocal panel
        (rows, terms), columns = a.shape, b.shape[1]
        if rows * terms * columns < FEWEST:
            return False
        if WIDTH * terms > panel.size:
            panel = np.empty(WIDTH * terms, np.float32)
        return kernel(id(a), id(b), id(out), id(panel)) == 1

    products.instead = multiply

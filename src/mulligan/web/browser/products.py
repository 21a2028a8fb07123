"""Compute matrix products by WebAssembly's vector instructions. Under Pyodide, NumPy has only plain loops.

`products.wat` is the kernel's source, and wabt compiles it to `products.wasm`.
``docs/decisions/0022-products-in-the-browser.md`` has the reasons.
"""

from collections.abc import Callable

import numpy as np

from mulligan.nn.layers import products
from mulligan.nn.memory import Array

FEWEST = 4096
"""Number of multiplications M·N·K below which NumPy is faster than a call out of Python."""
WIDTH = 16
"""Number of columns of the kernel's panel."""


def use(kernel: Callable[[int, int, int, int], int]) -> None:
    """Let layers multiply by the kernel, and by NumPy where the kernel does not apply.

    `kernel` is the export ``multiply`` of ``products.wasm``, which works in this interpreter's memory. It takes the
    addresses of four arrays (a, b, out and scratch), and returns 0 if it does not apply.
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

"""However a product is cut, it is the product."""

from itertools import product

import numpy as np
import pytest

from mulligan.nn.layers import Dense, products
from mulligan.nn.layers.products import RESULT, SMALL, multiply, tile
from mulligan.nn.network import Network
from mulligan.nn.rng import stream


@pytest.mark.parametrize("rows", [0, 1, 7, 32, 33, 64, 65])
@pytest.mark.parametrize(("inputs", "units"), [(784, 512), (300, 256), (100, 1568), (1568, 128), (127, 131), (9, 1)])
def test_all_three_products_of_a_layer(rows, inputs, units):
    network = Network(Dense(units), (inputs,), np.float64).initialise(stream(0, "init.d"))
    space, rng = network.workspace(), np.random.default_rng(rows)
    x, dy = rng.standard_normal((rows, inputs)), rng.standard_normal((rows, units))
    W, b = space.memory.params["W"], space.memory.params["b"]
    b[:] = rng.standard_normal(units)
    np.testing.assert_allclose(space.forward(x), x @ W + b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(space.backward(dy), dy @ W.T, rtol=1e-12, atol=1e-12)
    space.grads()
    np.testing.assert_allclose(space.memory.grads["W"], x.T @ dy, rtol=1e-12, atol=1e-12)


# (M, K, N), are a and b transposes, and the tiles
CASES = {
    (3136, 512, 64, False, False): (28, 64),  # a few whole rows, of many
    (32, 784, 512, False, False): (32, 32),  # both ways, as large as the kernels serve
    (64, 512, 784, False, False): (64, 16),
    (32, 512, 784, False, True): (32, 16),  # dy Wᵀ: the tile of the result is small besides
    (128, 256, 512, False, True): (32, 32),
    (784, 64, 512, True, False): (392, 32),  # xᵀ dy
    (784, 32, 128, True, False): (224, 128),  # whole rows that fill registers
    (61, 784, 512, False, True): (32, 32),  # no divisor: the rest of the rows is multiplied as it is
    (5, 784, 512, False, False): (0, 0),  # too few rows to gain anything
    (64, 512, 100, False, True): (0, 0),  # columns that fill no register
    (7, 2, 3, False, False): (0, 0),  # small as it is
    (0, 3, 4, False, False): (0, 0),
    (3, 0, 4, False, False): (0, 0),
}


@pytest.mark.parametrize(("case", "expected"), CASES.items(), ids=str)
def test_tiles_are_what_the_kernels_for_small_products_serve(case, expected):
    _, K, N, _, b_turned = case
    rows, cols = tile(*case)
    assert (rows, cols) == expected
    assert rows * cols * K <= SMALL
    assert N % (cols or 1) == 0
    assert not b_turned or rows * cols <= RESULT


@pytest.mark.parametrize("small", [1_000, 30_000, 1_000_000])
@pytest.mark.parametrize(("M", "K", "N"), [*{case[:3] for case in CASES}, (9, 300, 70), (127, 64, 512)])
def test_however_a_product_is_cut_it_is_the_product(monkeypatch, small, M, K, N):
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    monkeypatch.setattr(products, "SMALL", small)
    products.tile.cache_clear()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((M, K)), rng.standard_normal((K, N))
    for left, right in product([a, np.asfortranarray(a)], [b, np.asfortranarray(b)]):
        out, wide = np.full((M, N), np.nan), np.full((2 * M, N), np.nan)
        multiply(left, right, out)
        multiply(left, right, wide[::2])  # rows with others between them
        np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(wide[::2], a @ b, rtol=1e-12, atol=1e-12)
    products.tile.cache_clear()

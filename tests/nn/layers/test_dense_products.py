"""However a product is cut, it is the product."""

from itertools import product

import numpy as np
import pytest

from mulligan.nn import Network, stream
from mulligan.nn.layers import Dense, products
from mulligan.nn.layers.products import RESULT, SMALL, multiply, tile


@pytest.mark.parametrize("rows", [0, 1, 32, 65])
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


# (M, K, N), are a and b transposes, and the rows and columns of the tiles and the terms of a sum
CASES = {
    (3136, 512, 64, False, False): (28, 64, 512),  # a few whole rows, of many
    (32, 784, 512, False, False): (4, 512, 392),  # of a sum in two parts
    (64, 256, 1568, False, False): (32, 112, 256),  # a sum too short to cut: both ways
    (128, 1024, 512, False, False): (4, 512, 342),  # rows of W a power of two long: packing comes later
    (256, 784, 512, False, False): None,  # so many rows are worth packing W
    (32, 512, 784, False, True): (8, 112, 512),  # dy Wᵀ: the tile of the result is small besides
    (784, 64, 512, True, False): (112, 128, 64),  # xᵀ dy
    (784, 256, 512, True, False): None,  # so many terms are worth packing x
    (61, 784, 512, False, True): (8, 128, 784),  # no divisor: the rest of the rows is multiplied as it is
    (5, 784, 512, False, False): None,  # too few rows to gain anything
    (64, 512, 100, False, True): None,  # columns that fill no register
    (7, 2, 3, False, False): None,  # small as it is
    (0, 3, 4, False, False): None,
}


@pytest.mark.parametrize(("case", "expected"), CASES.items(), ids=str)
def test_tiles_are_what_the_kernels_for_small_products_serve(case, expected):
    _, K, N, _, b_turned = case
    assert tile(*case) == expected
    rows, cols, terms = expected or (0, N, K)
    assert rows * cols * terms <= SMALL
    assert cols == N or N % cols == 0
    assert not b_turned or rows * cols <= RESULT


@pytest.mark.parametrize(
    ("small", "M", "K", "N"),
    [
        *((1_000_000, *case[:3]) for case in CASES if case[:2] != (784, 256)),
        *((small, *shape) for small in (1_000, 30_000) for shape in [(9, 300, 70), (127, 64, 512), (32, 512, 100)]),
    ],
)
def test_however_a_product_is_cut_it_is_the_product(monkeypatch, small, M, K, N):
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    monkeypatch.setattr(products, "SMALL", small)
    tile.cache_clear()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((M, K)), rng.standard_normal((K, N))
    for left, right in product([a, np.asfortranarray(a)], [b, np.asfortranarray(b)]):
        out, wide = np.full((M, N), np.nan), np.full((2 * M, N), np.nan)
        multiply(left, right, out)
        multiply(left, right, wide[::2])  # rows with others between them
        np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(wide[::2], a @ b, rtol=1e-12, atol=1e-12)
    tile.cache_clear()

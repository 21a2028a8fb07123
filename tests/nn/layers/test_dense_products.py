"""However a product is cut, it is the product."""

from itertools import product

import numpy as np
import pytest

from mulligan.nn.layers import Dense, products
from mulligan.nn.layers.contest import HEATS
from mulligan.nn.layers.products import REGISTER, RESULT, SMALL, multiply, tile, ways
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


# (M, K, N), are a and b transposes, and the rows and columns of the tiles and the terms of a sum
CASES = {
    (3136, 512, 64, False, False): (28, 64, 512),  # a few whole rows, of many
    (32, 784, 512, False, False): (4, 512, 392),  # of a sum in two parts
    (64, 512, 784, False, False): (4, 784, 256),
    (64, 256, 1568, False, False): (32, 112, 256),  # a sum too short to cut: both ways
    (256, 784, 512, False, False): None,  # so many rows are worth packing W
    (32, 512, 784, False, True): (32, 16, 512),  # dy Wᵀ: the tile of the result is small besides
    (128, 256, 512, False, True): (32, 32, 256),
    (784, 64, 512, True, False): (112, 128, 64),  # xᵀ dy
    (784, 32, 128, True, False): (224, 128, 32),  # whole rows that fill registers
    (784, 256, 512, True, False): None,  # so many terms are worth packing x
    (61, 784, 512, False, True): (32, 32, 784),  # no divisor: the rest of the rows is multiplied as it is
    (5, 784, 512, False, False): None,  # too few rows to gain anything
    (64, 512, 100, False, True): None,  # columns that fill no register
    (7, 2, 3, False, False): None,  # small as it is
    (0, 3, 4, False, False): None,
    (3, 0, 4, False, False): None,
}


@pytest.mark.parametrize(("case", "expected"), CASES.items(), ids=str)
def test_tiles_are_what_the_kernels_for_small_products_serve(case, expected):
    _, K, N, _, b_turned = case
    assert tile(*case) == expected
    rows, cols, terms = expected or (0, N, K)
    assert rows * cols * terms <= SMALL
    assert cols == N or N % cols == 0
    assert not b_turned or rows * cols <= RESULT


@pytest.mark.parametrize("small", [1_000, 30_000, 1_000_000])
@pytest.mark.parametrize(("M", "K", "N"), [*{case[:3] for case in CASES}, (9, 300, 70), (127, 64, 512)])
def test_however_a_product_is_cut_it_is_the_product(monkeypatch, small, M, K, N):
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    monkeypatch.setattr(products, "SMALL", small)
    products.contest.cache_clear()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((M, K)), rng.standard_normal((K, N))
    for left, right in product([a, np.asfortranarray(a)], [b, np.asfortranarray(b)]):
        out, wide = np.full((M, N), np.nan), np.full((2 * M, N), np.nan)
        multiply(left, right, out)
        multiply(left, right, wide[::2])  # rows with others between them
        np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(wide[::2], a @ b, rtol=1e-12, atol=1e-12)
    products.contest.cache_clear()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_other_ways_leave_no_rows_over_and_do_not_cut_the_sum(case):
    M, K, N, _, b_turned = case
    first, *others = ways(*case)
    assert first == (tile(*case) or (M, N, K))
    for rows, cols, terms in others:
        assert terms == K
        assert M % rows == N % cols == cols % REGISTER == 0
        assert rows * cols * terms <= SMALL
        assert not b_turned or rows * cols <= RESULT


def test_there_are_other_ways():
    assert len(ways(784, 256, 512, True, False)) > 3
    assert len(ways(32, 784, 512, False, True)) > 3
    assert ways(32, 74, 256) == ((32, 256, 74),)  # small as it is


@pytest.mark.parametrize("case", [case for case in CASES if len(ways(*case)) > 1], ids=str)
def test_as_often_as_a_product_is_taken_it_has_the_same_bytes(monkeypatch, case):
    M, K, N, a_turned, b_turned = case
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    products.contest.cache_clear()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((M, K), np.float32), rng.standard_normal((K, N), np.float32)
    a, b = np.asfortranarray(a) if a_turned else a, np.asfortranarray(b) if b_turned else b
    seen = set()
    for _ in range((HEATS + 1) * len(ways(*case)) + 2):
        out = np.full((M, N), np.nan, np.float32)
        multiply(a, b, out)
        seen.add(out.tobytes())
    assert len(seen) == 1
    assert products.contest(*case, 4).fastest is not None
    products.contest.cache_clear()


def test_the_bytes_do_not_depend_on_what_was_multiplied_before(monkeypatch):
    """The seed of R1 is zero for the fakes: half of the rows, in which every order of a sum gives the same bytes."""
    M, K, N = 34, 784, 1200
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    products.contest.cache_clear()
    rng = np.random.default_rng(0)
    seed, x, b = (rng.standard_normal(shape, np.float32) for shape in ((M, K), (M, K), (K, N)))
    seed[M // 2 :] = 0
    seen = set()
    for turn in range((HEATS + 1) * len(ways(M, K, N)) + 2):
        out = np.full((M, N), np.nan, np.float32)
        multiply(x if turn >= len(ways(M, K, N)) else seed, b, out)
        if turn >= len(ways(M, K, N)):
            seen.add(out.tobytes())
    assert len(seen) == 1
    products.contest.cache_clear()

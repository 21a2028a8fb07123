"""However a product is turned or cut, it is the product."""

import numpy as np
import pytest

from mulligan.nn.layers import Dense
from mulligan.nn.layers.dense import FEW, turns_back, turns_forward
from mulligan.nn.layers.products import SMALL, cut, multiply, multiply_transposed
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


def test_the_sizes_above_take_every_way():
    W = {shape: np.empty(shape) for shape in [(784, 512), (100, 1568), (1568, 128)]}
    assert turns_forward(32, W[784, 512])
    assert not turns_forward(33, W[784, 512])
    assert not turns_forward(32, W[100, 1568])
    assert turns_back(FEW, W[784, 512])
    assert not turns_back(FEW + 1, W[784, 512])
    assert not turns_back(FEW, W[1568, 128])


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize(("M", "K", "N"), [(784, 32, 512), (784, 512, 32), (127, 64, 512), (784, 300, 512), (5, 2, 3)])
def test_cutting_gives_equal_parts_that_blas_need_not_pack(monkeypatch, contiguous, M, K, N):
    monkeypatch.setattr("mulligan.nn.layers.products.prefers_small", lambda: True)
    rng = np.random.default_rng(0)
    a, b, out = rng.standard_normal((M, K)), rng.standard_normal((K, N)), np.empty((M, N))
    if not contiguous:
        a = np.asfortranarray(a)
    parts, whole, results = cut(a, b, out)
    np.matmul(parts, whole, out=results)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
    assert np.shares_memory(parts, a)
    if parts.ndim == 3:
        assert parts.shape[1] * K * N <= SMALL
    else:
        assert M in (5, 127) or K == 300  # no divisor of the rows is both small enough and worth a call


@pytest.mark.parametrize(
    ("M", "K", "N"), [(64, 1568, 128), (32, 256, 1568), (9, 300, 70), (7, 2, 3), (0, 3, 4), (3, 0, 4)]
)
@pytest.mark.parametrize("small", [1_000, 30_000, 1_000_000])
def test_however_a_product_is_cut_nothing_is_lost(monkeypatch, small, M, K, N):
    monkeypatch.setattr("mulligan.nn.layers.products.prefers_small", lambda: True)
    monkeypatch.setattr("mulligan.nn.layers.products.SMALL", small)
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((M, K)), rng.standard_normal((K, N)), rng.standard_normal((M, N))
    out, transposed = np.full((M, N), np.nan), np.full((K, N), np.nan)
    multiply(a, b, out)
    multiply_transposed(a, c, transposed)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(transposed, a.T @ c, rtol=1e-12, atol=1e-12)

"""Clipping: lengths, directions, divergence that stays visible."""

import math

import numpy as np
import pytest

from mulligan.nn import CLIPPINGS, ClipNorm, clipping
from mulligan.nn.blocks import BLOCK


def gradient(n=2 * BLOCK + 17, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(n).astype(dtype)


def test_norm_is_the_maximum_and_the_direction_stays():
    g = gradient(dtype=np.float64)
    ClipNorm(2.0).apply(g)
    assert np.linalg.norm(g) == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(g / 2.0, gradient(dtype=np.float64) / np.linalg.norm(gradient(dtype=np.float64)))


def test_short_gradients_pass_untouched():
    g = gradient()
    ClipNorm(1e6).apply(g)
    assert np.array_equal(g, gradient())


@pytest.mark.parametrize("most", [1.0, 1e-200])  # the square of the second is 0
def test_a_gradient_of_zero_stays_zero(most):
    zero = np.zeros(5)
    ClipNorm(most).apply(zero)
    assert not zero.any()


@pytest.mark.parametrize("most", [0.1, 10.0])
def test_the_norm_itself_is_compared_not_its_square(most):
    for share in (0.95, 1.05):
        g = gradient(dtype=np.float64)
        g *= share * most / np.linalg.norm(g)
        ClipNorm(most).apply(g)
        assert np.linalg.norm(g) == pytest.approx(min(share, 1) * most, rel=1e-12)


def test_blocks_are_added_in_turn_so_that_every_python_gives_the_same_bytes(monkeypatch):
    g = np.zeros(3 * BLOCK)
    g[0], g[BLOCK], g[2 * BLOCK] = 1e8, 1.0, 1.0  # squares 1e16, 1, 1: the ones are lost, one after the other
    monkeypatch.setattr(clipping, "sum", math.fsum, raising=False)  # as exact as the sum() of Python 3.12 and later
    ClipNorm(1.0).apply(g)
    assert g[0] == 1e8 * (1.0 / 1e8)
    assert g[BLOCK] == 1.0 / 1e8


@pytest.mark.parametrize("clipping", [cls() for cls in CLIPPINGS.values()], ids=repr)
def test_float32_stays_float32(clipping):
    g = gradient()
    clipping.apply(g)
    assert g.dtype == np.float32
    assert not np.array_equal(g, gradient())


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_divergence_is_not_hidden(bad):
    g = gradient(100)
    g[7] = bad
    ClipNorm(1.0).apply(g)
    assert not np.isfinite(g).all()

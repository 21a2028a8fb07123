"""Penalties against their definitions, number by number."""

import math

import numpy as np
import pytest

from mulligan.game import DRAGAN, PENALTIES, R1, R2, WGANGP, ZeroCentered

N = 10
"""Rows of the whole batch; a worker sees five."""


def norms(g):
    return [math.sqrt(sum(float(x) ** 2 for x in row.ravel())) for row in g]


DEFINITIONS = [
    (R1(0.7), lambda t: 0.35 * t**2),
    (R2(0.7), lambda t: 0.35 * t**2),
    (ZeroCentered(3.0), lambda t: 3 * t**2),
    (WGANGP(3.0), lambda t: 3 * (t - 1) ** 2),
    (DRAGAN(3.0), lambda t: 3 * (t - 1) ** 2),
]


@pytest.fixture
def g():
    return np.random.default_rng(0).standard_normal((5, 2, 3, 1)) * np.linspace(0.1, 1, 5)[:, None, None, None]


@pytest.mark.parametrize(("penalty", "definition"), DEFINITIONS, ids=lambda x: repr(x) if not callable(x) else "")
def test_values_are_the_definitions(penalty, definition, g):
    assert min(norms(g)) < 1 < max(norms(g))
    expected = sum(definition(t) for t in norms(g)) / N
    assert penalty.value_and_grad(g, N, np.empty_like(g)) == pytest.approx(expected, rel=1e-12)
    assert penalty.value_and_grad(g, N, np.empty_like(g), 0.5) == pytest.approx(expected / 2, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", [p for p, _ in DEFINITIONS], ids=repr)
def test_a_gradient_of_zero_or_of_a_million_makes_no_nan(penalty, dtype):
    g = np.zeros((3, 4), dtype)
    g[1] = 1e6
    v = np.full_like(g, np.nan)
    assert math.isfinite(penalty.value_and_grad(g, 3, v))
    assert v.dtype == dtype
    assert np.isfinite(v).all()
    assert (v[[0, 2]] == 0).all()


POINTS = {"r1": "real", "r2": "fake", "zero_centered": "between", "wgan_gp": "between", "dragan": "around"}


def test_weights_left_out_are_the_published_ones():
    assert {name: penalty() for name, penalty in PENALTIES.items()} == {
        "r1": R1(gamma=1.0),
        "r2": R2(gamma=1.0),
        "zero_centered": ZeroCentered(weight=10.0),
        "wgan_gp": WGANGP(weight=10.0),
        "dragan": DRAGAN(weight=10.0, spread=0.5),
    }


def test_a_penalty_is_called_as_in_a_configuration():
    assert {name: penalty.points for name, penalty in PENALTIES.items()} == POINTS
    assert [cls().name for cls in PENALTIES.values()] == list(PENALTIES)

    class Mine(R1):
        pass

    assert Mine().name == "mine"

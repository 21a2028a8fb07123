"""The gradient checks: every layer passes them, and every planted bug fails them."""

import numpy as np
import pytest

from mulligan.nn import checking, stream
from mulligan.nn import layers as nn
from mulligan.nn.checking import Kink, check_layer, check_layers, gradient_error, relative, slope
from mulligan.nn.layers import EXAMPLES, LAYERS, classes, families, norm, spectral
from mulligan.nn.memory import Context

REFUSE = {"batch_norm"}
FAST = {"dense", "conv2d", "conv_transpose2d", "upsample_conv2d", "projection", "sequential", "residual"}
CRITIC = nn.Sequential((nn.Dense(6), nn.LeakyReLU(), nn.Dense(1)))


def test_every_layer_has_an_example():
    assert EXAMPLES.keys() == LAYERS.keys()
    for name, examples in EXAMPLES.items():
        assert {type(layer) for layer, _ in examples} == {LAYERS[name]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_formula_is_right(name):
    checks = list(check_layers(name))
    assert [c for c in checks if not c.passed] == []
    refused = {c.name for c in checks if c.what == "second order refused"}
    assert bool(refused) == (name in REFUSE or name == "sequential")  # which has a case with BatchNorm inside
    whats = {c.what for c in checks}
    assert {"dx", "two workers"} <= whats
    assert ("fused_grads" in whats) == (name in FAST)
    if name not in REFUSE:
        assert {"transposed", "tangent", "adjoint dx", "adjoint dtx"} <= whats


def test_a_layer_without_a_case_is_named(monkeypatch):
    monkeypatch.setitem(LAYERS, "critic", type(CRITIC))
    (named,) = check_layers("critic")
    assert not named.passed
    assert named.what.startswith("not played: ")
    assert {row.name for row in check_layer(nn.Tanh(), (3,))} == {"Tanh"}


def test_an_activation_without_a_second_derivative_is_checked_in_first_order():
    class FirstOrder(nn.Pointwise):
        def f(self, x, out):
            np.multiply(x, x, out=out)

        def df(self, x, y, out):
            np.multiply(x, 2, out=out)

    checks = check_layer(FirstOrder(), (6,))
    assert [c.what for c in checks if not c.passed] == []
    assert {c.what for c in checks} == {"dx", "second order refused", "two workers"}


def no_square(self, x, y, out):
    out[...] = 1 - y


def wrong_curve_sign(self, x, y, out):
    out[...] = 2 * y * (1 - y * y)


def slopes_swapped(self, x, y, out):
    out[...] = np.where(x < 0, 1, self.alpha)


def y_taken_for_x(self, m, x):
    m.x = m.y = m.buffers["y", x.shape]
    self.f(x, m.y)
    return m.y


def one_branch_writes_over_x(self, m, x):
    return np.add(nn.Sequential.forward(self, m, x), x)


def not_transposed(self, m, dy, name):
    return np.matmul(dy, m.params["W"], out=m.buffers[name, dy.shape])


def bias_without_c(self, m, c):
    PAIRED(self, m, c)
    m.grads["b"][...] = m.dy.sum(axis=0)


def paired_without_u(self, m, c):
    m.tx = None
    PAIRED(self, m, c)


def tangent_not_in_the_weights(self, m):
    m.dty = None
    GRADS(self, m)


def no_power_direction(m, names):
    for name in names:
        m.grads[name] /= m.saved[f"{name}_norm"][1]


def fresh_mask(self, m, dy, name):
    if m.saved["mask"] is not None:
        m.saved["mask"] = m.context.rng.permuted(m.saved["mask"])
    return self.apply(m, dy, name)


def workers_apart(self, value):
    return value


def averages_by_every_worker(self, m, x):
    y = FORWARD(self, m, x)
    if m.context.number > 0:
        m.stats["mean"] += self.momentum * (x.mean(axis=0) - m.stats["mean"])
    return y


def no_batch_terms(self, m, dy, inputs=True):
    m.saved["n"] = 0.0
    return BACKWARD(self, m, dy, inputs)


def no_curvature(self, m, dy, dty, inputs=True):
    m.dy, m.dty = dy, dty
    return (
        self.project(m, self.scale(m, dy, "a"), "dx"),
        self.project(m, self.scale(m, dty, "b"), "dtx"),
    )


def tangent_not_in_gamma(self, m):
    m.dty = None
    NORM_GRADS(self, m)


def first_columns_lost(self, m, dy, name):
    return dy[..., self.classes :]


def wrong_class(self, m, x, dy):
    labels = m.context.labels
    m.context.labels = (labels + 1) % self.classes
    PROJECTED(self, m, x, dy)
    m.context.labels = labels


def shortcut_forgotten(self, m, dy, inputs=True):
    return nn.Sequential.backward(self, m, dy, inputs)


def nan_in_one_place(self, x, y, out):
    DTANH(self, x, y, out)
    out.flat[0] = np.nan


PAIRED, GRADS = families.Affine.fused_grads, families.Affine.grads
FORWARD, BACKWARD, NORM_GRADS = norm.BatchNorm.forward, norm.BatchNorm.backward, norm.LayerNorm.grads
PROJECTED = classes.Projection.product_w
DTANH = nn.Tanh.df
BLOCK = nn.Residual((nn.LeakyReLU(), nn.Dense(6)))

BUGS = [
    # owner, name, replacement, layer that shows it, sample shape, checks that must turn red
    (nn.Tanh, "df", no_square, nn.Tanh(), (6,), {"dx", "tangent"}),
    (nn.Tanh, "df", nan_in_one_place, nn.Tanh(), (6,), {"dx", "tangent"}),
    (nn.Tanh, "ddf", wrong_curve_sign, nn.Tanh(), (6,), {"adjoint dx"}),
    (nn.Tanh, "piecewise_linear", True, nn.Tanh(), (6,), {"adjoint dx"}),  # f″ forgotten
    (nn.LeakyReLU, "df", slopes_swapped, nn.LeakyReLU(), (6,), {"dx", "tangent"}),
    (families.Pointwise, "forward", y_taken_for_x, nn.Arctan(), (6,), {"dx", "tangent"}),
    (nn.Residual, "forward", one_branch_writes_over_x, nn.Sequential((nn.Dense(6), BLOCK)), (6,), {"dx", "tangent"}),
    (nn.Dense, "product_x", not_transposed, nn.Dense(4), (4,), {"dx", "transposed"}),
    (families.Affine, "fused_grads", bias_without_c, CRITIC, (4,), {"fused_grads"}),
    (families.Affine, "fused_grads", paired_without_u, CRITIC, (4,), {"fused_grads"}),
    (families.Affine, "grads", tangent_not_in_the_weights, CRITIC, (4,), {"second order d0.W", "fused_grads"}),
    (spectral, "finish", no_power_direction, nn.Dense(3, spectral_norm=True), (4,), {"dW"}),
    (nn.Dropout, "transpose", fresh_mask, nn.Dropout(), (6,), {"dx", "transposed"}),
    (Context, "sum_over_workers", workers_apart, nn.BatchNorm(), (4,), {"two workers"}),
    (nn.BatchNorm, "forward", averages_by_every_worker, nn.BatchNorm(), (4,), {"two workers"}),
    (nn.BatchNorm, "backward", no_batch_terms, nn.BatchNorm(), (4,), {"dx"}),
    (nn.LayerNorm, "adjoint", no_curvature, nn.LayerNorm(), (6,), {"adjoint dx"}),
    (nn.LayerNorm, "grads", tangent_not_in_gamma, nn.LayerNorm(), (6,), {"second order dgamma"}),
    (nn.OneHot, "transpose", first_columns_lost, nn.OneHot(3), (4,), {"dx", "transposed"}),
    (nn.Projection, "product_w", wrong_class, nn.Projection(3), (4,), {"dE"}),
    (nn.Residual, "backward", shortcut_forgotten, nn.Residual((nn.Dense(4),)), (4,), {"dx", "transposed"}),
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{type(bug[3]).__name__}-{getattr(bug[2], '__name__', bug[1])}")
def test_a_bug_turns_the_checks_red(bug, monkeypatch):
    owner, name, replacement, layer, shape, expected = bug
    monkeypatch.setattr(owner, name, replacement)
    red = {c.what for c in check_layer(layer, shape) if not c.passed}
    assert expected <= red


def test_slope_is_exact_and_puts_the_array_back():
    x = np.array([1.0, 2.0, -3.0])
    before = x.copy()
    d = np.array([5.0, 0.0, 1.0])
    assert relative(slope(lambda: np.sin(x), x, d), np.cos(before) * d) < 1e-11
    np.testing.assert_array_equal(x, before)


def test_a_kink_inside_the_step_is_seen_and_one_outside_is_not():
    x = np.array([0.3 * checking.STEP])
    with pytest.raises(Kink):
        slope(lambda: np.maximum(x, 0), x, np.ones(1))
    x[0] = 2 * checking.STEP
    assert slope(lambda: np.maximum(x, 0), x, np.ones(1)) == pytest.approx(1)


FIRST = float(stream(0, "check").standard_normal())
"""The first number of the first point that is tried for a layer without parameters."""


class Bent(nn.Pointwise):
    """A ReLU whose kink lies right below that number."""

    piecewise_linear = True

    def f(self, x, out):
        np.maximum(x - (FIRST - 1e-6), 0, out=out)

    def df(self, x, y, out):
        np.greater(x, FIRST - 1e-6, out=out)


@pytest.mark.parametrize(("layer", "again"), [(nn.ReLU(), 0), (Bent(), 3)])
def test_points_near_a_kink_are_drawn_again(layer, again, monkeypatch):
    """First order, tangents and second order each take the next point of the series."""
    tried = []
    monkeypatch.setattr(checking, "stream", lambda seed, name: tried.append((name, seed)) or stream(seed, name))
    checks = check_layer(layer, (6,))
    assert [c for c in checks if not c.passed] == []
    assert [seed for name, seed in tried if name == "check" and seed] == [1] * again
    whats = [c.what for c in checks]
    assert whats == ["dx", "transposed", "tangent", "adjoint dtx", "adjoint dx", "two workers"]


class Restless(nn.Tanh):
    """A layer that is not a function."""

    def f(self, x, out):
        self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
        out[...] = np.tanh(x) + 1e-3 * np.sin(self.calls)


def test_what_is_no_function_never_passes():
    checks = check_layer(Restless(), (3,))
    red = [c for c in checks if not c.passed]
    assert any(c.what == "first_order: finite differences disagree at every point" and np.isnan(c.error) for c in red)


def test_a_gradient_of_zero_may_be_zero_and_nothing_else():
    x, rng = np.ones(3), np.random.default_rng(0)
    assert gradient_error(lambda: 1.0, x, np.zeros(3), rng) == 0
    assert gradient_error(lambda: 1.0, x, np.full(3, 1e-6), rng) > checking.TOLERANCE

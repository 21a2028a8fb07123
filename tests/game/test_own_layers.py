"""A user's layer that breaks a promise is refused by a sentence; one that keeps them plays."""

from dataclasses import dataclass

import numpy as np
import pytest

from mulligan.errors import UnsupportedError
from mulligan.game import GAN, R1
from mulligan.game.checking import NETS, game_of
from mulligan.nn import layers as nn
from mulligan.nn.checking import check_layer, report_errors
from mulligan.nn.layers import He

_, D, SHAPE = NETS["mlp"]


class Conditional(nn.Projection):
    """A user's layer that knows the class of each row."""


def refused(error, match, game):
    with pytest.raises(error, match=match):
        GAN(game, SHAPE, workers=1)


class FirstOrder(nn.Pointwise):
    """x²: a user's activation without f″."""

    def f(self, x, out):
        np.multiply(x, x, out=out)

    def df(self, x, y, out):
        np.multiply(x, 2, out=out)


@dataclass(frozen=True)
class Doubled(nn.Layer):
    """2x, by a user's layer with a number of NumPy in one of its passes."""

    astray: str = ""
    piecewise_linear = True

    def by(self, method):
        return np.float64(2) if method == self.astray else 2

    def forward(self, m, x):
        return x * self.by("forward")

    def backward(self, m, dy, inputs=True):
        return dy * self.by("backward")

    def tangent(self, m, tx):
        return tx * self.by("tangent")


class Halved(nn.LinearMap):
    """A user's layer whose passes are not of the shape that it announces."""

    def apply(self, m, x, name):
        return x[:, ::2]

    def transpose(self, m, dy, name):
        return dy


@dataclass(frozen=True)
class Weighted(nn.Affine):
    """x ⊙ w: a user's layer with weights, and without directions for spectral norm."""

    def params(self, shape):
        return {"W": nn.Param(shape, He())}

    def product(self, m, x, name):
        return np.multiply(x, m.weights["W"], out=m.buffers[name, x.shape])

    def product_x(self, m, dy, name):
        return np.multiply(dy, m.weights["W"], out=m.buffers[name, dy.shape])

    def product_w(self, m, x, dy):
        m.add("W", np.sum(x * dy, axis=0))


class Idle(Doubled):
    """2x, by a user's layer with weights that get no gradient."""

    def params(self, shape):
        return {"W": nn.Param(shape, He())}


class Forgetful(Doubled):
    def forward(self, m, x):
        x * 2


@dataclass(frozen=True)
class Returned(nn.Pointwise):
    """x²: a user's activation, one of whose functions returns what it should write."""

    method: str

    def given(self, method, value, out):
        if method == self.method:
            return value
        out[...] = value
        return out  # as ``return np.multiply(x, x, out=out)`` does

    def f(self, x, out):
        return self.given("f", x * x, out)

    def df(self, x, y, out):
        return self.given("df", 2 * x, out)

    def ddf(self, x, y, out):
        return self.given("ddf", np.full_like(x, 2), out)


@pytest.mark.parametrize("method", ["f", "df", "ddf"])
def test_a_users_activation_that_returns_what_it_should_write(method):
    assert [c.what for c in report_errors("own", lambda: check_layer(Returned(method), (6,)))] == [
        f"raises UnsupportedError: Returned.{method} must write its result into out, got an array returned and out "
        "left as it was. Try out[...] = …."
    ]


def test_a_users_activation_without_its_slope_is_named():
    class Flat(nn.Pointwise):
        def f(self, x, out):
            out[...] = x

    with pytest.raises(TypeError, match=r"Flat.* abstract method '?df"):
        Flat()


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (Doubled("forward"), r"^Doubled\.forward .*float32 of shape \(4, 6\).*, got float64 of shape \(4, 6\)"),
        (Doubled("backward"), r"Doubled\.backward must .* got float64"),
        (Doubled("tangent"), r"Doubled\.tangent must .* got float64"),
        (Halved(), r"Halved\.forward must .*got float32 of shape \(4, 3\)"),
        (Forgetful(), r"Forgetful\.forward must .* got None"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_users_layer_that_passes_on_another_dtype_or_shape(layer, match, wrapped):
    with pytest.raises(UnsupportedError, match=match):
        check_layer(nn.Residual((layer,)) if wrapped else layer, (6,))


def test_a_users_layer_that_keeps_to_its_network_plays():
    for dtype in (np.float32, np.float64):
        game = game_of(d=(D[0], Doubled(), *D[1:]), penalties=(R1(),))
        assert np.isfinite(GAN(game, SHAPE, workers=1, dtype=dtype).step(np.ones((4, 4)))["d_loss"])


def test_a_users_layer_with_weights_is_checked():
    assert all(check.passed for layer in (Weighted(), Idle()) for check in check_layer(layer, (6,)))


def test_a_users_layer_without_a_second_order():
    @dataclass(frozen=True)
    class Bare(Doubled):
        tangent = nn.Layer.tangent

    bare = game_of(d=(D[0], Bare(), *D[1:]), penalties=(R1(),))
    refused(UnsupportedError, r"Bare must not be in a discriminator.*Write its tangent and adjoint, or take", bare)


def test_an_activation_without_a_second_derivative():
    curved = (D[0], FirstOrder(), D[2])
    refused(UnsupportedError, "FirstOrder.*ddf", game_of(d=(*curved, nn.Dense(1)), penalties=(R1(),)))
    GAN(game_of(d=(*curved, nn.Dense(1)), update="simultaneous"), SHAPE, workers=1)


def test_a_users_layer_that_knows_classes_is_given_one_for_each_row():
    own = Conditional(classes=3)
    assert all(check.passed for check in check_layer(own, (5,)))

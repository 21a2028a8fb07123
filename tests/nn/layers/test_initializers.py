"""Initialisers: statistics, fans, the same draws for both dtypes."""

import math

import numpy as np
import pytest

from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.nn.layers import INITIALIZERS, Alike, Fill, He, Normal, Scaled, Zeros

FAN_IN, FAN_OUT = 150, 50
SHAPE = (300, 400)


def filled(init, shape=SHAPE, dtype=np.float64, seed=0):
    out = np.full(shape, np.nan, dtype)
    init.fill(out, FAN_IN, FAN_OUT, np.random.default_rng(seed))
    assert out.dtype == dtype
    return out


STATISTICS = [
    (He(), math.sqrt(2 / (1.04 * 150)), 3.0),
    (He(slope=0.0), math.sqrt(2 / 150), 3.0),
    (He(slope=1.0, gain=0.5), 0.5 * math.sqrt(1 / 150), 3.0),
    (Normal(std=0.3), 0.3, 3.0),
    (Scaled(He(slope=0.0), by=0.002), 0.002 * math.sqrt(2 / 150), 3.0),
]


@pytest.mark.parametrize(("init", "std", "kurtosis"), STATISTICS, ids=lambda case: repr(case))
def test_mean_spread_and_kind_of_distribution(init, std, kurtosis):
    w = filled(init).ravel()
    assert abs(w.mean()) < 5 * std / math.sqrt(w.size)
    assert w.std() == pytest.approx(std, rel=0.01)  # 5 standard errors of a normal sample of this size
    assert np.mean((w / w.std()) ** 4) == pytest.approx(kurtosis, rel=0.03)


def test_constants():
    assert np.array_equal(filled(Zeros()), np.zeros(SHAPE))
    assert np.array_equal(filled(Fill(0.25)), np.full(SHAPE, 0.25))
    assert np.array_equal(filled(Scaled(Fill(0.25), by=-2.0)), np.full(SHAPE, -0.5))


def test_outputs_of_a_group_start_nearly_alike():
    groups, started = (filled(init).reshape(-1, 4) for init in (He(), Alike(He(), count=4)))
    np.testing.assert_allclose(started, 0.9 * groups[:, :1] + 0.1 * groups, rtol=1e-12)


@pytest.mark.parametrize("init", [cls() for cls in INITIALIZERS.values()], ids=repr)
def test_both_dtypes_see_the_same_draws(init):
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    w32, w64 = np.empty((30, 20), np.float32), np.empty((30, 20))
    init.fill(w32, FAN_IN, FAN_OUT, one)
    init.fill(w64, FAN_IN, FAN_OUT, two)
    np.testing.assert_allclose(w32, w64, rtol=2e-7)
    assert one.random() == two.random()


@pytest.mark.parametrize(
    ("layer", "shape", "name", "fans"),
    [
        (nn.Dense(5), (7,), "W", (7, 5)),
        (nn.Projection(4), (7,), "W", (7, 1)),
        (nn.Projection(4), (7,), "E", (7, 1)),
        (nn.ConvTranspose2d(16, kernel=3, stride=1), (8, 8, 6), "W", (9 * 6, 9 * 16)),
        (nn.Conv2d(16, kernel=3, stride=1), (8, 8, 6), "W", (9 * 6, 9 * 16)),
        (nn.Conv2d(16, kernel=4, stride=2), (8, 8, 6), "W", (16 * 6, 4 * 16)),
        (nn.ConvTranspose2d(16, kernel=4, stride=2), (8, 8, 6), "W", (4 * 6, 16 * 16)),
        (nn.Conv2d(1, kernel=1, stride=3), (6, 6, 1), "W", (1, 1)),  # most pixels are in no window; never below 1
        (nn.ConvTranspose2d(1, kernel=1, stride=3), (6, 6, 1), "W", (1, 1)),
    ],
)
def test_layers_tell_the_inputs_and_outputs_of_a_unit(layer, shape, name, fans):
    (entry,) = (entry for entry in Network(layer, shape).entries if entry.path == name)
    assert (entry.param.fan_in, entry.param.fan_out) == fans


@pytest.mark.parametrize(
    ("layer", "shape", "starts"),
    [
        (nn.Dense(3, Fill(2), bias_init=Fill(5)), (4,), {"W": 2, "b": 5}),
        (nn.Conv2d(3, init=Fill(2), bias_init=Fill(5)), (4, 4, 1), {"W": 2, "b": 5}),
        (nn.ConvTranspose2d(3, init=Fill(2), bias_init=Fill(5)), (4, 4, 1), {"W": 2, "b": 5}),
        (nn.Projection(3, Fill(2), Fill(5)), (4,), {"W": 2, "E": 5, "b": 0}),
        (nn.LayerNorm(), (4,), {"gamma": 1, "beta": 0}),
        (nn.BatchNorm(), (4,), {"gamma": 1, "beta": 0, "mean": 0, "var": 1}),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_each_parameter_begins_with_its_own_initialiser(layer, shape, starts):
    network = Network(layer, shape)
    assert not any(array.any() for array in network.tensors().values())
    network.initialise(np.random.default_rng(0))
    assert {name: set(array.ravel()) for name, array in network.tensors().items()} == {
        name: {start} for name, start in starts.items()
    }

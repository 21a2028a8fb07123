"""The optimisers' page: the functions by differences, the walks by hand, the rule that chooses a rate."""

import numpy as np
import pytest

from experiments.landscapes import LANDSCAPES, RATES, Beale, Saddle, choose, walk
from mulligan.nn.optimizers import SGD, Momentum

BOTH = pytest.mark.parametrize("landscape", LANDSCAPES.values(), ids=LANDSCAPES)


def value_at(landscape, point):
    return float(landscape.value(np.array(point[0]), np.array(point[1])))


@BOTH
def test_the_gradient_is_that_of_the_value(landscape):
    rng, h = np.random.default_rng(0), 1e-5
    points = rng.uniform([landscape.x[0], landscape.y[0]], [landscape.x[1], landscape.y[1]], (50, 2))
    for point in [*points, np.array(landscape.start)]:
        for axis in np.eye(2):
            difference = (value_at(landscape, point + h * axis) - value_at(landscape, point - h * axis)) / (2 * h)
            by_hand = landscape.gradient(point) @ axis
            assert abs(difference - by_hand) <= 1e-7 * max(1.0, abs(by_hand))


@BOTH
def test_the_minima_are_where_and_as_low_as_they_are_said_to_be(landscape):
    for minimum in landscape.minima:
        assert value_at(landscape, minimum) == pytest.approx(landscape.lowest, abs=1e-15)
        assert landscape.gradient(np.array(minimum)) == pytest.approx(np.zeros(2), abs=1e-12)
    x, y = np.meshgrid(np.linspace(-5, 5, 401), np.linspace(-5, 5, 401))
    assert landscape.value(x, y).min() >= landscape.lowest


def test_a_walk_is_the_papers_own_lines():
    one = walk(Momentum(momentum=0.9), Beale(), 0.002)
    theta, v, beale = np.array(Beale().start), np.zeros(2), Beale()
    for step in range(1, 6):
        v = 0.9 * v - 0.002 * beale.gradient(theta)
        theta = theta + v
        assert one.path[step] == pytest.approx(theta, rel=1e-13)
    assert one.values[5] == pytest.approx(value_at(beale, theta), rel=1e-12)
    assert one.path[0] == pytest.approx(beale.start, abs=0)
    assert one.path.shape == (beale.steps + 1, 2)


def test_arrival_is_when_f_stays_low_not_when_it_first_is():
    one = walk(Momentum(), Saddle(), 0.1)
    low = one.values < Saddle().lowest + Saddle().near
    assert np.flatnonzero(low)[0] < one.arrived  # it is low, and swings out again
    assert low[one.arrived :].all()
    assert not low[one.arrived - 1]


def test_the_rule_prefers_the_soonest_and_then_the_lower_rate():
    soonest = choose(SGD(), Saddle())
    arrivals = {lr: walk(SGD(), Saddle(), lr).arrived for lr in RATES}
    best = min(steps for steps in arrivals.values() if steps is not None)
    assert soonest.arrived == best
    assert soonest.lr == min(lr for lr, steps in arrivals.items() if steps == best)

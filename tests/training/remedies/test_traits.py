"""What diagnosis knows of layers is true of them."""

import math

import numpy as np
import pytest

from mulligan.nn.layers import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from mulligan.training.remedies.changes import REACH, reach_of


@pytest.mark.parametrize("layer", [ReLU(), Sigmoid(), Tanh(), Softplus()], ids=repr)
def test_what_is_marked_as_its_reach_is_all_that_a_layer_gives(layer):
    x = np.linspace(-30, 30, 301)
    y = np.empty_like(x)
    layer.f(x, y)
    low, high = reach_of(layer)
    assert y.min() == pytest.approx(low, abs=1e-9)
    assert y.max() == pytest.approx(min(high, 30.0), abs=1e-9)


def test_a_layer_reaches_as_far_as_the_one_that_it_is_derived_from():
    class Own(Tanh):
        pass

    assert reach_of(Own()) == REACH[Tanh]
    assert reach_of(LeakyReLU()) == reach_of(None) == (-math.inf, math.inf)

"""The digits, once for all tests of this folder."""

import numpy as np
import pytest

from mulligan.data import load


@pytest.fixture(scope="session")
def digits():
    return load("mnist")


@pytest.fixture
def rng():
    return np.random.default_rng(20180704)

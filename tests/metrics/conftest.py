"""The digits, once for all tests of this folder."""

import numpy as np
import pytest

from mulligan.data import load
from mulligan.metrics import registry


@pytest.fixture(scope="session")
def digits():
    return load("mnist")


@pytest.fixture
def rng():
    return np.random.default_rng(20180704)


@pytest.fixture(scope="session", autouse=True)
def no_net():
    """Ask no net in evaluations, which takes seconds; a test of that sets the least number of pictures back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "FEWEST", 1 << 30)
        yield

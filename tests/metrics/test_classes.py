import numpy as np
import pytest
import scipy.stats

from mulligan.metrics import count_classes


def sure(label, count=10, p=0.91):
    """Probabilities of a classifier that gives each picture its class with probability p."""
    rows = np.full((len(label), count), (1 - p) / (count - 1))
    rows[np.arange(len(label)), label] = p
    return rows


def test_junk_is_what_no_class_has_for_sure():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0], [0.49, 0.31, 0.2]])
    found = count_classes(p)
    assert found.histogram == pytest.approx((1 / 3, 1 / 3, 0.0))
    assert found.junk == pytest.approx(1 / 3)
    assert sum(found.histogram) + found.junk == pytest.approx(1.0)
    assert found.effective_modes == pytest.approx(2.0)  # evenly, among the two pictures that have a class
    junk = count_classes(np.full((50, 3), 1 / 3))
    assert (junk.junk, junk.modes, junk.effective_modes) == (1.0, 0, 0.0)


def test_modes_and_effective_modes():
    even = count_classes(sure(np.arange(1000) % 10))
    assert (even.modes, even.effective_modes) == (10, pytest.approx(10.0))
    one = count_classes(sure(np.full(1000, 3)))
    assert (one.modes, one.effective_modes) == (1, pytest.approx(1.0))
    # 1 % counts as a mode, less does not.
    few = count_classes(sure(np.repeat([0, 1, 2], [981, 10, 9])))
    assert few.modes == 2
    assert few.effective_modes == pytest.approx(np.exp(scipy.stats.entropy([0.981, 0.010, 0.009])))

import numpy as np
import pytest
from scipy.special import entr, ndtr

from mulligan.metrics import count_classes, modes, stacked_modes

RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def test_modes_of_the_ring(rng):
    std = 0.02
    samples = np.repeat(RING, [100, 100, 100, 0, 50, 1, 0, 0], axis=0)
    astray = np.full((39, 2), 0.5)
    found = modes(np.concatenate([samples + np.array([2.99 * std, 0.0]), astray]), RING, std)
    assert (found.captured, found.high_quality) == (5, 0.9)
    share = np.array([100, 100, 100, 50, 1]) / 351
    assert found.kl == pytest.approx(np.sum(share * np.log(share * 8)), rel=1e-12)
    assert found.kl_floor == 7 / 702
    off = modes(samples + np.array([3.01 * std, 0.0]), RING, std)
    assert (off.captured, off.high_quality, off.kl) == (0, 0.0, np.log(8))


def test_ideal_share_of_high_quality(rng):
    samples = RING[rng.integers(8, size=20_000)] + 0.02 * rng.standard_normal((20_000, 2))
    found = modes(samples, RING, 0.02)
    assert found.high_quality_ideal == pytest.approx(1 - np.exp(-4.5), rel=1e-12)
    assert found.high_quality == pytest.approx(found.high_quality_ideal, abs=4 * np.sqrt(0.011 / 20_000))
    assert found.captured == 8
    assert found.kl < 4 * found.kl_floor
    one = modes(np.array([[0.0]]), np.array([[0.0], [9.0]]), 1.0)
    assert one.high_quality_ideal == pytest.approx(ndtr(3) - ndtr(-3), rel=1e-12)


def test_stacked_digits():
    every = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    found = stacked_modes(every)
    assert (found.captured, found.high_quality, found.high_quality_ideal) == (1000, 1.0, 1.0)
    assert (found.kl, stacked_modes(np.tile([3, 1, 4], (26, 1))).kl) == pytest.approx((0.0, np.log(1000)), abs=1e-12)
    assert stacked_modes(np.tile([[3, 1, 4], [4, 1, 3]], (5, 1))).captured == 2
    assert stacked_modes(np.tile(every, (26, 1))).kl_floor == 999 / 52_000


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
    assert few.effective_modes == pytest.approx(np.exp(entr([0.981, 0.010, 0.009]).sum()))

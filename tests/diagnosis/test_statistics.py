"""Each figure against its definition, written out."""

import math

import numpy as np
import pytest

from mulligan.diagnosis.statistics import add_in_order, bulk, nearness, neighbourhood

RNG = np.random.default_rng(3)
X = (RNG.normal(size=(40, 6, 5, 1)) + 3).astype(np.float32)
KINDS = np.repeat([0, 2, 7, 9], 10)


def test_a_neighbourhood_reaches_to_the_fifth_other_sample_or_to_the_farthest():
    line = np.array([[0.0], [1.0], [3.0], [6.0], [10.0], [15.0], [21.0]], np.float32)
    assert neighbourhood(line, line) == pytest.approx([225, 196, 144, 81, 100, 196, 400])
    assert neighbourhood(line[:3], line[:3]) == pytest.approx([9, 4, 9])
    few = line[[0, 1, 1, 1, 1, 1, 1, 3]]  # a copy has two others, the farther one at a distance of 5
    assert neighbourhood(few, few) == pytest.approx([1] + [25] * 7)
    assert neighbourhood(few[1:7], few[1:7]).tolist() == [0.0] * 6


def test_copies_are_near_and_new_samples_as_far_as_those_seen_from_each_other():
    rng = np.random.default_rng(0)
    seen, new = (rng.standard_normal((n, 200)).astype(np.float32) for n in (300, 100))
    assert nearness(new, seen) == pytest.approx(1.0, abs=0.02)
    assert nearness(seen[:50] + 0.1 * new[:50], seen) < 0.2
    assert nearness(np.concatenate([seen[:60], new[:40]]), seen) < 0.01  # more than half are copies
    assert 0.6 < nearness(np.zeros((3, 200), np.float32), seen) < 0.8  # a blur is no copy
    twice = np.concatenate([seen, seen])
    assert nearness(new, twice) == pytest.approx(nearness(new, seen), rel=0.01)
    assert nearness(new, np.repeat(seen[:1], 9, axis=0)) == math.inf


def test_numbers_are_added_in_turn_on_every_python():
    assert add_in_order([1e16, 1.0, 1.0, -1e16]) == 0.0  # Python 3.12's sum() knows that it is 2


def test_a_few_points_far_out_do_not_widen_the_bulk():
    even = np.linspace(-1, 3, 1001)  # 98 per cent of them between −0.96 and 2.96
    assert bulk(even.reshape(-1, 1)) == (-1.0, 3.0)
    assert bulk(RNG.normal(size=(5000, 2))) == pytest.approx((-3.6, 3.6), abs=0.6)  # all of them
    wild = np.append(even, [500.0, -70.0, 4.8])
    low, high = np.percentile(wild, (1, 99))
    assert bulk(wild) == pytest.approx((1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low))
    assert bulk(np.full(10, 7.0)) == (7.0, 7.0)

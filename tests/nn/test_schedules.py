"""Schedules: their ends, their way between, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.nn.schedules import Cosine, Geometric, Linear, StepDecay

values = st.floats(1e-6, 1e3)
totals = st.integers(1, 10_000)


@st.composite
def windows(draw):
    """Two fractions of a run, the first below the second."""
    first, second = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
    return first / 100, second / 100


@st.composite
def moving(draw):
    """A schedule that goes from one value to another, the two values, and the window in which it moves."""
    start, end, (from_, until) = draw(values), draw(values), draw(windows())
    cls = draw(st.sampled_from([Geometric, Linear, Cosine]))
    if cls is Geometric:
        return Geometric(start, end, until), start, end, 0.0, until
    return cls(start, end, from_, until), start, end, from_, until


@settings(deadline=None)
@given(moving(), totals)
def test_starts_and_ends_exactly(case, total):
    schedule, start, end, _, _ = case
    assert schedule(0, total) == start
    assert schedule(total, total) == end
    assert schedule(total + 5, total) == end
    assert type(schedule(total // 2, total)) is float


@settings(deadline=None)
@given(moving())
def test_moves_in_its_window_only_and_monotonically(case):
    schedule, start, end, from_, until = case
    run = [schedule(step, 200) for step in range(201)]
    before, after = round(from_ * 200), round(until * 200)
    assert run[: before + 1] == pytest.approx([start] * (before + 1), rel=1e-9)
    assert run[after:] == pytest.approx([end] * (201 - after), rel=1e-9)
    slack = 1e-12 * max(start, end)
    sign = 1 if end >= start else -1
    assert all(sign * (b - a) >= -slack for a, b in zip(run, run[1:]))


def test_the_middle_of_the_way():
    assert Linear(1.0, 0.2)(50, 100) == pytest.approx(0.6)
    assert Linear(1.0, 0.2, from_=0.5)(75, 100) == pytest.approx(0.6)
    assert Geometric(1.0, 0.01, until=0.5)(25, 100) == pytest.approx(0.1)
    assert Geometric(0.1, 0.01, until=0.5)(50, 100) == 0.01
    assert Cosine(1.0, 0.2)(50, 100) == pytest.approx(0.6)
    # SGDR, Eq. 5, a quarter of the way: ½(1 + cos π/4) of the distance to the end is left
    assert Cosine(1.0, 0.2)(25, 100) == pytest.approx(0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi / 4)))
    assert Cosine(from_=0.5)(50, 100) == 1.0
    assert Cosine(from_=0.5)(75, 100) == pytest.approx(0.5)


def test_step_decay_acts_from_the_step_after():
    article = StepDecay(value=9e-5, factor=0.01, at=(0, 40))
    assert article(0, 100) == 9e-5
    assert article(1, 100) == pytest.approx(9e-7)
    assert article(40, 100) == pytest.approx(9e-7)
    assert article(41, 100) == pytest.approx(9e-9)
    assert StepDecay(at=[0, np.int64(40)]) == StepDecay(at=(0, 40))

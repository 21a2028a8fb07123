"""What moves over long vectors: blocks cover a range exactly; averages by their formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.nn import AVERAGES, EMA
from mulligan.nn.memory import BLOCK, LINE, blocks, even_parts


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_blocks_cover_a_range_once(start, n):
    parts = list(blocks(slice(start, start + n)))
    assert all(part.start % LINE == 0 for part in parts[1:])
    assert [i for part in parts for i in (part.start, part.stop)] == sorted(
        [start, start + n] * (n > 0) + [part.start for part in parts[1:]] * 2
    )
    assert all(0 < part.stop - part.start <= BLOCK for part in parts)


@pytest.mark.parametrize(("start", "n", "count"), [(0, 100, 3), (5, 1000, 2), (3, 10, 4), (0, 0, 2), (16, 16, 5)])
def test_even_parts_cover_a_range_once_and_begin_on_lines(start, n, count):
    parts = even_parts(start, start + n, count)
    assert len(parts) == count
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(start, start + n))
    assert all(part.start % LINE == 0 or part.start in (start, start + n) for part in parts)
    if n >= 10 * LINE * count:
        assert max(part.stop - part.start for part in parts) - n / count <= LINE


def follow(average, path):
    """Give the average after each row of a path."""
    mean = np.full(path.shape[1], 123.0, path.dtype)
    for step, theta in enumerate(path):
        before = theta.copy()
        average.update(mean, theta, step, slice(0, theta.size))
        assert np.array_equal(theta, before)
        yield mean.copy()


def walk(steps=40, n=5):
    return np.cumsum(np.random.default_rng(0).standard_normal((steps, n)), axis=0)


def test_ema_is_the_weighted_sum_of_its_definition():
    path, half_life, ramp = walk(), 4.0, 0.25
    beta = [0.0] + [0.5 ** (1 / min(half_life, ramp * t)) for t in range(1, len(path))]
    weights = np.array([(1 - beta[i]) * np.prod(beta[i + 1 :]) for i in range(len(path))])
    assert weights.sum() == pytest.approx(1)
    *_, last = follow(EMA(half_life, ramp), path)
    np.testing.assert_allclose(last, weights @ path, rtol=1e-12)


@given(st.integers(1, 10**7))
def test_ema_weight(step):
    ema = EMA(half_life=1000, ramp=0.05)
    assert 0 < ema.weight(step) < 1 or step < 2
    assert ema.weight(step) >= ema.weight(step + 1)
    assert (1 - ema.weight(step)) ** min(1000, 0.05 * step) == pytest.approx(0.5, abs=1e-9)
    assert ema.weight(20_000) == ema.weight(10**9)


@pytest.mark.parametrize("average", [cls() for cls in AVERAGES.values()], ids=repr)
@pytest.mark.parametrize("step", [0, 7])
def test_parts_equal_one_sweep_and_float32_stays(average, step):
    n, cut = BLOCK + 333, 20_001
    rng = np.random.default_rng(0)
    theta, whole = rng.standard_normal((2, n)).astype(np.float32)
    parts = whole.copy()
    expected = whole + np.float32(average.weight(step)) * (theta - whole)
    average.update(whole, theta, step, slice(0, n))
    average.update(parts, theta, step, slice(cut, n))
    assert not np.array_equal(parts, whole)
    average.update(parts, theta, step, slice(0, cut))
    assert parts.tobytes() == whole.tobytes()
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)


def test_allocates_nothing_that_grows(peak_of):
    n = 3 * BLOCK
    theta, mean = np.ones(n, np.float32), np.zeros(n, np.float32)
    EMA().update(mean, theta, 5, slice(0, n))

    def follow():
        for step in range(6):
            EMA().update(mean, theta, step, slice(0, n))

    assert peak_of(follow) < 10_000

"""The sliced Wasserstein distance, and floors by splitting."""

import numpy as np
import pytest

from mulligan.metrics import frechet_distance, moments, noise_floor, sliced_wasserstein, split_floor


def test_a_shift_is_its_squared_length(rng):
    x, shift = rng.standard_normal((500, 8)), np.arange(8.0)
    assert sliced_wasserstein(x, x) == 0.0
    expected = frechet_distance(moments(x), moments(x + shift))
    assert sliced_wasserstein(x, x + shift, directions=20_000) == pytest.approx(expected, rel=0.02)


def test_in_one_dimension_it_is_the_distance_of_sorted_values(rng):
    x, y = rng.standard_normal((300, 1)), rng.standard_normal((300, 1)) ** 3
    expected = np.mean((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2)
    assert sliced_wasserstein(x, y, directions=3) == pytest.approx(expected, rel=1e-5)
    assert sliced_wasserstein(x, np.repeat(y, 5, axis=0)) == pytest.approx(expected, rel=0.05)  # more of the same


def test_it_sees_what_moments_do_not(rng):
    x, y = rng.standard_normal((4000, 2)), rng.choice([-1.0, 1.0], (4000, 2))
    assert frechet_distance(moments(x), moments(y)) < 2 * noise_floor(np.eye(2), 4000, 4000)
    assert sliced_wasserstein(x, y) > 20 * split_floor(sliced_wasserstein, x, 4000)


@pytest.mark.parametrize("n", [20, 60, 200, 1000])
@pytest.mark.parametrize("name", ["fd", "sliced"])
def test_the_floor_is_what_two_sets_of_reals_show(rng, n, name):
    def fd(a, b):
        return frechet_distance(moments(a), moments(b))

    distance = {"fd": fd, "sliced": lambda a, b: sliced_wasserstein(a, b, directions=50)}[name]
    scales = 0.95 ** np.arange(48)

    def real():
        return scales * rng.standard_normal((n, 48))

    seen = np.mean([distance(real(), real()) for _ in range(20)])
    floors = np.mean([split_floor(distance, real(), n) for _ in range(12)])
    assert floors == pytest.approx(seen, rel=0.15)
    if name == "fd" and n == 20:
        assert np.mean([noise_floor(moments(real()).cov, n, n) for _ in range(6)]) < 0.7 * seen  # as it was
    more = split_floor(distance, real()[: n // 2], 2 * n)
    assert more == pytest.approx(seen / 2, rel=0.6)


def test_reals_that_are_all_the_same_have_a_floor_of_zero():
    assert split_floor(sliced_wasserstein, np.ones((8, 2)), 8) == 0.0

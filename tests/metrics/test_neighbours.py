import numpy as np
import pytest
from scipy.spatial.distance import cdist

from mulligan.metrics import coverage_ideal, manifolds, nearest, neighbours
from mulligan.metrics.neighbours import on_grid


def by_definition(real, fake, k, k_coverage):
    """The three figures, set by set, from all distances at once."""
    own = lambda x, k: np.sort(cdist(x, x), axis=1)[:, k]  # noqa: E731 - column 0 is the point itself
    d = cdist(real, fake)
    precision = (d <= own(real, k)[:, None]).any(axis=0).mean()
    recall = (d <= own(fake, k)[None, :]).any(axis=1).mean()
    dense = own(real, k_coverage)
    coverage = (d.min(axis=1) < dense).mean()
    return precision, recall, coverage


def figures(found):
    return found.precision, found.recall, found.coverage


@pytest.mark.parametrize(("k", "k_coverage"), [(3, 5), (1, 2), (4, 1)])
def test_against_the_definition_with_ties(rng, k, k_coverage):
    # Whole numbers: cdist is exact, many distances are equal, so ≤ and < differ.
    real, fake = rng.integers(0, 6, (90, 3)), rng.integers(1, 8, (70, 3))
    expected = by_definition(real.astype(float), fake.astype(float), k, k_coverage)
    assert figures(manifolds(real, fake, k=k, k_coverage=k_coverage)) == pytest.approx(expected, rel=1e-14)


def test_equal_sets_score_one_exactly(rng):
    x = rng.standard_normal((300, 20)).astype(np.float32)
    assert figures(manifolds(x, rng.permutation(x))) == (1.0, 1.0, 1.0)


def test_the_roles_of_precision_and_recall_swap(rng):
    x, y = rng.standard_normal((120, 4)), 0.3 * rng.standard_normal((140, 4))
    there, back = manifolds(x, y), manifolds(y, x)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert (there.coverage_ideal, back.coverage_ideal) == (coverage_ideal(120, 140), coverage_ideal(140, 120))
    assert there.precision > 0.95 > there.recall  # a collapsed set is precise and recalls little


def test_same_figures_to_the_last_digit_in_any_order_and_block(rng, monkeypatch):
    x, y = rng.standard_normal((257, 33)), rng.standard_normal((193, 33)) * 1.1
    expected = manifolds(x, y)
    assert manifolds(rng.permutation(x), rng.permutation(y)) == expected
    for block in (1, 1000, 20_011):
        monkeypatch.setattr(neighbours, "BLOCK", block)
        assert manifolds(x, y) == expected


def test_no_cancellation_far_from_the_origin(rng):
    x, y = rng.standard_normal((50, 10)), rng.standard_normal((60, 10))
    near, _ = nearest(x + 1e6, y + 1e6, k=60)
    np.testing.assert_allclose(near, np.sort(cdist(x, y), axis=1), rtol=1e-5)
    assert not nearest(x + 1e6, x + 1e6)[0].any()


def test_a_copy_is_at_distance_zero_and_all_others_are_right(rng):
    train = rng.standard_normal((400, 64)).astype(np.float32)
    distance, index = nearest(train, train, k=300)  # so many that NumPy does not sort them all on the way
    assert index[:, 0].tolist() == [*range(400)]
    assert not distance[:, 0].any()
    np.testing.assert_allclose(distance, np.sort(cdist(train, train), axis=1)[:, :300], rtol=1e-5)


@pytest.mark.parametrize("d", [1, 2, 64, 100, 128, 784])
def test_the_grid_leaves_every_sum_exact(rng, d):
    x, y = on_grid(rng.standard_normal((5, d)), 3 * rng.standard_normal((6, d)))
    assert np.array_equal(x, np.rint(x))
    top = max(x.max(), y.max())
    assert x.min() >= 0
    assert 2 * d * top**2 <= 2.0**53  # the bound on partial sums
    assert top >= 2.0**19  # and yet fine


@pytest.mark.parametrize("size", [5e-324, 1e-320, 2.3e-308, 1e-302])
def test_points_as_near_as_floats_can_be(size):
    x = np.array([[0.0, 0.0], [3 * size, 0.0], [0.0, 4 * size]])
    distance, index = nearest(x, x, k=2, skip=np.arange(3))
    assert index.tolist() == [[1, 2], [0, 2], [0, 1]]
    np.testing.assert_allclose(distance / size, [[3, 4], [3, 5], [4, 5]], rtol=1e-6)


def test_all_points_in_one_place():
    x = np.full((9, 3), 2.5)
    assert nearest(x, x)[0].max() == 0.0
    assert figures(manifolds(x, x)) == (1.0, 1.0, 0.0)  # nothing is nearer than a radius of 0


@pytest.mark.parametrize("slab", [8192, 25, 1])  # all points at once, a few of them, or as few as there are neighbours
def test_nearest_against_all_distances_sorted_and_without_itself(rng, monkeypatch, slab):
    monkeypatch.setattr(neighbours, "SLAB", slab)
    x, y = rng.standard_normal((80, 6)), rng.standard_normal((90, 6))
    where = cdist(x, y).argsort(axis=1)[:, :3]
    distance, index = nearest(x, y, k=3)
    assert np.array_equal(index, where)
    np.testing.assert_allclose(distance, np.sort(cdist(x, y), axis=1)[:, :3], rtol=1e-6)
    where = (cdist(y, y) + np.diag(np.full(90, np.inf))).argsort(axis=1)[:, :2]
    distance, index = nearest(y, y, k=2, skip=np.arange(90))
    assert np.array_equal(index, where)
    distance, index = nearest(y[10:20], y, skip=np.arange(10, 20))
    assert np.array_equal(index, where[10:20, :1])


@pytest.mark.parametrize("slab", [8192, 1])
def test_of_points_as_near_the_first_is_taken(rng, monkeypatch, slab):
    monkeypatch.setattr(neighbours, "SLAB", slab)
    x = rng.standard_normal((5, 3))
    assert nearest(x, np.tile(x, (9, 1)))[1][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_memory_is_that_of_a_block(rng, monkeypatch, peak_of):
    monkeypatch.setattr(neighbours, "BLOCK", 200_000)
    x, y = rng.standard_normal((3000, 4)), rng.standard_normal((3000, 4))
    assert peak_of(manifolds, x, y) < 6e6  # all distances at once would be 72 MB


def test_coverage_of_equal_distributions(rng):
    assert coverage_ideal(3, 2, 1) == pytest.approx(1 - 2 / 4)  # nearest of 2 other reals and 2 fakes
    assert coverage_ideal(4, 2, 2) == pytest.approx(1 - (3 * 2) / (5 * 4))
    assert coverage_ideal(10_000, 10_000) == pytest.approx(0.969, abs=5e-4)
    assert coverage_ideal(10**9, 10**9, 3) == pytest.approx(1 - 2**-3, rel=1e-8)
    seen = [
        manifolds(rng.standard_normal((60, 2)), rng.standard_normal((40, 2)), k_coverage=3).coverage for _ in range(300)
    ]
    error = np.std(seen) / np.sqrt(len(seen))
    assert abs(np.mean(seen) - coverage_ideal(60, 40, 3)) < 3.5 * error

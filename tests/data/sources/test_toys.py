import numpy as np
import pytest
from scipy.special import chdtri, ndtr

from mulligan.data import TOYS, load


def is_normal(x):
    """Kolmogorov and Smirnov's test at a level of 0.001."""
    apart = np.abs(ndtr(np.sort(x)) - np.arange(len(x)) / len(x)).max()
    return apart * np.sqrt(len(x)) < 1.95


@pytest.mark.parametrize("name", TOYS)
def test_a_named_toy_is_the_same_every_time(name):
    first, second = load(name), load(name)
    d = 1 if name == "jang" else 2
    assert first.images.shape == (50_000, d)
    assert first.test.images.shape == (10_000, d)
    assert first.images.dtype == np.float32
    assert first.labels is None
    assert (first.images == second.images).all()
    assert not (first.images[:10_000] == first.test.images).any(axis=1).all()


def test_one_dimension_is_the_published_gaussian():
    points = load("jang").images[:, 0]
    assert is_normal(points[:5000] + 1.0)
    assert not is_normal(points[:5000] + 0.9)


@pytest.mark.parametrize(("name", "count", "std"), [("ring", 8, 0.02), ("grid", 25, 0.05)])
def test_mixtures_are_the_published_ones(name, count, std):
    toy = TOYS[name]
    assert toy.modes.shape == (count, 2)
    assert toy.std == std
    if name == "ring":
        np.testing.assert_allclose(np.linalg.norm(toy.modes, axis=1), 2.0)
        np.testing.assert_allclose(toy.modes[0], [2, 0])
        angles = np.unwrap(np.arctan2(*toy.modes.T[::-1]))
        np.testing.assert_allclose(np.diff(angles), np.pi / 4)
    else:
        assert sorted(map(tuple, toy.modes)) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_samples_fall_on_all_modes_with_the_right_spread(name):
    toy = TOYS[name]
    points = load(name).images.astype(float)
    nearest = np.linalg.norm(points[:, None] - toy.modes, axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(toy.modes))
    even = len(points) / len(counts)
    assert ((counts - even) ** 2 / even).sum() < chdtri(len(counts) - 1, 1e-3)
    offsets = (points - toy.modes[nearest]) / toy.std
    assert is_normal(offsets.ravel()[:10_000])

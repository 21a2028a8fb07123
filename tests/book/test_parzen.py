"""Parzen windows: the density by hand and by SciPy, and why they are kept for history only."""

import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from experiments.parzen import kmeans, log_likelihoods, parzen, parzen_kmeans
from mulligan.data import load


@pytest.fixture
def rng():
    return np.random.default_rng(20180704)


def test_against_the_sum_by_hand(rng):
    x, samples, s = rng.random((9, 4)), rng.random((13, 4)), 0.3
    expected = [np.log(np.mean([np.prod(norm.pdf(row, g, s)) for g in samples])) for row in x]
    np.testing.assert_allclose(log_likelihoods(x, samples, s), expected, rtol=1e-6)


def test_against_scipy(rng):
    x, samples = rng.standard_normal((30, 1)), rng.standard_normal((50, 1))
    kernel = gaussian_kde(samples[:, 0], bw_method=0.25 / samples.std(ddof=1))
    np.testing.assert_allclose(log_likelihoods(x, samples, 0.25), kernel.logpdf(x[:, 0]), rtol=1e-5, atol=1e-6)


def test_one_sample_and_no_underflow():
    d, s = 784, 0.2
    at = log_likelihoods(np.full((1, d), 0.5), np.full((1, d), 0.5), s)
    assert at[0] == pytest.approx(-d / 2 * np.log(2 * np.pi * s**2), rel=1e-12)
    far = log_likelihoods(np.ones((1, d)), np.zeros((1, d)), s)
    assert at[0] - far[0] == pytest.approx(d / (2 * s**2), rel=1e-9)


def test_the_density_integrates_to_one(rng):
    x = np.linspace(-9, 9, 4001)[:, None]
    p = np.exp(log_likelihoods(x, rng.standard_normal((20, 1)), 0.4))
    assert np.trapezoid(p, x[:, 0]) == pytest.approx(1.0, rel=1e-6)


def test_the_width_is_taken_on_the_validation_pictures(rng):
    samples, validation = rng.random((60, 3)), rng.random((60, 3))
    test = samples[:9] + 0.01  # which alone would have the narrowest
    widths = (0.05, 0.2, 2.0)
    means = [log_likelihoods(validation, samples, s).mean() for s in widths]
    found, width = parzen(samples, validation, test, widths=widths)
    assert width == widths[int(np.argmax(means))] == 0.2
    assert found == pytest.approx(log_likelihoods(test, samples, 0.2).mean(), rel=1e-12)
    by_centres = parzen_kmeans(samples, validation, test, count=40, widths=widths)
    assert by_centres == parzen(kmeans(samples, 40), validation, test, widths=widths)


def test_kmeans_centres_beat_the_data():
    # Theis et al. 2016: why this figure is for history only.
    digits = load("mnist")
    flat = lambda images: images.reshape(len(images), -1) / 255.0  # noqa: E731
    train, validation = flat(digits.images[:1500]), flat(digits.images[1500:1700])
    test = flat(digits.test.images[:300])
    widths = (0.15, 0.2, 0.25)
    data, _ = parzen(train[:150], validation, test, widths=widths)
    centres, _ = parzen_kmeans(train, validation, test, count=150, widths=widths)
    assert centres > data + 20

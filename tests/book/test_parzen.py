"""Parzen windows: the density by hand and by SciPy, and why they are kept for history only."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.parzen import kmeans, log_likelihoods, parzen, parzen_kmeans


@pytest.fixture
def rng():
    return np.random.default_rng(20180704)


def test_against_the_sum_by_hand(rng):
    x, samples, s = rng.random((9, 4)), rng.random((13, 4)), 0.3
    expected = [np.log(np.mean([np.prod(norm.pdf(row, g, s)) for g in samples])) for row in x]
    np.testing.assert_allclose(log_likelihoods(x, samples, s), expected, rtol=1e-6)


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

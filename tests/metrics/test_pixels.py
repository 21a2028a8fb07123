import numpy as np
import pytest
import scipy.ndimage

from mulligan.metrics import sharpness


def random_pictures(rng, n, h=11, w=9, c=2):
    return rng.integers(0, 256, (n, h, w, c)).astype(np.uint8)


def test_against_scipy_however_many_pictures_are_taken_at_a_time(rng, monkeypatch):
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

    def laplacian(x):
        return np.stack([scipy.ndimage.convolve(x[..., c].astype(float), kernel)[1:-1, 1:-1] for c in range(2)])

    fake, real = random_pictures(rng, 6) // 2, random_pictures(rng, 5)
    expected = np.mean([laplacian(x).var() for x in fake]) / np.mean([laplacian(x).var() for x in real])
    assert sharpness(fake, real) == pytest.approx(expected, rel=1e-12)
    assert sharpness(real, real) == 1.0
    monkeypatch.setattr("mulligan.metrics.pixels.BLOCK", 7)
    assert sharpness(fake, real) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("size", "edges"), [((2, 20), True), ((9, 8), False)])
def test_reals_without_an_edge_allow_no_comparison(rng, size, edges):
    noise = random_pictures(rng, 6, *size)
    assert sharpness(noise, noise if edges else np.zeros_like(noise) + noise[:, :1, :1]) is None


def test_large_pictures_need_little_memory(rng, peak_of):
    images = random_pictures(rng, 1500, 64, 64, 3)
    assert peak_of(sharpness, images, images) < 6 * images.nbytes

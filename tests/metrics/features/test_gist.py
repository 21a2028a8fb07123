"""The map of edges and colours: its values by hand, and what it sees."""

import numpy as np
import pytest
from scipy.ndimage import correlate, gaussian_filter

from mulligan.metrics import frechet_distance, gist, moments, pca

KERNELS = [  # by convolution, not by slices: ↔, ↕, both diagonals, Laplacian
    [[0, 0, 0], [-1, 0, 1], [0, 0, 0]],
    [[0, -1, 0], [0, 0, 0], [0, 1, 0]],
    [[-1, 0, 0], [0, 0, 0], [0, 0, 1]],
    [[0, 0, -1], [0, 0, 0], [1, 0, 0]],
    [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
]


def values_of(picture):
    """Detail at three scales, then colour: means over the cells of a 4×4 grid."""

    def cells(plane):
        parts = [half for band in np.split(plane, 4) for half in np.split(band, 4, axis=1)]
        return np.stack([part.mean(axis=(0, 1)) for part in parts])

    x, found = picture / 255.0, []
    colour = cells(x)
    for _ in range(3):
        channels = np.moveaxis(x, 2, 0)
        edges = [np.abs(correlate(one, np.array(kernel), mode="nearest")) for kernel in KERNELS for one in channels]
        found.append(cells(np.stack(edges, axis=2)).ravel())
        x = x.reshape(len(x) // 2, 2, -1, 2, x.shape[2]).mean(axis=(1, 3))
    return np.concatenate([*found, colour.ravel()])


@pytest.mark.parametrize("channels", [1, 2])
def test_the_values_by_hand(rng, channels):
    train = rng.integers(0, 256, (40, 16, 16, channels)).astype(np.uint8)
    phi = gist(train, 8)
    expected = np.stack([values_of(picture) for picture in train])
    np.testing.assert_allclose(phi.mean, expected.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(phi(train), np.arcsinh((expected - expected.mean(axis=0)) @ phi.axes), atol=2e-4)
    found = np.sinh(phi(train).astype(np.float64))
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(8), atol=0.02)


@pytest.mark.parametrize("damage", ["blur", "noise", "darker"])
def test_it_sees_detail_and_colour(rng, digits, damage):
    train, real, other = np.split(digits.images[rng.permutation(len(digits))[:1500]], 3)
    harmed = {
        "blur": lambda x: gaussian_filter(x, (0, 0.8, 0.8, 0)),
        "noise": lambda x: np.clip(x + rng.normal(0, 16, x.shape), 0, 255).astype(np.uint8),
        "darker": lambda x: (x * 0.8).astype(np.uint8),
    }[damage](other)
    phi = gist(train)

    def distance(x):
        return frechet_distance(moments(phi(real)), moments(phi(x)))

    assert distance(harmed) > 1.1 * distance(other)
    assert np.abs(phi(np.zeros_like(real))).max() < 12  # a picture far away does not outweigh all others


def test_each_picture_alone_and_of_any_size(rng, digits):
    phi, test = gist(digits.images[:100], 16), digits.test.images[:100]
    order = rng.permutation(100)
    np.testing.assert_allclose(phi(test)[order], phi(test[order]), atol=1e-5)
    assert phi.sha256 != gist(digits.images[:99], 16).sha256 != pca(digits.images[:99], 16).sha256
    for scales, shape in ((3, (5, 7, 9, 3)), (1, (5, 1, 9, 1)), (2, (40, 2, 3, 4))):
        images = rng.integers(0, 256, shape).astype(np.uint8)
        assert np.isfinite(gist(images)(images)).all()
        assert gist(images).mean.size == 16 * shape[3] * (5 * scales + 1)
    same = np.repeat(images[:1], 9, axis=0)
    assert not gist(same)(same).any()

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from mulligan.metrics import pca
from mulligan.metrics.features.maps import pca_limit


def test_pca_against_singular_vectors(digits):
    train, test = (x.reshape(len(x), -1) / 255.0 for x in (digits.images[:400], digits.test.images[:300]))
    axes = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)[2][:16]
    axes *= np.sign(axes[np.arange(16), np.abs(axes).argmax(axis=1)])[:, None]
    expected = (test - train.mean(axis=0)) @ axes.T
    found = pca(digits.images[:400], 16)
    assert found.name == "pca16"
    features = found(digits.test.images[:300])
    np.testing.assert_allclose(features, expected, atol=2e-3)
    assert features.dtype == np.float32


def test_pca_is_centred_orthonormal_and_falls(digits):
    train = digits.images[:1500]
    phi = pca(train)
    features = phi(train).astype(np.float64)
    cov = np.cov(features, rowvar=False)
    assert np.abs(features.mean(axis=0)).max() < 1e-4
    assert np.abs(cov - np.diag(np.diag(cov))).max() < 1e-3 * cov[0, 0]
    assert (np.diff(np.diag(cov)) < 1e-9).all()
    np.testing.assert_allclose(phi.components.T @ phi.components, np.eye(64), atol=1e-4)
    largest = np.abs(phi.components).argmax(axis=0)
    assert (phi.components[largest, np.arange(64)] > 0).all()


def test_pca_is_the_same_to_the_byte_in_any_order(digits, rng):
    train = digits.images[:1000]
    one, other = pca(train), pca(rng.permutation(train))
    assert one.sha256 == other.sha256
    test = digits.test.images[:70]
    together = one(test)
    assert np.array_equal(together, np.concatenate([one(test[i : i + 1]) for i in range(70)]))
    assert pca(digits.images[:999]).sha256 != one.sha256
    assert pca(train, name="other").sha256 != one.sha256
    assert replace(one, offset=one.offset + 1).sha256 != one.sha256 != replace(one, components=one.offset).sha256


def test_pca_of_few_or_small_pictures(rng):
    few = rng.integers(0, 256, (5, 6, 6, 3)).astype(np.uint8)
    assert pca(few)(few).shape == (5, 4)
    assert pca(few).name == "pca64"
    assert pca(few[:2])(few).shape == pca(few, 1)(few).shape == (5, 1)
    small = rng.integers(0, 256, (50, 3, 2)).astype(np.uint8)
    assert pca(small)(small).shape == (50, 6)


@pytest.mark.parametrize("n", [90, 191, 192, 400])
def test_pca_of_fewer_pictures_than_numbers_in_one(rng, n):
    width = 8 * 8 * 3
    smooth = rng.normal(size=(12, width)).cumsum(axis=1)
    mixed = rng.normal(size=(n, 12)) * np.linspace(6, 1, 12) @ smooth
    train = np.clip(127 + mixed, 0, 255).astype(np.uint8).reshape(n, 8, 8, 3)
    phi = pca(train, 10)
    flat = train.reshape(n, -1).astype(np.float64)
    vectors = np.linalg.eigh(np.cov(flat, rowvar=False))[1]
    assert np.abs(phi(train).mean(axis=0)).max() < 1e-3
    np.testing.assert_allclose(np.abs(np.sum(phi.components * vectors[:, :-11:-1], axis=0)), 1.0, atol=1e-3)
    np.testing.assert_allclose(phi.components.T @ phi.components, np.eye(10), atol=1e-3)
    assert pca(rng.permutation(train), 10).sha256 == phi.sha256


def test_pca_of_a_few_large_pictures_takes_no_minutes(rng, monkeypatch):
    sizes = []
    eigh = scipy.linalg.eigh
    monkeypatch.setattr(scipy.linalg, "eigh", lambda a, **how: sizes.append(a.shape) or eigh(a, **how))
    train = rng.integers(0, 256, (100, 64, 64, 3)).astype(np.uint8)
    assert pca(train)(train).shape == (100, 64)
    same = np.repeat(train[:3], 20, axis=0)  # 57 of whose components have no variance
    np.testing.assert_allclose(pca(same, 59).components.T @ pca(same, 59).components, np.eye(59), atol=1e-2)
    assert set(sizes) == {(100, 100), (60, 60)}


def test_pca_needs_little_memory_beside_a_run_that_trains(rng, peak_of):
    images = rng.integers(0, 256, (10_000, 28, 28, 1), dtype=np.uint8)
    pca(images[:1000])  # imports what it needs
    assert (
        peak_of(pca, images) < 6 * 8 * 784**2
    )  # six matrices of pixels × pixels; all pictures in float64 are thirteen


def test_of_large_pictures_fewer_are_enough():
    assert (pca_limit((28, 28, 1)), pca_limit((32, 32, 3))) == (63_775, 16_276)
    assert pca_limit((64, 64, 1)) == pca_limit((48, 48, 3)) == pca_limit((64, 64, 3)) == 2000
    assert pca_limit((512, 512, 3)) == 64


def test_the_hash_of_pca_knows_no_negative_zero(digits):
    phi = pca(digits.images[:500], 8)
    still = np.ptp(digits.images[:500].reshape(500, -1), axis=0) == 0
    assert still.any()
    assert not phi.components[still].any()
    assert not np.signbit(phi.components[still]).any()

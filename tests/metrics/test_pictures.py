import numpy as np
import pytest
import scipy.ndimage

from mulligan.metrics import contrast, dissimilarity, diversity, pictures, sharpness, ssim


def random_pictures(rng, n, h=11, w=9, c=2):
    return rng.integers(0, 256, (n, h, w, c)).astype(np.uint8)


def ssim_by_loops(a, b, window):
    a, b = a.astype(float), b.astype(float)
    c1, c2 = 6.5025, 58.5225
    seen = []
    for c in range(a.shape[2]):
        for y in range(a.shape[0] - window + 1):
            for x in range(a.shape[1] - window + 1):
                p, q = (z[y : y + window, x : x + window, c] for z in (a, b))
                cov = np.mean((p - p.mean()) * (q - q.mean()))
                seen.append(
                    (2 * p.mean() * q.mean() + c1)
                    * (2 * cov + c2)
                    / ((p.mean() ** 2 + q.mean() ** 2 + c1) * (p.var() + q.var() + c2))
                )
    return np.mean(seen)


@pytest.mark.parametrize("window", [7, 4])
def test_ssim_against_loops(rng, window):
    a = random_pictures(rng, 3)
    b = (0.6 * a + 0.4 * random_pictures(rng, 3)).astype(np.uint8)
    expected = [ssim_by_loops(a[i], b[i], window) for i in range(3)]
    np.testing.assert_allclose(ssim(a, b, window=window), expected, rtol=1e-10)


def test_ssim_of_equal_inverted_and_flat_pictures(rng):
    a = random_pictures(rng, 4)
    assert ssim(a, a) == pytest.approx(1.0, abs=1e-12)
    assert np.array_equal(ssim(a, a[::-1]), ssim(a[::-1], a))
    assert (ssim(a, 255 - a) < -0.5).all()
    black, white = np.zeros((1, 8, 8), np.uint8), np.full((1, 8, 8), 255, np.uint8)
    assert ssim(black, white) == pytest.approx(6.5025 / (255**2 + 6.5025), rel=1e-12)


def test_dissimilarity_over_all_pairs(rng):
    x = random_pictures(rng, 5)
    exact = np.mean([1 - ssim(x[i : i + 1], x[j : j + 1])[0] for i in range(5) for j in range(5) if i != j])
    assert dissimilarity(x, pairs=20_000) == pytest.approx(exact, rel=0.01)
    assert dissimilarity(x, seed=1) == dissimilarity(x, seed=1) != dissimilarity(x, seed=2)
    two = dissimilarity(x[:2], pairs=3)  # never a picture with itself
    assert two == pytest.approx(1 - ssim(x[:1], x[1:2])[0], rel=1e-12)


def test_diversity_class_by_class(rng):
    label = np.arange(40) % 2
    real = random_pictures(rng, 40)
    assert diversity(real, real, label, label) == 1.0
    one_repeated = np.where((label == 1)[:, None, None, None], real[1], real)
    assert diversity(one_repeated, real, label, label) == pytest.approx(0.5, abs=1e-12)
    missing = np.where(label == 1, -1, label)
    assert diversity(real, real, missing, label) == 0.5
    missing[1] = 1  # one fake of a class has nothing to differ from
    assert diversity(real, real, missing, label) == 0.5
    assert diversity(np.repeat(real[:1], 40, axis=0), real) == pytest.approx(0.0, abs=1e-12)
    lone = np.where(np.arange(40) == 7, 5, label)  # a class with one real picture has nothing to compare with
    assert diversity(real, real, label, lone) == pytest.approx(1.0, rel=0.1)
    assert diversity(real[:30], real) == dissimilarity(real[:30]) / dissimilarity(real)
    with_junk = np.concatenate([real, real[::-1]]), np.concatenate([label, np.full(40, -1)])
    assert diversity(real, with_junk[0], label, with_junk[1]) == 1.0  # what has no class is none


def test_figures_do_not_depend_on_how_many_pictures_are_taken_at_a_time(rng, monkeypatch):
    fake, real = random_pictures(rng, 60) // 2, random_pictures(rng, 40)
    expected = [figure(fake, real) for figure in (sharpness, contrast, diversity)]
    monkeypatch.setattr(pictures, "BLOCK", 7)
    assert [figure(fake, real) for figure in (sharpness, contrast, diversity)] == pytest.approx(expected, rel=1e-12)


def test_sharpness_against_scipy(rng):
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

    def laplacian(x):
        return np.stack([scipy.ndimage.convolve(x[..., c].astype(float), kernel)[1:-1, 1:-1] for c in range(2)])

    fake, real = random_pictures(rng, 6) // 2, random_pictures(rng, 5)
    expected = np.mean([laplacian(x).var() for x in fake]) / np.mean([laplacian(x).var() for x in real])
    assert sharpness(fake, real) == pytest.approx(expected, rel=1e-12)
    assert sharpness(real, real) == 1.0


def test_contrast_by_definition(rng):
    fake, real = random_pictures(rng, 6) // 2, random_pictures(rng, 5)
    expected = np.abs(2 * (fake / 255) - 1).mean() / np.abs(2 * (real / 255) - 1).mean()
    assert contrast(fake, real) == pytest.approx(expected, rel=1e-12)
    assert contrast(np.where(real > 127, 255, 0).astype(np.uint8), real) > 1 > contrast(real // 4 + 96, real)


@pytest.mark.parametrize("figure", [sharpness, contrast, diversity])
def test_large_pictures_need_little_memory(rng, figure, peak_of):
    images = random_pictures(rng, 1500, 64, 64, 3)
    assert figure(images, images) == 1.0
    assert peak_of(figure, images, images) < 6 * images.nbytes


def test_blur_and_noise_are_told_apart(digits, rng):
    real = digits.images[:500]
    blurred = scipy.ndimage.uniform_filter(real, (1, 3, 3, 1))
    noisy = np.clip(real + rng.normal(0, 30, real.shape), 0, 255).astype(np.uint8)
    assert sharpness(blurred, real) < 0.3 < 1 < sharpness(noisy, real)
    assert sharpness(real, real[::-1]) == pytest.approx(1.0, rel=1e-12)

"""Measure the pixels themselves: how different the pictures of a class are, how sharp, how saturated."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, ShapeError
from mulligan.metrics.validation import pictures

BLOCK = 1 << 19  # pixel values of one block: each takes eight bytes in several arrays


def blocks(images: NDArray[Any], most: int) -> Iterator[NDArray[Any]]:
    """Yield views of pictures, block by block, each with at most `most` values but at least one picture."""
    rows = max(1, most // math.prod(images.shape[1:]))
    for start in range(0, len(images), rows):
        yield images[start : start + rows]


def ssim(a: NDArray[Any], b: NDArray[Any], *, window: int = 7) -> NDArray[np.float64]:
    """Structural similarity of each pair of pictures (Wang et al. 2004, eq. 13; mean over positions, eq. 17).

    (2μₐμ_b + C₁)(2σ_ab + C₂) / ((μₐ² + μ_b² + C₁)(σₐ² + σ_b² + C₂)), C₁ = (.01·255)², C₂ = (.03·255)².

    The window is uniform (the paper's Gaussian of 11 pixels is too wide for 28×28) and lies inside the picture. Moments
    are divided by window², and the mean is over colour channels. The sums are of integers, hence exact.

    Parameters
    ----------
    a, b : arrays of shape (n, h, w[, c]), uint8
        `a[i]` is compared with `b[i]`.
    window : int
        Side of the window in pixels.

    Returns
    -------
    array of shape (n,), float64
        −1 to 1; 1 for equal pictures.
    """
    a, b = pictures(a, "first pictures"), pictures(b, "second pictures")
    if a.shape != b.shape:
        raise ShapeError(f"both sets must have one shape, got {a.shape} and {b.shape}. Crop them; do not resize.")
    if not 1 <= window <= min(a.shape[1:3]):
        raise ShapeError(f"window must be from 1 to {min(a.shape[1:3])}, to fit into the pictures, got {window}.")
    x, y, area = a.astype(np.int64), b.astype(np.int64), float(window * window)
    mean_x, mean_y = _box(x, window) / area, _box(y, window) / area
    var_x = _box(x * x, window) / area - mean_x**2
    var_y = _box(y * y, window) / area - mean_y**2
    cov = _box(x * y, window) / area - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * cov + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return np.asarray(similarity.mean(axis=(1, 2, 3)), dtype=np.float64)


def dissimilarity(images: NDArray[Any], *, pairs: int = 500, seed: int = 0) -> float:
    """Mean 1 − SSIM over random pairs of different pictures of one set; 0 for one picture repeated.

    Parameters
    ----------
    images : array of shape (n, h, w[, c]), uint8
        n ≥ 2.
    pairs : int
        How many.
    seed : int
        Of the pairs.
    """
    images = pictures(images)
    n = len(images)
    if n < 2:
        raise ShapeError(f"images must be at least 2 pictures, got {n}. Draw more samples.")
    rng = np.random.default_rng(seed)
    first = rng.integers(n, size=pairs)
    second = (first + rng.integers(1, n, size=pairs)) % n  # never the same picture
    alike = [ssim(a, b) for a, b in zip(blocks(images[first], BLOCK), blocks(images[second], BLOCK))]
    return float(1.0 - np.concatenate(alike).mean())


def diversity(
    fake: NDArray[Any],
    real: NDArray[Any],
    fake_label: NDArray[Any] | None = None,
    real_label: NDArray[Any] | None = None,
    *,
    pairs: int = 500,
    seed: int = 0,
) -> float:
    """Dissimilarity of the fakes over that of the reals, class by class (after Odena et al. 2017, section 4.2).

    The paper uses the five-scale MS-SSIM, which does not fit 28×28; this is SSIM in a 7×7 window.

    Parameters
    ----------
    fake, real : arrays of shape (m, h, w[, c]) and (n, h, w[, c]), uint8
    fake_label, real_label : arrays of shape (m,) and (n,), integer, optional
        Classes; without them each set is one class. Only the reals' classes with two pictures or more count.
    pairs : int
        Per class and set.
    seed : int
        Of the pairs.

    Returns
    -------
    float
        Mean over classes; 1 is right, a class with fewer than two fakes counts 0.
    """
    fake, real = pictures(fake, "fakes"), pictures(real, "reals")
    fake_label = np.zeros(len(fake), dtype=int) if fake_label is None else np.asarray(fake_label)
    real_label = np.zeros(len(real), dtype=int) if real_label is None else np.asarray(real_label)
    if fake_label.shape != (len(fake),) or real_label.shape != (len(real),):
        raise ShapeError(
            f"labels must be one for each of {len(fake)} fakes and {len(real)} reals, got shapes {fake_label.shape} "
            f"and {real_label.shape}."
        )
    ratios = []
    for k in np.unique(real_label[real_label >= 0]):
        theirs, ours = real[real_label == k], fake[fake_label == k]
        expected = dissimilarity(theirs, pairs=pairs, seed=seed) if len(theirs) > 1 else 0.0
        if expected > 0.0:
            ratios.append(dissimilarity(ours, pairs=pairs, seed=seed) / expected if len(ours) > 1 else 0.0)
    if not ratios:
        raise DataError(
            "reals must have two different pictures of some class, got none. Evaluate against more pictures."
        )
    return float(np.mean(ratios))


def sharpness(fake: NDArray[Any], real: NDArray[Any]) -> float:
    """Variance of the Laplacian, fakes over reals: 1 is right, below 1 means blurred, above 1 noisy.

    The Laplacian is p(y−1,x) + p(y+1,x) + p(y,x−1) + p(y,x+1) − 4p(y,x) inside the picture. Its variance over the
    pixels (Pech-Pacheco et al. 2000) is averaged over the pictures, uint8 (n, h, w[, c]) with h, w ≥ 3.
    """
    return _ratio(fake, real, _laplacian_variance, "variance of the Laplacian")


def contrast(fake: NDArray[Any], real: NDArray[Any]) -> float:
    """Mean distance of the pixels from grey, fakes over reals: 1 is right, below 1 means grey, above 1 saturated.

    The distance is ``|2p − 1|``, p the pixel in 0…1. The pictures are uint8, (n, h, w[, c]).
    """
    return _ratio(fake, real, _distance_from_grey, "mean |2p − 1|")


def where_comparable(
    figure: Callable[..., float], fake: NDArray[Any], real: NDArray[Any], **options: Any
) -> float | None:
    """Measure `diversity`, `sharpness` or `contrast`; None if the reals allow no comparison.

    They allow none if the pictures are too small, or the reals are blank. This depends on the reals alone, so it says
    nothing about the fakes.
    """
    try:
        return figure(fake, real, **options)
    except (ShapeError, DataError):
        return None


def _ratio(fake: NDArray[Any], real: NDArray[Any], figure: Callable[[NDArray[np.uint8]], float], name: str) -> float:
    """`figure` of the fakes over `figure` of the reals."""
    over, under = figure(pictures(fake, "fakes")), figure(pictures(real, "reals"))
    if not under > 0.0:
        raise DataError(f"reals must have a positive {name}, got {under}. Look at them: they seem to be blank.")
    return over / under


def _laplacian_variance(images: NDArray[np.uint8]) -> float:
    """Variance over the pixels of the 4-neighbour Laplacian, mean over the pictures, of pixels in 0…255."""
    if min(images.shape[1:3]) < 3:
        raise ShapeError(f"pictures must be 3×3 pixels or larger, got {images.shape[1]}×{images.shape[2]}.")
    variances = []
    for block in blocks(images, BLOCK):
        p = block.astype(np.int32)
        laplacian = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:] - 4 * p[:, 1:-1, 1:-1]
        variances.append(laplacian.var(axis=(1, 2, 3)))
    return float(np.concatenate(variances).mean())


def _distance_from_grey(images: NDArray[np.uint8]) -> float:
    """Mean |2p − 1|, p = pixel/255; each of the 256 levels counted once."""
    levels = np.arange(256) / 255.0
    counts = np.sum([np.bincount(block.ravel(), minlength=256) for block in blocks(images, BLOCK)], axis=0)
    return float(counts @ np.abs(2.0 * levels - 1.0) / images.size)


def _box(x: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Sum over each window×window patch inside the picture, by differences of running sums; NHWC."""
    for axis in (1, 2):
        total = np.insert(np.cumsum(x, axis=axis), 0, 0, axis=axis)
        n = total.shape[axis]
        x = np.take(total, range(window, n), axis) - np.take(total, range(n - window), axis)
    return x

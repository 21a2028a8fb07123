"""Sharpness, which the pixels alone decide: how much neighbouring pixels differ."""

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import blocks, pictures

BLOCK = 1 << 19  # pixel values of one block: each takes eight bytes in several arrays


def sharpness(fake: NDArray[np.uint8], real: NDArray[np.uint8]) -> float | None:
    """Variance of the Laplacian, fakes over reals: 1 is right, below 1 means blurred, above 1 noisy.

    The Laplacian is p(y−1,x) + p(y+1,x) + p(y,x−1) + p(y,x+1) − 4p(y,x) inside the picture. Its variance over the
    pixels (Pech-Pacheco et al. 2000) is averaged over the pictures, (n, h, w[, c]), uint8. None if the reals have no
    edge, or are smaller than 3×3.
    """
    fake, real = pictures(fake, "fakes"), pictures(real, "reals")
    usual = _laplacian_variance(real) if min(real.shape[1:3]) >= 3 else 0.0
    return _laplacian_variance(fake) / usual if usual > 0.0 else None


def _laplacian_variance(images: NDArray[np.uint8]) -> float:
    """Variance over the pixels of the 4-neighbour Laplacian, mean over the pictures, of pixels in 0…255."""
    variances = []
    for block in blocks(images, BLOCK):
        p = block.astype(np.int32)
        laplacian = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:] - 4 * p[:, 1:-1, 1:-1]
        variances.append(laplacian.var(axis=(1, 2, 3)))
    return float(np.concatenate(variances).mean())

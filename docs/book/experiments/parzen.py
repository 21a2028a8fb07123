"""Parzen-window log-likelihood, the figure of the first GAN papers (Goodfellow et al. 2014, Table 1), for history only.

Theis et al. 2016 showed that it should be avoided: k-means centres, which come from no generator, beat the data itself.
Print the row of `parzen_kmeans` beside every figure.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

WIDTHS = tuple(np.geomspace(0.1, 1.0, 10).tolist())
"""Kernel widths tried on the validation set, for pixels in 0…1."""
ROWS = 100
"""Pictures whose distances from all samples are held at a time."""


def log_likelihoods(x: NDArray[Any], samples: NDArray[Any], width: float) -> NDArray[np.float64]:
    """Log-likelihood log p(x) = logmeanexp_i(−‖x−gᵢ‖²/2s²) − (d/2) log 2πs², in nats (Breuleux et al. 2011).

    Parameters
    ----------
    x, samples : arrays of shape (n, d) and (m, d)
        Pixels in 0…1, flat. The figure depends on this unit.
    width : float
        s > 0.

    Returns
    -------
    array of shape (n,), float64
    """
    parts = [x[start : start + ROWS] for start in range(0, len(x), ROWS)]
    kernel = [logsumexp(-0.5 / width**2 * cdist(part, samples, "sqeuclidean"), axis=1) for part in parts]
    normaliser = 0.5 * x.shape[1] * np.log(2.0 * np.pi * width**2)
    return np.asarray(np.concatenate(kernel) - np.log(len(samples)) - normaliser)


def parzen(
    samples: NDArray[Any], validation: NDArray[Any], test: NDArray[Any], *, widths: tuple[float, ...] = WIDTHS
) -> tuple[float, float]:
    """Return the mean log-likelihood of the test pictures, with the width that is best on the validation pictures."""
    best = max(widths, key=lambda width: log_likelihoods(validation, samples, width).mean())
    return float(log_likelihoods(test, samples, best).mean()), float(best)


def parzen_kmeans(
    train: NDArray[Any],
    validation: NDArray[Any],
    test: NDArray[Any],
    *,
    count: int = 1000,
    widths: tuple[float, ...] = WIDTHS,
) -> tuple[float, float]:
    """Compute the row to print beside `parzen`: `count` k-means centres as "samples" (Theis et al. 2016)."""
    return parzen(kmeans(train, count), validation, test, widths=widths)


def kmeans(x: NDArray[Any], count: int, seed: int = 0) -> NDArray[Any]:
    """Return k-means centres; the first ones are drawn from the rows."""
    first = x[np.random.default_rng(seed).choice(len(x), count, replace=False)]
    return kmeans2(x, first, iter=10, minit="matrix")[0]

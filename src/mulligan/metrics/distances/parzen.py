"""Parzen-window log-likelihood: for history only.

The first GAN papers reported it (Goodfellow et al. 2014, Table 1). Theis et al. 2016 showed that it should be avoided:
k-means centres, which come from no generator, beat the data itself. Print their row beside every figure.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError
from mulligan.metrics.distances.neighbours import kmeans, squared_distances
from mulligan.metrics.validation import feature_sets

WIDTHS = tuple(np.geomspace(0.1, 1.0, 10).tolist())
"""Kernel widths tried on the validation set, for pixels in 0…1."""


def log_likelihoods(x: NDArray[Any], samples: NDArray[Any], width: float) -> NDArray[np.float64]:
    """Log-likelihood log p(x) = logmeanexp_i(−‖x−gᵢ‖²/2s²) − (d/2) log 2πs², in nats (Breuleux et al. 2011).

    Parameters
    ----------
    x : array of shape (n, d)
        Pixels in 0…1, flat. The figure depends on this unit.
    samples : array of shape (m, d)
        The generator's, in the same unit.
    width : float
        s > 0.

    Returns
    -------
    array of shape (n,), float64

    Raises
    ------
    ShapeError, DataError
        Different widths of the tables, a value that is not finite.
    ConfigError
        A width that is not positive.
    """
    from scipy.special import logsumexp

    if not width > 0.0:
        raise ConfigError(f"width must be positive, got {width}. Try 0.2.")
    x, samples = feature_sets(x, samples, names=("pictures", "samples"), least=1)
    scale = -0.5 / width**2
    kernel = np.concatenate([logsumexp(scale * d2, axis=1) for _, d2 in squared_distances(x, samples)])
    normaliser = 0.5 * x.shape[1] * np.log(2.0 * np.pi * width**2)
    return np.asarray(kernel - np.log(len(samples)) - normaliser, dtype=np.float64)


def parzen(
    samples: NDArray[Any],
    validation: NDArray[Any],
    test: NDArray[Any],
    *,
    widths: tuple[float, ...] = WIDTHS,
) -> tuple[float, float]:
    """Mean log-likelihood of the test pictures, with the width that is best on the validation pictures.

    Parameters
    ----------
    samples : array of shape (m, d)
        Of the generator, usually 10,000; pixels in 0…1, flat.
    validation, test : arrays of shape (v, d) and (n, d)
        Real pictures, without overlap.
    widths : tuple of float
        Candidates.

    Returns
    -------
    log_likelihood : float
        In nats a picture.
    width : float
        The best width.

    Raises
    ------
    ShapeError, DataError, ConfigError
        As in `log_likelihoods`; no width at all.
    """
    if not widths:
        raise ConfigError("widths must hold at least one width, got none. Leave them out for the usual ones.")
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
    """Compute the row to print beside `parzen`: k-means centres as "samples" (Theis et al. 2016).

    Parameters
    ----------
    train : array of shape (l, d)
        Pixels in 0…1, flat.
    validation, test, widths
        As in `parzen`.
    count : int
        Number of centres.

    Returns
    -------
    log_likelihood, width : float
        As in `parzen`.

    Raises
    ------
    ShapeError, DataError, ConfigError
        As in `parzen` and `kmeans`.
    """
    return parzen(kmeans(train, count), validation, test, widths=widths)

"""Measure the classes of fakes by a classifier: how many there are, how even their shares, how varied each is.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, ShapeError
from mulligan.metrics.validation import feature_sets, probabilities

SURE = 0.5
"""A picture whose largest class probability is below this belongs to no class: it is junk."""

JUNK = -1
"""The label of such a picture."""


@dataclass(frozen=True)
class Classes:
    """The classes of a set of pictures, against the share that each should have."""

    histogram: tuple[float, ...]
    """Share of all pictures in each class. It sums to 1 − `junk`."""
    junk: float
    """Share of pictures without a class."""
    kl: float
    """KL(p̂‖p) in nats, p̂ the histogram over the pictures that have a class. If none has, the largest possible value:
    that of all pictures in the rarest class."""
    kl_floor: float
    """What `kl` shows for a perfect sampler: (K−1)/(2n), n the pictures that have a class."""
    modes: int
    """Classes with at least a tenth of a fair share: 1 % for ten classes."""
    effective_modes: float
    """exp H(p̂): the number of evenly used classes with the same entropy. 0 if no picture has a class."""


def labels(p: NDArray[Any], *, sure: float = SURE) -> NDArray[np.intp]:
    """Return each picture's class, (n,) intp: argmax p if max p ≥ `sure`, else `JUNK`.

    Parameters
    ----------
    p : array of shape (n, K)
        p(y|x), one row a picture.
    sure : float
        0 to 1.
    """
    p = probabilities(p)
    return np.where(p.max(axis=1) >= sure, p.argmax(axis=1), JUNK)


def shares(label: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Share of all pictures in each of `count` classes, float64. `JUNK` among the labels counts in the total only."""
    label = np.asarray(label)
    return np.bincount(label[label != JUNK], minlength=count) / len(label)


def count_classes(p: NDArray[Any], prior: NDArray[Any]) -> Classes:
    """Count the classes of a set of pictures.

    Parameters
    ----------
    p : array of shape (n, K)
        p(y|x) of a classifier, one row a picture.
    prior : array of shape (K,)
        The share each class should have: that of the training set. Need not be normalised.
    """
    p = probabilities(p)
    prior = np.asarray(prior, dtype=np.float64)
    count = p.shape[1]
    if prior.shape != (count,):
        raise ShapeError(f"prior must have one share for each of the {count} classes, got shape {prior.shape}.")
    if not (np.isfinite(prior).all() and prior.min() > 0.0):
        raise DataError(
            f"prior must have a positive, finite share for each class, got {prior.min()} to {prior.max()}. "
            f"Leave out classes that the training set does not have."
        )
    histogram = shares(labels(p), count)
    known = round(histogram.sum() * len(p))
    q = histogram / histogram.sum() if known else np.eye(count)[prior.argmin()]
    return Classes(
        histogram=tuple(histogram.tolist()),
        junk=float(1.0 - known / len(p)),
        kl=kl(q, prior),
        kl_floor=(count - 1) / (2.0 * max(known, 1)),
        modes=int(np.count_nonzero(histogram >= 0.1 / count)),
        effective_modes=float(np.exp(-_xlogy(q, q).sum())) if known else 0.0,
    )


def kl(q: NDArray[Any], p: NDArray[Any]) -> float:
    """KL(q‖p) = Σ qᵢ log(qᵢ/pᵢ) in nats, both normalised first (Kullback and Leibler 1951).

    Both have shape (K,) and are non-negative, with a positive sum. The result is ≥ 0; infinite where q > 0 and p = 0.
    """
    q, p = np.asarray(q, dtype=np.float64), np.asarray(p, dtype=np.float64)
    q, p = q / q.sum(), p / p.sum()
    if np.any((q > 0.0) & (p == 0.0)):
        return float("inf")
    return max(0.0, float((_xlogy(q, q) - _xlogy(q, p)).sum()))


def within_class_variance(
    fake: NDArray[Any],
    fake_label: NDArray[Any],
    real: NDArray[Any],
    real_label: NDArray[Any],
    count: int,
) -> tuple[float, ...]:
    """Return, for each class, the total variance of the fakes' features over that of the reals'; 1 is right.

    It detects a generator that repeats one picture in each class, which even shares hide.

    Parameters
    ----------
    fake, real : arrays of shape (m, d) and (n, d)
        Features under one map.
    fake_label, real_label : arrays of shape (m,) and (n,), integer
        Classes by one classifier; `JUNK` is left out.
    count : int
        Number of classes.

    Returns
    -------
    tuple of K floats
        0 for a class with fewer than two fakes; 1 for one without two different reals, which cannot be measured.
    """
    fake, real = feature_sets(fake, real, names=("fake features", "real features"), least=1)
    for name, table, label in (("fake", fake, fake_label), ("real", real, real_label)):
        if np.shape(label) != (len(table),):
            raise ShapeError(
                f"{name}_label must have a class for each of {len(table)} pictures, got {np.shape(label)}."
            )
    ratios = []
    for k in range(count):
        there = _total_variance(real[real_label == k])
        ratios.append(_total_variance(fake[fake_label == k]) / there if there > 0.0 else 1.0)
    return tuple(ratios)


def classifier_score(p: NDArray[Any]) -> float:
    """Classifier score exp E KL(p(y|x)‖p(y)) (Salimans et al. 2016, section 4): sure and varied, in one number.

    Parameters
    ----------
    p : array of shape (n, K)
        p(y|x) of this project's judge, not Inception's.

    Returns
    -------
    float
        1 to K. The real test digits score 9.78 of 10. The score detects neither copies nor a collapse inside classes.
    """
    p = probabilities(p)
    marginal = np.broadcast_to(p.mean(axis=0), p.shape)
    return float(np.exp((_xlogy(p, p) - _xlogy(p, marginal)).sum(axis=1).mean()))


def _total_variance(x: NDArray[np.float64]) -> float:
    """Total variance tr C with n − 1; 0 for fewer than two rows."""
    return float(x.var(axis=0, ddof=1).sum()) if len(x) > 1 else 0.0


def _xlogy(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute x log y, with 0 log 0 = 0."""
    return x * np.log(np.where(x > 0.0, y, 1.0))

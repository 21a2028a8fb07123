"""Count the classes that a judge sees, the modes of a mixture of Gaussians, and the 1000 of stacked MNIST.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.neighbours import nearest
from mulligan.metrics.validation import feature_sets, probabilities

WITHIN = 3.0
"""A sample is of high quality within this many standard deviations of a mode."""
SURE = 0.5
"""A picture whose largest class probability is below this belongs to no class: it is junk."""


@dataclass(frozen=True)
class Classes:
    """The classes of a set of pictures."""

    histogram: tuple[float, ...]
    """Share of all pictures in each class. It sums to 1 − `junk`."""
    junk: float
    """Share of pictures without a class."""
    modes: int
    """Classes with at least a tenth of a fair share: 1 % for ten classes."""
    effective_modes: float
    """exp H(p̂), p̂ the histogram over the pictures that have a class: the number of evenly used classes with the same
    entropy. 0 if no picture has a class."""


def count_classes(p: NDArray[Any]) -> Classes:
    """Count the classes of a set of pictures by p(y|x), (n, K): of each argmax p, or none if max p < `SURE`."""
    p = probabilities(p)
    count = p.shape[1]
    sure = p.argmax(axis=1)[p.max(axis=1) >= SURE]
    histogram = np.bincount(sure, minlength=count) / len(p)
    q = histogram / histogram.sum() if len(sure) else histogram
    return Classes(
        histogram=tuple(histogram.tolist()),
        junk=float(1.0 - len(sure) / len(p)),
        modes=int(np.count_nonzero(histogram >= 0.1 / count)),
        effective_modes=float(np.exp(-(q * np.log(np.where(q > 0.0, q, 1.0))).sum())) if len(sure) else 0.0,
    )


@dataclass(frozen=True)
class Modes:
    """Which modes of a mixture the samples cover."""

    captured: int
    high_quality: float
    """Share of samples within three standard deviations of a mode; the others capture none."""
    high_quality_ideal: float
    """The same for the mixture itself: .9889 in two dimensions."""
    kl: float
    """KL(q‖uniform) = Σ qᵢ log(K qᵢ) in nats, q the modes' shares of the high-quality samples; log K if there are
    none."""
    kl_floor: float
    """(K−1)/(2n), n the high-quality samples."""


def modes(samples: NDArray[Any], centres: NDArray[Any], std: float) -> Modes:
    """Modes and high-quality share of a ring or grid of Gaussians (Srivastava et al. 2017; Lin et al. 2018).

    `samples` are (n, d), `centres` (K, d); `std` is that of each mode in each coordinate.
    """
    from scipy.special import gammainc

    x, centres = feature_sets(samples, centres, names=("samples", "centres"), least=1)
    distance, index = nearest(x, centres)
    good = distance[:, 0] <= WITHIN * std
    count = np.bincount(index[good, 0], minlength=len(centres))
    total, k = int(count.sum()), len(centres)
    return Modes(
        captured=int(np.count_nonzero(count)),
        high_quality=float(good.mean()),
        high_quality_ideal=float(gammainc(x.shape[1] / 2.0, WITHIN**2 / 2.0)),  # χ² with d degrees of freedom
        kl=_from_even(count) if total else float(np.log(k)),
        kl_floor=(k - 1) / (2.0 * max(total, 1)),
    )


def stacked_modes(label: NDArray[Any]) -> Modes:
    """Modes and KL of stacked MNIST: three digits in the three colour channels, 1000 modes (Metz et al. 2017).

    `label`, (n, 3), is the digit of each channel. One sample captures a mode; every sample counts as high-quality.
    """
    count = np.bincount(label @ [100, 10, 1], minlength=1000)
    return Modes(int(np.count_nonzero(count)), 1.0, 1.0, _from_even(count), 999 / (2.0 * len(label)))


def _from_even(count: NDArray[np.intp]) -> float:
    """KL of the shares of counts from even ones, in nats."""
    from scipy.special import rel_entr

    return float(rel_entr(count / count.sum(), 1.0 / len(count)).sum())

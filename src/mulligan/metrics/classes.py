"""Measure the classes of fakes by a classifier: how many there are, how even their shares, how many have none.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import probabilities

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

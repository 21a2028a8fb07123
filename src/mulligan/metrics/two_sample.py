"""Real or fake? How often a new classifier tells fakes from reals: a classifier two-sample test.

Whatever stands here takes two sets and a seed, and returns one share: ½ if nobody can tell, 1 if everybody can.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import feature_sets

RIDGE = 1.0
"""Weight of ½‖w‖² against the summed log loss."""


def real_or_fake(real: NDArray[Any], fake: NDArray[Any], *, seed: int = 0) -> float:
    """Train on one half of both sets, test on the other (Lopez-Paz and Oquab 2017, section 3).

    The classifier is logistic regression on [φ, φ²], standardised by the training half, by L-BFGS. It sees means and
    variances of the features, is convex and small, and gives the same answer every time. A row exactly on the boundary
    counts half. So a classifier that learnt nothing, as from two sets of one repeated picture, has accuracy ½, not 0.
    The larger set is cut to the size of the smaller. For equal distributions the accuracy on the test half, which is
    returned, is N(½, 1/(4k)) for k tested rows.
    """
    from scipy.optimize import minimize

    feature_sets(real, fake, names=("real features", "fake features"), least=4)
    rng = np.random.default_rng(seed)
    n = min(len(real), len(fake))
    rows = rng.permutation(len(real))[:n], rng.permutation(len(fake))[:n]
    half, d = n // 2, np.shape(real)[1]
    sign, truth = (np.repeat([1.0, -1.0], size) for size in (half, n - half))

    def table(part: slice) -> NDArray[np.float64]:
        """Return the features of both, their squares, and a constant."""
        both = [np.asarray(each)[row[part]] for each, row in zip((real, fake), rows)]
        columns = np.ones((2 * len(both[0]), 2 * d + 1))
        np.concatenate(both, out=columns[:, :d])
        np.square(columns[:, :d], out=columns[:, d:-1])
        return columns

    x = table(slice(half))
    mean, sd = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0)
    sd = np.where(sd > 1e-12 * np.abs(mean), sd, 1.0)  # the deviation of a constant column is only rounding
    x[:, :-1] -= mean
    x[:, :-1] /= sd
    options = {"maxiter": 200}
    w = minimize(logistic_loss, np.zeros(x.shape[1]), (x, sign), "L-BFGS-B", jac=True, options=options).x
    del x  # as large as the next
    test = table(slice(half, None))
    test[:, :-1] -= mean
    test[:, :-1] /= sd
    return float(0.5 + 0.5 * np.mean(truth * np.sign(test @ w)))


def logistic_loss(
    w: NDArray[np.float64], x: NDArray[np.float64], sign: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Σ log(1 + exp(−s wᵀx)) + ½ ridge ‖w‖², and its gradient. The last weight, the constant's, has no ridge."""
    margin = sign * (x @ w)
    held = np.append(w[:-1], 0.0)
    slope = -sign * np.exp(-np.logaddexp(0.0, margin))  # d/dm log(1 + e⁻ᵐ) = −σ(−m)
    return float(np.logaddexp(0.0, -margin).sum() + 0.5 * RIDGE * held @ held), slope @ x + RIDGE * held

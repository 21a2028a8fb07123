"""Classifier two-sample test: how well a newly trained classifier tells fakes from reals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import feature_sets


@dataclass(frozen=True)
class TwoSampleTest:
    """Outcome of the test."""

    accuracy: float
    """On held-out features, with reals and fakes weighted equally: ½ by chance, 1 if they are told apart without
    error."""
    z: float
    """How many standard deviations the accuracy is above ½, under the null hypothesis. Grows with √n."""


def c2st(real: NDArray[Any], fake: NDArray[Any], *, ridge: float = 1.0, seed: int = 0) -> TwoSampleTest:
    """Train on one half of both sets, test on the other (Lopez-Paz and Oquab 2017, section 3).

    The classifier is logistic regression on [φ, φ²], standardised by the training half, by L-BFGS. It sees means and
    variances of the features, is convex and small, and gives the same answer every time. Under the null hypothesis the
    accuracy is N(½, 1/(4n)) for n held-out rows. A row exactly on the boundary counts half. So a classifier that learnt
    nothing, as from two sets of one repeated picture, has accuracy ½, not 0.

    Parameters
    ----------
    real, fake : arrays of shape (n, d) and (m, d)
        Under one feature map. The larger set is cut to the size of the smaller, so that chance is ½.
    ridge : float
        Weight of ½‖w‖² against the summed log loss.
    seed : int
        Of the halves.
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
        made = np.ones((2 * len(both[0]), 2 * d + 1))
        np.concatenate(both, out=made[:, :d])
        np.square(made[:, :d], out=made[:, d:-1])
        return made

    x = table(slice(half))
    mean, sd = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0)
    sd = np.where(sd > 1e-12 * np.abs(mean), sd, 1.0)  # the deviation of a constant column is only rounding
    x[:, :-1] -= mean
    x[:, :-1] /= sd
    w = minimize(
        logistic_loss,
        np.zeros(x.shape[1]),
        args=(x, sign, ridge),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 200},
    ).x
    del x  # as large as the next
    test = table(slice(half, None))
    test[:, :-1] -= mean
    test[:, :-1] /= sd
    accuracy = float(0.5 + 0.5 * np.mean(truth * np.sign(test @ w)))
    return TwoSampleTest(accuracy, float((accuracy - 0.5) * np.sqrt(4.0 * len(test))))


def logistic_loss(
    w: NDArray[np.float64], x: NDArray[np.float64], sign: NDArray[np.float64], ridge: float
) -> tuple[float, NDArray[np.float64]]:
    """Σ log(1 + exp(−s wᵀx)) + ½ ridge ‖w‖², and its gradient. The last weight, the constant's, has no ridge."""
    margin = sign * (x @ w)
    held = np.append(w[:-1], 0.0)
    slope = -sign * np.exp(-np.logaddexp(0.0, margin))  # d/dm log(1 + e⁻ᵐ) = −σ(−m)
    return float(np.logaddexp(0.0, -margin).sum() + 0.5 * ridge * held @ held), slope @ x + ridge * held

"""What does not fit is refused, before it becomes a wrong figure: the error and the fact that it names."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.metrics import (
    c2st,
    copying,
    count_classes,
    dissimilarity,
    divergences,
    diversity,
    evaluate_points,
    frechet_distance,
    frechet_infinity,
    gist,
    labels,
    manifolds,
    moments,
    nearest,
    originals,
    pca,
    percent,
    reference,
    sharpness,
    sliced_wasserstein,
    split_floor,
    squared_mmd,
    ssim,
    stacked_modes,
    within_class_variance,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4))
BLANK = np.zeros((40, 2))
P = RNG.integers(0, 256, (3, 11, 9, 2), dtype=np.uint8)
HALF = np.array([[0.5, 0.5]])
DIGITS = RNG.integers(0, 256, (60, 28, 28, 1), dtype=np.uint8)

REFUSED = [
    # features
    (lambda: moments(X[:, 0]), ShapeError, "shape (30,)"),
    (lambda: moments(X[:, :0]), ShapeError, "shape (30, 0)"),
    (lambda: moments(X[:1]), ShapeError, "at least 2 rows, got 1"),
    (lambda: moments(np.where(np.arange(30)[:, None] == 7, np.nan, X)), DataError, "row 7"),
    (lambda: frechet_distance(moments(X), moments(X[:, :3])), ShapeError, "4 and 3"),
    (lambda: frechet_infinity(X, X[:, :3]), ShapeError, "real features 4, fake features 3"),
    (lambda: frechet_infinity(X, X, smallest=30), ConfigError, "from 2 to 29"),
    (lambda: frechet_infinity(X, X, smallest=1), ConfigError, "from 2 to 29"),
    (lambda: frechet_infinity(X, X, points=1, smallest=10), ConfigError, "got 1 and 10"),
    (lambda: percent(3.0, moments(np.ones((9, 2)))), DataError, "got 9"),
    (lambda: squared_mmd(X, X[:, :2]), ShapeError, "first set 4, second set 2"),
    (lambda: sliced_wasserstein(X, X[:, :2]), ShapeError, "real features 4, fake features 2"),
    (lambda: split_floor(sliced_wasserstein, X[:7], 7), ShapeError, "at least 8 rows, got 7"),
    (lambda: manifolds(X[:5], X[:5]), ShapeError, "at least 6 rows, got 5"),
    (lambda: nearest(X[:5], X[:5], k=5, skip=np.arange(5)), ConfigError, "from 1 to 4 among 5 points, got 5"),
    (lambda: c2st(X, X[:3]), ShapeError, "at least 4 rows, got 3"),
    (lambda: originals(X[:2], X[:2], inside=np.arange(2)), ShapeError, "at least 3"),
    (lambda: originals(X, X[:1]), ShapeError, "at least 2"),
    (lambda: originals(X, BLANK[:, :1].repeat(4, 1), cells=41), ConfigError, "from 1 to 40"),
    (lambda: copying(X[:, :3], originals(X[:, :2], X[:, :2])), ShapeError, "fake features 3, training features 2"),
    (lambda: evaluate_points(X[:5], X), ConfigError, "30 reals, got 5"),
    (lambda: evaluate_points(X * np.nan, X), DataError, "fake points"),
    # classes
    (lambda: count_classes(np.array([[2.0, -1.0]]), np.ones(2)), DataError, "got -1 and sums off by 0"),
    (lambda: labels(np.array([[0.5, 0.2]])), DataError, "sums off by 0.3"),
    (lambda: count_classes(HALF, np.ones(3)), ShapeError, "2 classes, got shape (3,)"),
    (lambda: count_classes(HALF, np.array([1.0, 0.0])), DataError, "0.0 to 1.0"),
    (lambda: count_classes(HALF, np.array([1.0, np.inf])), DataError, "1.0 to inf"),
    (lambda: within_class_variance(X, np.zeros(1, int), X, np.zeros(30, int), 1), ShapeError, "30 pictures, got (1,)"),
    # pictures
    (lambda: sharpness(P / 255.0, P), DataError, "float64"),
    (lambda: sharpness(P[:, :2], P), ShapeError, "got 2×9"),
    (lambda: sharpness(P, np.zeros_like(P)), DataError, "variance of the Laplacian, got 0.0"),
    (lambda: ssim(P[:, :6], P[:, :6]), ShapeError, "from 1 to 6"),
    (lambda: ssim(P, P[:2]), ShapeError, "(3, 11, 9, 2) and (2, 11, 9, 2)"),
    (lambda: dissimilarity(P[:1]), ShapeError, "got 1"),
    (lambda: diversity(P, np.repeat(P[:1], 3, axis=0)), DataError, "reals"),
    (lambda: diversity(P, P, np.zeros(2, int), np.zeros(3, int)), ShapeError, "(2,) and (3,)"),
    # maps
    (lambda: pca(DIGITS)(DIGITS[:3, :20]), ShapeError, "784 values, like those on which pca64 was fitted, got 560"),
    (lambda: pca(DIGITS)(DIGITS[:3].reshape(3, -1)), ShapeError, "(3, 784)"),
    (lambda: pca(DIGITS)(DIGITS.astype(np.float32)), DataError, "float32"),
    (lambda: pca(DIGITS, 0), ShapeError, "got 0 from 60"),
    (lambda: pca(DIGITS[:1]), ShapeError, "got 64 from 1"),
    (lambda: gist(DIGITS)(DIGITS[:3, :20]), ShapeError, "(28, 28, 1), got (20, 28, 1)"),
    (lambda: gist(DIGITS[:1]), ShapeError, "got 64 from 1"),
    (lambda: reference(DIGITS, DIGITS, []), ConfigError, "[]"),
    (lambda: reference(DIGITS, DIGITS, [pca(DIGITS)] * 2), ConfigError, "['pca64', 'pca64']"),
    # toys
    (lambda: divergences(np.zeros((4, 2)), norm.pdf, -1, 1), ShapeError, "(4, 2)"),
    (lambda: divergences(np.array([np.nan]), norm.pdf, -1, 1), DataError, "samples"),
    (lambda: divergences(np.zeros(4), np.ones_like, -1, 1), DataError, "got 1 and 2 over -1…1"),
    (lambda: stacked_modes(np.array([[0, 10]])), DataError, "to 9, got 0 to 10"),
    (lambda: stacked_modes(np.array([[8, 0, 0], [0, 0, 11]]), (8, 11, 12)), DataError, "to 7, 10, 11, got 0 to 11"),
    (lambda: stacked_modes(np.array([1, 2])), ShapeError, "(2,)"),
]


@pytest.mark.parametrize(("call", "error", "fact"), REFUSED)
def test_what_does_not_fit_is_refused(call, error, fact):
    with pytest.raises(error, match=re.escape(fact)):
        call()

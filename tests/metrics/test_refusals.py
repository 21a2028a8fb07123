"""What does not fit is refused, before it becomes a wrong figure: the error and the fact that it names."""

import re

import numpy as np
import pytest

from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.metrics import count_classes, evaluate_points, gist, manifolds, moments, percent, real_or_fake, sharpness
from mulligan.metrics.copies import originals
from mulligan.metrics.distances import split_floor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4))
P = RNG.integers(0, 256, (3, 11, 9, 2), dtype=np.uint8)
X200 = np.zeros((200, 8, 8, 1), np.uint8)
DIGITS = RNG.integers(0, 256, (60, 28, 28, 1), dtype=np.uint8)

REFUSED = [
    # features
    (lambda: moments(X[:, 0]), ShapeError, "shape (30,)"),
    (lambda: moments(X[:1]), ShapeError, "2 rows or more, got shape (1, 4)"),
    (lambda: moments(np.where(np.arange(30)[:, None] == 7, np.nan, X)), DataError, "row 7"),
    (lambda: percent(3.0, moments(np.ones((9, 2)))), DataError, "got 9"),
    (lambda: split_floor(max, X[:7], 7), ShapeError, "8 rows or more, got shape (7, 4)"),
    (lambda: manifolds(X[:5], X[:5]), ShapeError, "6 rows or more, got shape (5, 4)"),
    (lambda: originals(X[:2], X[:2], inside=np.arange(2)), ShapeError, "3 rows or more"),
    (lambda: originals(X, X[:1]), ShapeError, "2 rows or more"),
    (lambda: evaluate_points(X[:5], X), ConfigError, "30 reals, got 5"),
    # classes
    (lambda: count_classes(np.array([[2.0, -1.0]])), DataError, "got -1 and sums off by 0"),
    # pictures
    (lambda: sharpness(P / 255.0, P), DataError, "float64"),
    (lambda: real_or_fake(X200[:199], X200), ShapeError, "200 or more of each, got 199"),
    (lambda: gist(DIGITS)(DIGITS[:3, :20]), ShapeError, "(28, 28, 1), got (20, 28, 1)"),
]


@pytest.mark.parametrize(("call", "error", "fact"), REFUSED)
def test_what_does_not_fit_is_refused(call, error, fact):
    with pytest.raises(error, match=re.escape(fact)):
        call()

"""Prepare the reals' half of an evaluation once, for all sets of fakes: `reference`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError
from mulligan.metrics.copies import Originals, originals
from mulligan.metrics.distances.frechet import Moments, moments, percent
from mulligan.metrics.features.maps import ClassMap, FeatureMap
from mulligan.metrics.validation import pictures
from mulligan.metrics.validation import probabilities as read_probabilities

COPIES_BY = "pca64"
"""The map in which copies are searched, if it is used. It is near the pixels; to a judge, two sevens look the same."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The reals' half of an evaluation: held-out reals and the training set, with their features."""

    real: NDArray[np.uint8]
    """Held-out pictures, (n, h, w, c)."""
    maps: tuple[FeatureMap, ...]
    """The first is the main map, in which variance inside classes is measured."""
    features: dict[str, NDArray[np.float32]]
    """Of the reals, (n, d), by the name of the map."""
    moments: dict[str, Moments]
    """Of those features."""
    copies_by: str
    """Name of the map in which copies are searched."""
    originals: Originals
    """The whole training set, in that map."""
    probabilities: NDArray[np.float64] | None
    """The judge's p(y|x) of the reals, (n, K)."""
    prior: NDArray[np.float64] | None
    """The share that each class should have, (K,)."""


def reference(
    real: NDArray[Any],
    train: NDArray[Any],
    maps: Sequence[FeatureMap],
    *,
    prior: NDArray[Any] | None = None,
    inside: NDArray[np.intp] | None = None,
) -> Reference:
    """Prepare the reals' half of an evaluation.

    Parameters
    ----------
    real : array of shape (n, h, w[, c]), uint8
        Held-out pictures: the test split.
    train : array of shape (l, h, w[, c]), uint8
        All pictures that the generator was trained on. Only the search for copies reads them.
    maps : sequence of FeatureMap
        With different names. Report an ordering only if two maps agree on it. The first map that knows classes, the
        judge, classifies the pictures; without one, the figures of classes are left out.
    prior : array of shape (K,), optional
        Share of each class in the training set; default: the mean of the reals' probabilities.
    inside : array of shape (n,), integer, optional
        If nothing was held out: the row of each real in `train`. See `originals`.
    """
    real, train = pictures(real, "real pictures"), pictures(train, "training pictures")
    names = [phi.name for phi in maps]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"maps must be feature maps, each with its own name, got {names}. Try [pca(train)].")
    features, probabilities = seen_by(maps, real)
    if probabilities is not None:
        prior = probabilities.mean(axis=0) if prior is None else np.asarray(prior, dtype=np.float64)
    copies_by = COPIES_BY if COPIES_BY in names else names[0]
    train_features = maps[names.index(copies_by)](train)
    found = {name: moments(x) for name, x in features.items()}
    for of_map in found.values():
        percent(0.0, of_map)  # raises if all reals are the same, before the long work
    return Reference(
        real=real,
        maps=tuple(maps),
        features=features,
        moments=found,
        copies_by=copies_by,
        originals=originals(features[copies_by], train_features, inside=inside),
        probabilities=probabilities,
        prior=prior,
    )


def seen_by(
    maps: Sequence[FeatureMap], images: NDArray[np.uint8]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float64] | None]:
    """Send pictures through all maps; return features by the map's name, and the judge's class probabilities."""
    features: dict[str, NDArray[np.float32]] = {}
    probabilities: NDArray[np.float64] | None = None
    for phi in maps:
        if isinstance(phi, ClassMap) and probabilities is None:
            features[phi.name], told = phi.features_and_probabilities(images)
            probabilities = read_probabilities(told)
        else:
            features[phi.name] = phi(images)
    return features, probabilities

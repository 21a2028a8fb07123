"""The whole evaluation: fakes against held-out reals, as the dictionary of metrics.json.

The protocol: 10,000 fakes against the 10,000 test pictures, at least three seeds, median and range, floors beside the
figures. The reals' half of the work is done once, in `Reference`, however many sets of fakes follow.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.errors import ConfigError, ShapeError
from mulligan.metrics.classes import classifier_score, count_classes, labels, within_class_variance
from mulligan.metrics.copies import Originals, copying, originals
from mulligan.metrics.distances.c2st import c2st
from mulligan.metrics.distances.frechet import (
    Moments,
    frechet_distance,
    frechet_infinity,
    moments,
    noise_floor,
    percent,
)
from mulligan.metrics.distances.kernel import kid
from mulligan.metrics.distances.neighbours import manifolds
from mulligan.metrics.features.maps import ClassMap
from mulligan.metrics.parallel import in_parallel
from mulligan.metrics.pictures import contrast, diversity, sharpness, where_comparable
from mulligan.metrics.validation import pictures
from mulligan.metrics.validation import probabilities as read_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mulligan.metrics.features.maps import FeatureMap


COPIES_BY = "pca64"
"""The map in which copies are looked for, where it is there: near the pixels, as a judge calls two different sevens
nearly the same."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What fakes are compared with: held-out reals and the training set, seen through the feature maps.

    Attributes
    ----------
    real : array of shape (n, h, w, c), uint8
        Held-out pictures.
    maps : tuple of FeatureMap
        The first is the main one: variance inside classes is measured in it.
    features : dict of arrays of shape (n, d), float32
        Of the reals, by the name of the map.
    moments : dict of Moments
        Of those.
    copies_by : str
        Name of the map in which copies are looked for.
    originals : Originals
        The whole training set, in that map.
    probabilities : array of shape (n, K), float64, or None
        The judge's p(y|x) of the reals.
    prior : array of shape (K,), float64, or None
        The share that each class should have.
    """

    real: NDArray[np.uint8]
    maps: tuple[FeatureMap, ...]
    features: dict[str, NDArray[np.float32]]
    moments: dict[str, Moments]
    copies_by: str
    originals: Originals
    probabilities: NDArray[np.float64] | None
    prior: NDArray[np.float64] | None


def reference(
    real: NDArray[Any],
    train: NDArray[Any],
    maps: Sequence[FeatureMap],
    *,
    prior: NDArray[Any] | None = None,
    inside: NDArray[np.intp] | None = None,
) -> Reference:
    """Work out the reals' half of an evaluation.

    Parameters
    ----------
    real : array of shape (n, h, w[, c]), uint8
        Held-out pictures: the test split.
    train : array of shape (l, h, w[, c]), uint8
        All that the generator was trained on. Only the search for copies reads it.
    maps : sequence of FeatureMap
        With different names. An ordering is worth reporting only where two agree. The first that knows classes, the
        judge, tells those of the pictures; where there is none, nothing is said about classes.
    prior : array of shape (K,), optional
        Share of each class in the training set; default: the mean of the reals' probabilities.
    inside : array of shape (n,), integer, optional
        Where nothing was held out: the place in `train` of each real. See `mulligan.metrics.copies.originals`.

    Returns
    -------
    Reference

    Raises
    ------
    ConfigError
        No map, or two of one name.
    ShapeError, DataError
        Pictures that do not fit; reals that are all the same.
    """
    real, train = pictures(real, "real pictures"), pictures(train, "training pictures")
    names = [phi.name for phi in maps]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"feature maps {names}: at least one, each with its own name, is needed. Pass [pca(train)].")
    features, probabilities = _look(maps, real)
    if probabilities is not None:
        prior = probabilities.mean(axis=0) if prior is None else np.asarray(prior, dtype=np.float64)
    copies_by = COPIES_BY if COPIES_BY in names else names[0]
    train_features = maps[names.index(copies_by)](train)
    found = {name: moments(x) for name, x in features.items()}
    for of_map in found.values():
        percent(0.0, of_map)  # refuses reals that are all the same, before the long work
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


def evaluate(
    fake: NDArray[Any],
    against: Reference,
    *,
    asked: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    data: str = "",
    generator: str = "ema",
    cpu_seconds: float | None = None,
    unequal: bool = False,
) -> dict[str, Any]:
    """Score one set of fakes: every figure of metrics.json.

    Parameters
    ----------
    fake : array of shape (n, h, w[, c]), uint8
        As many as there are reals.
    against : Reference
        The reals.
    asked : array of shape (n,), integer, optional
        The class that each fake was asked to be; `label_accuracy`, the share for which argmax p(y|x) is that class,
        then stands among the figures of the classes.
    seed : int
        The one that the fakes were drawn with; it is noted, and seeds subsets and pairs. The same fakes, reference
        and seed give the same figures to the last digit.
    data, generator : str
        Noted: the data's name; "ema" or "raw".
    cpu_seconds : float, optional
        Noted: what the training cost, where that is known.
    unequal : bool
        Allow another number of fakes than reals. `n` and `n_real` then differ in the result, and its figures may not
        be compared with those of another n: FD, precision, recall and coverage all depend on it.

    Returns
    -------
    dict
        Ready for JSON: str, int, float, list, dict. FD, its floor and FD∞ are per cent of the real features' total
        variance. Left out are `fd_infinity` where there are too few pictures for it (four per feature), `diversity`
        below 7×7 pixels or where no class has two different reals, and `sharpness` where the reals have no edge.

    Raises
    ------
    ConfigError
        Another number of fakes than reals.
    ShapeError, DataError
        Pictures or classes that do not fit.
    """
    fake = pictures(fake, "fakes")
    real, n = against.real, len(fake)
    if fake.shape[1:] != real.shape[1:]:
        raise ShapeError(
            f"fakes of {fake.shape[1:]} and reals of {real.shape[1:]}; one shape is needed. "
            f"Evaluate against the data that the generator was trained on; never resize for judging."
        )
    if n != len(real) and not unequal:
        raise ConfigError(
            f"{n} fakes against {len(real)} reals; the same number is needed, because every figure depends on it. "
            f"Draw {len(real)} fakes, or pass unequal=True to have it marked."
        )
    seen, p = _look(against.maps, fake)
    real_p, prior = against.probabilities, against.prior
    fake_label = real_label = None
    if p is not None and real_p is not None:
        fake_label, real_label = labels(p), labels(real_p)

    work: dict[str, Callable[[], Any]] = {"copies": partial(copying, seen[against.copies_by], against.originals)}
    for phi in against.maps:
        mine, theirs, of_theirs = seen[phi.name], against.features[phi.name], against.moments[phi.name]
        work[f"near {phi.name}"] = partial(manifolds, theirs, mine)
        work[f"far {phi.name}"] = partial(distances, theirs, mine, of_theirs, seed)
        work[f"told {phi.name}"] = partial(c2st, theirs, mine, seed=seed)
    # A judge that is sure of nothing leaves no class to compare: then all pictures are one.
    apart = real_label is not None and np.bincount(real_label[real_label >= 0]).max(initial=0) > 1
    by_class = {"fake_label": fake_label, "real_label": real_label} if apart else {}
    work["diversity"] = partial(where_comparable, diversity, fake, real, **by_class, seed=seed)
    work["sharpness"] = partial(where_comparable, sharpness, fake, real)
    work["contrast"] = partial(where_comparable, contrast, fake, real)
    done = in_parallel(work)

    result: dict[str, Any] = {
        "n": n,
        "n_real": len(real),
        "seeds": [int(seed)],
        "data": data,
        "generator": generator,
        **({} if cpu_seconds is None else {"cpu_seconds": float(cpu_seconds)}),
    }
    for phi in against.maps:
        far, near, told = (done[f"{part} {phi.name}"] for part in ("far", "near", "told"))
        result[phi.name] = {"sha256": phi.sha256, **far, **asdict(near), "c2st": told.accuracy, "c2st_z": told.z}
    if p is not None and fake_label is not None and real_label is not None and prior is not None:
        main, found = against.maps[0].name, count_classes(p, prior)
        variances = within_class_variance(seen[main], fake_label, against.features[main], real_label, len(prior))
        result["classes"] = {
            **asdict(found),
            "histogram": list(found.histogram),
            "within_class_variance": list(variances),
            "score": classifier_score(p),
        }
        if asked is not None:
            if np.shape(asked) != (n,):
                raise ShapeError(f"{np.shape(asked)} classes asked for {n} fakes; one for each is needed.")
            result["classes"]["label_accuracy"] = float(np.mean(p.argmax(axis=1) == asked))
    result["copies"] = {"by": against.copies_by, "n_train": len(against.originals.train), **asdict(done["copies"])}
    for name in ("diversity", "sharpness", "contrast"):
        if done[name] is not None:
            result[name] = done[name]
    return result


def distances(real: NDArray[Any], fake: NDArray[Any], of_real: Moments, seed: int) -> dict[str, float]:
    """Measure the distances between two sets under one feature map.

    Parameters
    ----------
    real, fake : arrays of shape (n, d) and (m, d)
    of_real : Moments
        Of `real`.
    seed : int
        Of the subsets.

    Returns
    -------
    dict
        ``fd``, ``fd_floor``, ``kid``, ``kid_sd``, and ``fd_infinity`` where there are four rows or more a column;
        FD in per cent of the reals' total variance.
    """
    n, d = fake.shape
    kernel = kid(real, fake, seed=seed)
    figures = {
        "fd": percent(frechet_distance(of_real, moments(fake)), of_real),
        "fd_floor": percent(noise_floor(of_real.cov, of_real.n, n), of_real),
        "kid": kernel.mean,
        "kid_sd": kernel.sd,
    }
    if min(n, of_real.n) >= 4 * d:
        figures["fd_infinity"] = percent(frechet_infinity(real, fake, seed=seed), of_real)
    return figures


def _look(
    maps: Sequence[FeatureMap], images: NDArray[np.uint8]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float64] | None]:
    """Send pictures through all maps: features by the map's name, and the first one's class probabilities."""
    features: dict[str, NDArray[np.float32]] = {}
    probabilities: NDArray[np.float64] | None = None
    for phi in maps:
        if isinstance(phi, ClassMap) and probabilities is None:
            features[phi.name], told = phi.features_and_probabilities(images)
            probabilities = read_probabilities(told)
        else:
            features[phi.name] = phi(images)
    return features, probabilities

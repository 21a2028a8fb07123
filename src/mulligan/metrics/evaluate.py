"""Evaluate fakes against held-out reals, as the dictionary of ``metrics.json``; `merge` several evaluations.

The protocol: 10,000 fakes against the 10,000 test pictures, at least three seeds, median and range, floors beside the
figures. `Reference` does the reals' half of the work once for all sets of fakes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError, ShapeError
from mulligan.metrics.comparison import Comparison, Pictures
from mulligan.metrics.copies import Originals, originals
from mulligan.metrics.distances.frechet import Moments, moments, percent
from mulligan.metrics.features.maps import ClassMap, FeatureMap
from mulligan.metrics.parallel import in_parallel
from mulligan.metrics.registry import METRICS
from mulligan.metrics.validation import feature_sets, pictures
from mulligan.metrics.validation import probabilities as read_probabilities

COPIES_BY = "pca64"
"""The map in which copies are searched, if it is used. It is near the pixels; to a judge, two sevens look the same."""


FACTS = ("n", "n_real", "n_train", "accuracy", "step")
"""Numbers that must agree between seeds, as strings and booleans must, because they are not figures."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The reals' half of an evaluation: held-out reals and the training set, with their features.

    Attributes
    ----------
    real : array of shape (n, h, w, c), uint8
        Held-out pictures.
    maps : tuple of FeatureMap
        The first is the main map, in which variance inside classes is measured.
    features : dict of arrays of shape (n, d), float32
        Of the reals, by the name of the map.
    moments : dict of Moments
        Of those features.
    copies_by : str
        Name of the map in which copies are searched.
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

    Returns
    -------
    Reference

    Raises
    ------
    ConfigError
        No map, or two with one name.
    ShapeError, DataError
        Pictures that do not fit; reals that are all the same.
    """
    real, train = pictures(real, "real pictures"), pictures(train, "training pictures")
    names = [phi.name for phi in maps]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"maps must be feature maps, each with its own name, got {names}. Try [pca(train)].")
    features, probabilities = _seen_by(maps, real)
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


def evaluate_pictures(
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
    """Score one set of fakes: every figure of ``metrics.json``.

    Parameters
    ----------
    fake : array of shape (n, h, w[, c]), uint8
        As many as the reals.
    against : Reference
        The reals.
    asked : array of shape (n,), integer, optional
        The class that each fake was asked to be. The figures of the classes then include `label_accuracy`, the share of
        fakes for which argmax p(y|x) is that class.
    seed : int
        The seed with which the fakes were drawn. It is noted, and seeds subsets and pairs. The same fakes, reference
        and seed give the same figures to the last digit.
    data, generator : str
        Noted: the data's name; "ema" or "raw".
    cpu_seconds : float, optional
        Noted: CPU time of the training, if known.
    unequal : bool
        Allow different numbers of fakes and reals. `n` and `n_real` then differ in the result. Do not compare its
        figures with those of another n: FD, precision, recall and coverage all depend on it.

    Returns
    -------
    dict
        Ready for JSON: str, int, float, list, dict. FD, its floor and FD∞ are per cent of the real features' total
        variance. Left out are `fd_infinity` with fewer than four pictures per feature, `diversity` below 7×7 pixels or
        if no class has two different reals, and `sharpness` if the reals have no edge.

    Raises
    ------
    ConfigError
        Different numbers of fakes and reals.
    ShapeError, DataError
        Pictures or classes that do not fit.
    """
    fake = pictures(fake, "fakes")
    real, n = against.real, len(fake)
    if fake.shape[1:] != real.shape[1:]:
        raise ShapeError(
            f"fakes must have the reals' shape {real.shape[1:]}, got {fake.shape[1:]}. "
            f"Evaluate against the data that the generator was trained on; do not resize."
        )
    if n != len(real) and not unequal:
        raise _another_number(n, len(real), ", or pass unequal=True to have it marked")
    if asked is not None and np.shape(asked) != (n,):
        raise ShapeError(f"asked must have one class for each of the {n} fakes, got shape {np.shape(asked)}.")
    features, p = _seen_by(against.maps, fake)
    whole = Pictures(real, fake, seed, "", data, against=against, features=features, probabilities=p, asked=asked)
    spaces = [
        Comparison(against.features[name], seen, seed, name, data, against.moments[name])
        for name, seen in features.items()
    ]
    found = _measured({"pictures": [whole], "features": spaces})
    for phi in against.maps:
        found[phi.name] = {"sha256": phi.sha256, **found[phi.name]}
    return {**_notes(whole, generator, cpu_seconds), **found}


def evaluate_points(
    fake: NDArray[Any],
    real: NDArray[Any],
    *,
    seed: int = 0,
    data: str = "",
    generator: str = "ema",
    cpu_seconds: float | None = None,
) -> dict[str, Any]:
    """Score one set of points: FD, KID and neighbours in their own coordinates; modes, KL and density for a toy.

    Parameters
    ----------
    fake, real : arrays of shape (n, d)
        As many fakes as held-out reals.
    seed : int
        The seed with which the fakes were drawn. It is noted, and seeds KID's subsets.
    data : str
        Name of the data. For a toy, figures from its density are added.
    generator, cpu_seconds
        Noted, as in `evaluate_pictures`.

    Returns
    -------
    dict
        Ready for JSON. ``points`` has the distances; ``modes`` those of a mixture in two dimensions (the reals'
        high-quality share beside as ``high_quality_ideal``); ``divergences`` KL and JS in one dimension, in nats;
        ``log_density`` the mean of log p, the reals' beside.

    Raises
    ------
    ConfigError
        Another number of fakes than reals.
    ShapeError, DataError
        Points that do not fit, or are not finite.
    """
    fake, real = feature_sets(fake, real, names=("fake points", "real points"))
    if len(fake) != len(real):
        raise _another_number(len(fake), len(real))
    whole = Comparison(real, fake, seed, data=data, moments=moments(real))
    return {**_notes(whole, generator, cpu_seconds), **_measured({"points": [whole], "features": [whole]})}


def merge(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Merge the results of several seeds: each figure becomes ``{"median": …, "min": …, "max": …}``.

    Parameters
    ----------
    results : sequence of dict
        From `evaluate_pictures`, one for each seed: several generators, or several draws from one.

    Returns
    -------
    dict
        Of the same form; figures in lists are merged one by one, `seeds` are joined. A single result is returned
        unchanged.

    Raises
    ------
    ConfigError
        No result, or results that cannot be compared: different n, data, judge, or figures.
    """
    if not results:
        raise ConfigError("results must hold at least one result, got none. Evaluate with seeds=1.")
    if len(results) == 1:
        return dict(results[0])
    merged: dict[str, Any] = _merge(list(results), "")
    merged["seeds"] = [seed for result in results for seed in result["seeds"]]
    return merged


def _seen_by(
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


def _another_number(fakes: int, reals: int, hint: str = "") -> ConfigError:
    return ConfigError(
        f"fakes must be as many as the {reals} reals, got {fakes}: every figure depends on their number. "
        f"Draw {reals} fakes{hint}."
    )


def _notes(whole: Comparison, generator: str, cpu_seconds: float | None) -> dict[str, Any]:
    return {
        "n": len(whole.fake),
        "n_real": len(whole.real),
        "seeds": [int(whole.seed)],
        "data": whole.data,
        "generator": generator,
        **({} if cpu_seconds is None else {"cpu_seconds": float(cpu_seconds)}),
    }


def _measured(sets: Mapping[str, Sequence[Comparison]]) -> dict[str, Any]:
    """Compute every metric of these sets in parallel, each function once for a set."""
    work: dict[Any, Callable[[], Any]] = {}
    for metric in sorted(METRICS.values(), key=lambda metric: metric.of == "features"):  # copies take longest
        if metric.compute is not None:
            for each in sets.get(metric.of, ()):
                work[each.space, metric.compute] = partial(metric.compute, each)
    done = in_parallel(work)
    result: dict[str, Any] = {each.space: {} for each in sets["features"]}
    for path, metric in METRICS.items():
        section, _, name = path.rpartition(".")
        for each in sets.get(metric.of, ()):
            found = done.get((each.space, metric.compute))
            if found is not None:
                parent = each.space if metric.of == "features" else section
                place = result.setdefault(parent, {}) if parent else result
                for key, value in (found if isinstance(found, Mapping) else {name: found}).items():
                    place[key] = value.item() if isinstance(value, np.generic) else value
    return result


def _merge(values: list[Any], path: str) -> Any:
    """Merge the values at one path of several results."""
    first, name = values[0], path.rpartition(".")[2]
    if name == "seeds":
        return None
    if isinstance(first, dict):
        if any(value.keys() != first.keys() for value in values):
            raise ConfigError(f"results must have the same figures in '{path or 'metrics'}'. Evaluate all in one way.")
        return {key: _merge([value[key] for value in values], f"{path}.{key}".lstrip(".")) for key in first}
    if isinstance(first, list):
        return [_merge(list(entries), path) for entries in zip(*values, strict=True)]
    if isinstance(first, (str, bool)) or name in FACTS:
        if any(value != first for value in values):
            raise ConfigError(
                f"results must have the same '{path}', got {', '.join(map(str, values))}. Evaluate all in one way."
            )
        return first
    return {"median": median(values), "min": min(values), "max": max(values)}

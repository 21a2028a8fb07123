"""Evaluate fakes against held-out reals, as the dictionary of ``metrics.json``; `merge` several evaluations.

The protocol: 10,000 fakes against the 10,000 test pictures, at least three seeds, median and range, floors beside the
figures.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError, ShapeError
from mulligan.metrics.comparison import Comparison, Pictures
from mulligan.metrics.distances.frechet import moments
from mulligan.metrics.parallel import in_parallel
from mulligan.metrics.reference import Reference, seen_by
from mulligan.metrics.registry import METRICS
from mulligan.metrics.validation import feature_sets, pictures

FACTS = ("n", "n_real", "n_train", "accuracy", "step")
"""Numbers that must agree between seeds, as strings and booleans must, because they are not figures."""


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
    features, p = seen_by(against.maps, fake)
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
        Ready for JSON. ``points`` has the distances, ``modes`` those of a mixture in two dimensions. There
        ``high_quality_ideal`` is the reals' share. ``divergences`` has KL and JS in one dimension, in nats, and
        ``log_density`` the mean of log p, the reals' beside.
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
    """
    if len(results) == 1:
        return dict(results[0])
    merged: dict[str, Any] = _merge(list(results), "")
    merged["seeds"] = [seed for result in results for seed in result["seeds"]]
    return merged


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

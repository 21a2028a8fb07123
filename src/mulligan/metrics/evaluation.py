"""Compare a generator's samples with held-out data: which reals, how many, in which features, which figures.

The protocol: 10,000 fakes against the same number of held-out samples, or all of them if there are fewer. Classes are
asked for as often as in the training data. At least three seeds, median and range, floors beside the figures.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset, load
from mulligan.data.registry import is_picture_folder
from mulligan.data.sources import load_unresized
from mulligan.errors import ConfigError, expand, require
from mulligan.metrics.copies import Originals, originals
from mulligan.metrics.counts import stacked_modes
from mulligan.metrics.distances import Moments, moments, percent
from mulligan.metrics.features.gist import ENOUGH, gist
from mulligan.metrics.features.judge import Judge, bundled_judge, judge_for
from mulligan.metrics.features.maps import FeatureMap, pca, pca_limit, with_probabilities
from mulligan.metrics.parallel import in_parallel
from mulligan.metrics.pixels import FEWEST, real_or_fake
from mulligan.metrics.registry import METRICS, Comparison
from mulligan.metrics.validation import feature_sets, pictures
from mulligan.nn.memory import use_one_heap

_LOG = logging.getLogger(__name__)

COUNT = 10_000
"""Default number of fakes, and of held-out reals if there are enough."""
LEAST = 20
"""Minimum number of pictures for an evaluation."""
FACTS = ("n", "n_real", "n_train", "accuracy", "step")
"""Numbers that must agree between seeds, as strings and booleans must, because they are not figures."""
STACKED = "stacked-mnist"
STACKED_COUNT = 26_000
"""Number of fakes for counting stacked MNIST's modes, as published (Lin et al. 2018, "PacGAN", section 4.2)."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The reals' half of an evaluation of pictures: held-out reals and the training set, with their features."""

    real: NDArray[np.uint8]
    map: FeatureMap
    features: NDArray[np.float32]
    """Of the reals, (n, d), in the map in which sets are compared."""
    moments: Moments
    near: FeatureMap
    """The map in which copies are searched."""
    originals: Originals
    """The whole training set, in that map."""
    others: NDArray[np.uint8]
    """As many other reals, of the training set."""

    @cached_property
    def control(self) -> float:
        """How often a fresh net tells the reals from the others; ½ if there are too few to ask one."""
        return real_or_fake(self.real, self.others) if len(self.others) >= FEWEST else 0.5


def reference(
    real: NDArray[Any],
    train: NDArray[Any],
    phi: FeatureMap,
    near: FeatureMap | None = None,
    *,
    inside: NDArray[np.intp] | None = None,
) -> Reference:
    """Prepare the reals' half of an evaluation.

    Parameters
    ----------
    real, train : arrays of shape (n, h, w[, c]) and (l, h, w[, c]), uint8
        Held-out pictures, and all that the generator was trained on, which only the search for copies reads.
    phi : FeatureMap
        The features in which sets are compared. Only a judge gives figures of classes.
    near : FeatureMap, optional
        The map in which copies are searched, such as `pca`: to a judge two sevens look the same. Default: `phi`.
    inside : array of shape (n,), integer, optional
        If nothing was held out: the row of each real in `train`.
    """
    real, train = pictures(real, "real pictures"), pictures(train, "training pictures")
    near = phi if near is None else near
    features = phi(real)
    of_real = moments(features)
    percent(0.0, of_real)  # raises if all reals are the same, before the long work
    known = originals(features if near is phi else near(real), near(train), inside=inside)
    apart = np.delete(np.arange(len(train)), [] if inside is None else inside)
    others = train[np.random.default_rng(0).permutation(apart)[: len(real)]]
    return Reference(real, phi, features, of_real, near, known, others)


def evaluate_pictures(
    fake: NDArray[Any],
    against: Reference,
    *,
    asked: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    data: str = "",
) -> dict[str, Any]:
    """Score one set of fakes: every figure of ``metrics.json``.

    Parameters
    ----------
    fake : array of shape (n, h, w[, c]), uint8
        As many as the reals.
    against : Reference
        The reals.
    asked : array of shape (n,), integer, optional
        The class that each fake was asked to be, for `label_accuracy`.
    seed : int
        The seed with which the fakes were drawn. It is noted, and seeds random choices of metrics.
    data : str
        The data's name, noted.

    Returns
    -------
    dict
        Ready for JSON. FD and its floor are per cent of the real features' total variance. Figures for which there
        is nothing to compare are left out. The same arguments give the same figures to the last digit.
    """
    fake, real = pictures(fake, "fakes"), against.real
    features, p = with_probabilities(against.map, fake)
    near = against.near.name, features if against.near is against.map else against.near(fake)
    control = lambda: against.control  # noqa: E731 (late, and once for all fakes)
    pair = Comparison(
        real, fake, against.features, features, against.moments, seed, data, p, asked, against.originals, near, control
    )
    result = _measure(pair, "pictures", against.map.name)
    result[against.map.name] = {"sha256": against.map.sha256, **result[against.map.name]}
    return result


def evaluate_points(fake: NDArray[Any], real: NDArray[Any], *, seed: int = 0, data: str = "") -> dict[str, Any]:
    """Score one set of points, (n, d), by as many held-out reals: FD and neighbours in their own coordinates.

    The result is ready for JSON, as that of `evaluate_pictures`. If `data` names a toy, its ``modes`` are counted.
    """
    fake, real = feature_sets(fake, real, names=("fake points", "real points"))
    pair = Comparison(real, fake, real, fake, moments(real), seed, data)
    return _measure(pair, "points", "points")


def _measure(pair: Comparison, kind: str, space: str) -> dict[str, Any]:
    """Compute every metric of pictures or points in parallel, each function once."""
    n = len(pair.fake)
    if n != len(pair.real):
        raise ConfigError(
            f"fakes must be as many as the {len(pair.real)} reals, got {n}: every figure depends on their number. "
            f"Draw {len(pair.real)} fakes."
        )
    chosen = {path: metric for path, metric in METRICS.items() if metric.of in (kind, "features") and metric.compute}
    work = {metric.compute: partial(metric.compute, pair) for metric in chosen.values() if metric.compute}
    done = in_parallel(work)
    result: dict[str, Any] = {"n": n, "n_real": n, "seeds": [int(pair.seed)], "data": pair.data, space: {}}
    for path, metric in chosen.items():
        section, _, name = path.rpartition(".")
        parent, figures = space if metric.of == "features" else section, done[metric.compute]
        if figures is not None:
            place = result.setdefault(parent, {}) if parent else result
            for key, value in (figures if isinstance(figures, Mapping) else {name: figures}).items():
                place[key] = value.item() if isinstance(value, np.generic) else value
    return result


def merge(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Merge the results of several seeds or generators: each figure becomes ``{"median": …, "min": …, "max": …}``.

    Figures in lists are merged one by one, `seeds` are joined. A single result is returned unchanged.
    """
    if len(results) == 1:
        return dict(results[0])
    return {**_merge(list(results), ""), "seeds": [seed for result in results for seed in result["seeds"]]}


def _merge(values: list[Any], path: str) -> Any:
    """Merge the values at one path of several results."""
    first, name = values[0], path.rpartition(".")[2]
    if name == "seeds":
        return None
    if isinstance(first, dict):
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


class Fakes:
    """Samples of another program, to be measured like a generator's: a seed chooses among those of `data`."""

    def __init__(self, data: Dataset):
        self.data = data
        picture = not data.is_points
        self.spec = SimpleNamespace(shape=data.shape, is_picture=picture, step=0, class_names=(), data=data.name)

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def of(cls, source: str | Path) -> Self:
        """Read samples: the pictures of a folder in their own size, the same for all; or the arrays of a file."""
        path = expand(source)
        return cls(load_unresized(path) if is_picture_folder(path) else load(path))

    def sample(self, count: int, seed: int = 0) -> NDArray[Any]:
        """Choose samples by a seed."""
        return np.asarray(self.data.images[np.random.default_rng(seed).permutation(len(self))[:count]])

    images = sample

    def labels(self, count: int, seed: int = 0) -> None:
        """Return None, because no class was asked for."""


@dataclass(frozen=True, eq=False)
class Evaluator:
    """The part of an evaluation that depends on the reals alone. Make it once, then `score` generators."""

    data: Dataset
    real: NDArray[Any]
    held_out: bool
    judge: Judge | None = None
    """For stacked MNIST, the judge of single digits."""
    against: Reference | None = None
    """None for points."""

    @property
    def count(self) -> int:
        """Number of fakes to draw: that of the reals."""
        return len(self.real)

    @classmethod
    def of(cls, data: Dataset, count: int | None = None, *, train_judge: bool = True) -> Self:
        """Prepare the reals of a data set: those held out, or half of the data if nothing is."""
        use_one_heap()
        there = len(data) // 2 if data.test is None else len(data.test)
        count, apart = _check_count(there, count, data), np.arange(len(data))
        inside: NDArray[np.intp] | None = None
        if data.test is not None:
            real = np.asarray(data.test.draw(count).images)
        else:
            inside = np.random.default_rng(0).permutation(len(data))[:there]
            apart = np.delete(apart, inside)
            inside = inside if count == there else inside[np.random.default_rng(0).permutation(there)[:count]]
            real = data.images[inside]
        if data.is_points:
            return cls(data, real, inside is None)
        stacked = data.name == STACKED
        judge = bundled_judge("mnist") if stacked else judge_for(data, train=train_judge)
        # principal components exaggerate the spread of their training data, so they must not be fitted on the reals
        mixed, limit = apart[np.random.default_rng(0).permutation(len(apart))], pca_limit(data.shape)
        some = data.images[mixed[:limit]]
        components = pca(some if len(apart) > limit else data.images[apart])
        _LOG.info(
            "looking at %s %s pictures of %s", f"{count:,}", "held-out" if inside is None else "of the", data.name
        )
        phi = gist(some[:ENOUGH]) if judge is None or stacked else judge
        against = reference(real, np.asarray(data.images), phi, components, inside=inside)
        return cls(data, real, inside is None, judge, against)

    def score(self, generator: Any, seed: int = 0) -> dict[str, Any]:
        """Score one draw of a `Generator` or of `Fakes`. The same seed gives the same figures to the last digit."""
        name = self.data.name
        facts = {"step": generator.spec.step, "held_out": self.held_out}
        if self.against is None:
            return {**evaluate_points(generator.sample(self.count, seed), self.real, seed=seed, data=name), **facts}
        judged = self.judge is not None and self.against.map is self.judge
        own = self.data.classes > 0 and generator.spec.class_names == self.data.class_names  # not clusters
        labels = generator.labels(self.count, seed) if judged and own else None
        images = generator.images(self.count, seed)
        result = evaluate_pictures(images, self.against, asked=labels, seed=seed, data=name)
        if self.judge is not None and judged:
            result[self.judge.name]["accuracy"] = self.judge.accuracy
        if self.judge is not None and not judged:
            result["modes"] = self._stacked_modes(self.judge, generator, seed)
        return {**result, **facts}

    def _stacked_modes(self, judge: Judge, generator: Any, seed: int) -> dict[str, Any]:
        """Count modes: classify three digits, in the published number of pictures."""
        count = STACKED_COUNT if self.count == COUNT else self.count
        images = generator.images(count, seed)
        channels = [np.ascontiguousarray(images[..., c : c + 1]) for c in range(3)]
        digits = np.stack([judge.probabilities(channel).argmax(axis=1) for channel in channels], axis=1)
        return {**asdict(stacked_modes(digits)), "n": count, "sha256": judge.sha256}


def _check_count(there: int, count: int | None, data: Dataset) -> int:
    """Return how many reals are compared; raise if there are not as many."""
    what = "are held out" if data.test is not None else "can stand in for held-out ones (half of all)"
    if there < LEAST:
        raise ConfigError(f"{data.name} must have {LEAST} samples that {what}, got {there}. Collect more.")
    count = min(COUNT, there) if count is None else count
    rule = f"from {LEAST} to {there}, all of {data.name} that {what}"
    require(LEAST <= count <= there, "count", rule, int(count), there)
    return count

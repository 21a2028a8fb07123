"""Measures of a study. A measure is a function of a run and a number of samples, and returns figures by name.

Measures do not change the run. Their random numbers come from `Run.draw`, so that a resumed cell finds the same
figures. Statistics of the data alone are computed once per process.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan import metrics
from mulligan.data import Dataset
from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.errors import UnsupportedError
from mulligan.metrics import METRICS, Metric
from mulligan.metrics.features.gist import ENOUGH
from mulligan.metrics.features.judge import bundled_judge_for
from mulligan.metrics.features.maps import pca_limit, with_probabilities
from mulligan.nn.rng import stream
from mulligan.training import Run

Figures = dict[str, float]
Measure = Callable[[Run, int], Figures]

FIGURES: dict[str, Metric] = METRICS | {
    "fd_pca": replace(METRICS["fd"], label="FD, PCA-64, % of variance"),
    "classes": METRICS["classes.modes"],
    "effective": METRICS["classes.effective_modes"],
    "junk": METRICS["classes.junk"],
    "modes": METRICS["modes.captured"],
    "good": METRICS["modes.high_quality"],
    "distance": Metric("Median distance to the nearest mode", better="low"),
    "kl": METRICS["modes.kl"],
}
"""Every figure of the measures. You can add your own figures."""


def quality(run: Run, count: int) -> Figures:
    """Measure the averaged generator against held-out samples: distances, coverage, classes; or modes.

    Returns
    -------
    dict
        For pictures ``fd``, ``coverage``, ``precision``, ``recall`` in the features of a bundled judge or of `gist`,
        ``fd_pca``, ``sharpness`` if the reals have edges, and with a judge ``classes``, ``effective``, ``junk``.
        For a mixture's points ``modes``, ``good``, ``distance``, ``kl``.
    """
    samples = run.sample(*run.draw(count, seed=run.config.seed))
    if not run.data.is_points:
        return _pictures(run.data, samples)
    toy = mixture_of(run.data)
    modes = metrics.modes(samples, toy.modes, toy.std)
    distance, _ = metrics.nearest(np.asarray(samples, np.float64), toy.modes)
    figures = {"modes": float(modes.captured), "good": modes.high_quality}
    return {**figures, "distance": float(np.median(distance)), "kl": modes.kl}


def mixture_of(data: Dataset) -> Gaussians:
    """Return the mixture from which points are drawn. Raises `UnsupportedError` when it is unknown."""
    toy = TOYS.get(data.name)
    if toy is None:
        raise UnsupportedError(
            f"the data must be pictures or a mixture for the measure quality, got {data.name}. Try data ring, or "
            "another measure."
        )
    return toy


def _pictures(data: Dataset, fake: NDArray[np.uint8]) -> Figures:
    real, phi, x, components, real_components = _reals(data, len(fake))
    y, p = with_probabilities(phi, fake)
    figures: Figures = {}
    for name, a, b in (("fd", x, y), ("fd_pca", real_components, components(fake))):
        moments = metrics.moments(a)
        figures[name] = metrics.percent(metrics.frechet_distance(moments, metrics.moments(b)), moments)
    if p is not None:
        classes = metrics.count_classes(p)
        figures |= {"classes": float(classes.modes), "effective": classes.effective_modes, "junk": classes.junk}
    near = metrics.manifolds(x, y)
    figures |= {"coverage": near.coverage, "precision": near.precision, "recall": near.recall}
    sharpness = metrics.sharpness(fake, real)
    return figures if sharpness is None else {**figures, "sharpness": sharpness}


@lru_cache(maxsize=4)
def _reals(data: Dataset, count: int) -> tuple[NDArray[np.uint8], Any, NDArray[Any], Any, NDArray[Any]]:
    """Return always the same `count` pictures, held out if any are; a bundled judge or gist, PCA; what both see."""
    pool = np.asarray((data if data.test is None else data.test).images)
    images = pool[np.sort(stream(0, "study.reals").permutation(len(pool))[:count])]
    rows = stream(0, "study.pca").permutation(len(data))[: min(10_000, pca_limit(data.shape))]
    components = metrics.pca(np.asarray(data.images[np.sort(rows)]))
    phi: Any = bundled_judge_for(data)
    if phi is None or (data.labels is not None and np.bincount(data.labels, minlength=data.classes).min() == 0):
        phi = metrics.gist(np.asarray(data.images[np.sort(rows[:ENOUGH])]))
    return images, phi, phi(images), components, components(images)


MEASURES: dict[str, Measure] = {"quality": quality}
"""Every measure by its name in a study. To add a measure, add an entry."""

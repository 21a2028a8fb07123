"""Measure samples: distance, coverage, real or fake, copies, classes, each beside its floor.

- `registry`: every figure of ``metrics.json``, with label, direction, floor, source and function. Read it first.
- `evaluation`: the evaluation of a generator against a data set, and of one set of samples against another.
- `distances`: Fréchet distance, its floor. `neighbours`: precision, recall, coverage.
- `pixels` (real or fake? sharpness), `copies`, `counts` (classes, modes): the other figures.
- `features/`: the spaces in which pictures are compared: the judge, edges and colours, PCA of the pixels.
- `validation`: checks of arguments; `parallel`: work on all cores.
"""

from mulligan.metrics.copies import nearest_pictures
from mulligan.metrics.counts import Classes, Modes, count_classes, modes, stacked_modes
from mulligan.metrics.distances import Moments, frechet_distance, moments, noise_floor, percent
from mulligan.metrics.evaluation import (
    Evaluator,
    Fakes,
    Reference,
    evaluate_pictures,
    evaluate_points,
    merge,
    reference,
)
from mulligan.metrics.features.gist import Gist, gist
from mulligan.metrics.features.judge import Judge, bundled_judge, judge_for
from mulligan.metrics.features.maps import PCA, ClassMap, FeatureMap, pca
from mulligan.metrics.neighbours import Manifolds, coverage_ideal, manifolds, nearest
from mulligan.metrics.pixels import real_or_fake, sharpness
from mulligan.metrics.registry import MAPS, METRICS, Comparison, Figure, Metric, at, figures_in, median_of, space_of

__all__ = [
    "MAPS", "METRICS", "PCA", "ClassMap", "Classes", "Comparison", "Evaluator", "Fakes", "FeatureMap", "Figure",
    "Gist", "Judge", "Manifolds", "Metric", "Modes", "Moments", "Reference", "at", "bundled_judge", "count_classes",
    "coverage_ideal", "evaluate_pictures", "evaluate_points", "figures_in", "frechet_distance", "gist", "judge_for",
    "manifolds", "median_of", "merge", "modes", "moments", "nearest", "nearest_pictures", "noise_floor", "pca",
    "percent", "real_or_fake", "reference", "sharpness", "space_of", "stacked_modes",
]  # fmt: skip

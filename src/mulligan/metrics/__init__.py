"""Measure samples: distances, coverage, classes, copies, each beside its floor.

- `registry`: every figure of ``metrics.json``, with label, direction, floor, source and function. Read it first.
- `exam`: the evaluation of a generator against a data set. `reference`: the half of it that only reals decide.
- `evaluate`: the score of one set of fakes, and several merged; `comparison`: the argument of a metric's function.
- `features/`: the spaces in which pictures are compared: the judge, edges and colours, PCA of the pixels.
- `distances/`: how far two sets of features are apart: FD, KID, sliced Wasserstein, neighbours, C2ST.
- `classes`, `copies`, `pictures`, `toys`: figures from a judge, the training set, the pixels, a known density.
- `fakes`: samples of another program. `validation`: checks of arguments; `parallel`: work on all cores.
"""

from mulligan.metrics.classes import Classes, classifier_score, count_classes, kl, labels, shares, within_class_variance
from mulligan.metrics.comparison import Comparison, Pictures
from mulligan.metrics.copies import Copies, Originals, copying, ct, nearest_pictures, originals
from mulligan.metrics.distances.c2st import TwoSampleTest, c2st
from mulligan.metrics.distances.frechet import (
    Moments,
    frechet_distance,
    frechet_infinity,
    moments,
    noise_floor,
    percent,
)
from mulligan.metrics.distances.kernel import Kid, kid, squared_mmd
from mulligan.metrics.distances.neighbours import Manifolds, coverage_ideal, kmeans, manifolds, nearest
from mulligan.metrics.distances.sliced import sliced_wasserstein, split_floor
from mulligan.metrics.evaluate import evaluate_pictures, evaluate_points, merge
from mulligan.metrics.fakes import Fakes
from mulligan.metrics.features.gist import Gist, gist
from mulligan.metrics.features.judge import Judge, bundled_judge, bundled_judge_for, judge_for
from mulligan.metrics.features.maps import PCA, ClassMap, FeatureMap, pca, pca_limit
from mulligan.metrics.pictures import contrast, dissimilarity, diversity, sharpness, ssim, where_comparable
from mulligan.metrics.reference import Reference, reference
from mulligan.metrics.registry import MAPS, METRICS, Figure, Metric, at, figures_in, median_of
from mulligan.metrics.toys import Divergences, Modes, divergences, modes, stacked_modes

# fmt: off
__all__ = [
    "MAPS", "METRICS", "PCA", "ClassMap", "Classes", "Comparison", "Copies", "Divergences", "Fakes", "FeatureMap",
    "Figure", "Gist",
    "Judge", "Kid", "Manifolds", "Metric", "Modes", "Moments", "Originals", "Pictures", "Reference",
    "TwoSampleTest", "at", "bundled_judge", "bundled_judge_for", "c2st", "classifier_score", "contrast", "copying",
    "count_classes", "coverage_ideal", "ct", "dissimilarity", "divergences", "diversity", "evaluate_pictures",
    "evaluate_points", "figures_in", "frechet_distance", "frechet_infinity", "gist", "judge_for", "kid", "kl", "kmeans",
    "labels", "manifolds", "median_of", "merge", "modes", "moments", "nearest",
    "nearest_pictures", "noise_floor", "originals", "pca", "pca_limit", "percent",
    "reference", "shares", "sharpness", "sliced_wasserstein", "split_floor",
    "squared_mmd", "ssim", "stacked_modes",
    "where_comparable", "within_class_variance",
]
# fmt: on

"""Measure the generator during a run: a thousand fakes against a thousand reals, in a tenth of a second.

The figure to watch is the distance to real: FD in the features of a bundled judge, of `gist` where no judge knows the
pictures, or in the coordinates of points. Perfect samples score its floor. Latents and reals stay the same over the
run: a curve moves with the generator alone, and a resumed run finds the same figures to the last digit.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mulligan import metrics
from mulligan.data.sources.toys import Gaussians, find_mixture
from mulligan.metrics import Gist, Judge, Moments
from mulligan.metrics.distances import floor_of
from mulligan.metrics.features.gist import ENOUGH
from mulligan.metrics.features.judge import bundled_judge_for
from mulligan.metrics.features.maps import with_probabilities
from mulligan.metrics.parallel import in_parallel
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream
from mulligan.nn.workers.limits import rows_at_once
from mulligan.output.pictures import to_uint8
from mulligan.training.run import Run

COUNT = 1000  # number of fakes, and the most reals, that are compared
LEAST = 20  # minimum number of reals; with fewer, nothing is measured
_BLOCK = 125  # rows of one pass; another number changes the last digits of the figures


@dataclass(frozen=True, eq=False)
class Monitor:
    """An evaluator for `train`: the distance to real, classes if a judge is bundled, and a toy's modes."""

    real: NDArray[Any]  # features of pictures, or points
    moments: Moments  # of `real`
    floor: float
    features: Judge | Gist | None = None  # a judge only if bundled: a run must not depend on the machine's cache
    toy: Gaussians | None = None

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Make the monitor of a run, or None if the run has too few samples to compare with."""
        data = run.data
        pool = data.images if data.test is None else data.test.images
        if len(pool) < LEAST:
            return None
        real = np.asarray(pool[_choose_rows(len(pool), COUNT, "reals")])
        features: Judge | Gist | None = None
        if not data.is_points:
            if len(data) < 2:  # no principal components
                return None
            features = bundled_judge_for(data)
            missing = data.labels is None or np.bincount(data.labels, minlength=data.classes).min() == 0
            if features is None or missing:
                features = metrics.gist(np.asarray(data.images[_choose_rows(len(data), ENOUGH, "pca")]))
            real = features(real)
        of_real = metrics.moments(real)
        if not of_real.total_variance > 0.0:  # all samples are the same
            return None
        toy = find_mixture(data.name) if data.is_points else None
        return cls(real, of_real, floor_of(real, of_real, COUNT), features, toy)

    def __call__(self, run: Run) -> dict[str, Any]:
        """Measure the averaged generator, on all cores together. Returns nothing if samples are not finite."""
        z, labels = run.draw(COUNT, seed=run.config.seed)
        spec, block = run.config.data, rows_at_once(_BLOCK, run.data.shape)

        def see(rows: slice) -> tuple[NDArray[Any], NDArray[Any] | None]:
            """Return the features of some fakes, and the judge's p(y|x)."""
            space: Workspace = run.gan.g.network.workspace(theta=run.gan.average)
            with np.errstate(all="ignore"):
                fakes = space.forward(z[rows], None if labels is None else labels[rows], training=False)
                if self.features is None or not np.isfinite(fakes).all():
                    return fakes.reshape(len(fakes), -1).copy(), None
                images = to_uint8(fakes, spec.low, spec.high).reshape(-1, *run.data.shape)
                return with_probabilities(self.features, images)

        parts = [slice(start, start + block) for start in range(0, len(z), block)]
        features, answers = zip(*in_parallel({rows.start: partial(see, rows) for rows in parts}).values())
        if not all(np.isfinite(part).all() for part in features):
            return {}
        fakes = np.concatenate(features)
        distance = metrics.percent(metrics.frechet_distance(self.moments, metrics.moments(fakes)), self.moments)
        figures: dict[str, Any] = {"distance": distance, "floor": self.floor}
        if self.toy is not None:
            near = metrics.modes(fakes, self.toy.modes, self.toy.std)
            figures |= {"modes": near.captured, "high_quality": near.high_quality}
        if answers[0] is not None:
            p = np.concatenate(answers)
            counts = metrics.count_classes(p)
            figures |= {"modes": counts.modes, "effective_modes": counts.effective_modes, "junk": counts.junk}
            if labels is not None and run.config.data.labels == "dataset":
                figures["label_accuracy"] = float(np.mean(p.argmax(axis=1) == labels))
        return figures


def _choose_rows(n: int, count: int, name: str) -> NDArray[np.int64]:
    """Choose the same random rows each time. The first rows would be of one class, because files are sorted."""
    # Keep the stream's name: another name chooses other rows and changes the figures.
    return np.sort(stream(0, f"glance.{name}").permutation(n)[:count])

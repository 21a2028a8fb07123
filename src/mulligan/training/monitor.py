"""Measure the generator during a run: a thousand fakes against a thousand reals, in a tenth of a second.

KID is unbiased at any number of samples, so it is the figure to watch. Its level depends on the number of reals, so it
differs from the final evaluation's. Latents and reals stay the same over the run: a curve moves with the generator
alone, and a resumed run finds the same figures to the last digit.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.metrics import PCA, Judge, bundled_judge_for, count_classes, kid, modes, pca, pca_limit
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream
from mulligan.output.pictures import to_uint8
from mulligan.training.run import Run

COUNT = 1000
"""Number of fakes, and the most reals, that are compared."""
FITTED = 10_000
"""Maximum number of training pictures from which the principal components are computed."""
LEAST = 20
"""Minimum number of reals; with fewer, nothing is measured."""
_BLOCK = 125  # rows of one pass; another number changes the last digits of the figures


@dataclass(frozen=True, eq=False)
class Monitor:
    """Pass this to `train` as an evaluator. It measures KID, and classes (with a bundled judge) or modes (of a toy)."""

    real: NDArray[Any]  # for KID: principal components of pictures, or points
    features: PCA | None = None  # None for points
    judge: Judge | None = None  # only a bundled one, because a run must not depend on the machine's cache
    prior: NDArray[np.int64] | None = None  # number of samples of each class that the run trains on
    toy: Gaussians | None = None

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Make the monitor of a run, or None if the run has too few samples to compare with."""
        data = run.data
        pool = data.images if data.test is None else data.test.images
        if len(pool) < LEAST:
            return None
        real = np.asarray(pool[_some(len(pool), COUNT, "reals")])
        if data.is_points:
            toy = TOYS.get(data.name)
            return cls(real, toy=toy if isinstance(toy, Gaussians) and len(toy.centres) > 1 else None)
        if len(data) < 2:  # no principal components
            return None
        features = pca(np.asarray(data.images[_some(len(data), min(FITTED, pca_limit(data.shape)), "pca")]))
        judge = bundled_judge_for(data)
        prior = None if judge is None or data.labels is None else np.bincount(data.labels, minlength=data.classes)
        if prior is None or prior.min() == 0:
            judge = prior = None
        return cls(features(real), features, judge, prior)

    def __call__(self, run: Run) -> dict[str, Any]:
        """Measure the averaged generator. Returns nothing if samples are not finite."""
        z, labels = run.draw(COUNT, seed=run.config.seed)
        fakes, judged = self.features_of(run, z, labels)
        if not np.isfinite(fakes).all():
            return {}
        found: dict[str, Any] = {"kid": kid(self.real, fakes, subsets=1).mean}
        if self.toy is not None:
            near = modes(fakes, self.toy.modes, self.toy.std)
            found |= {"modes": near.captured, "high_quality": near.high_quality}
        if judged is not None and self.prior is not None:
            classed = count_classes(judged, self.prior)
            found |= {
                "modes": classed.modes,
                "effective_modes": classed.effective_modes,
                "junk": classed.junk,
            }
            if labels is not None and run.config.data.labels == "dataset":
                found["label_accuracy"] = float(np.mean(judged.argmax(axis=1) == labels))
        return found

    def features_of(
        self, run: Run, z: Array, labels: NDArray[np.int64] | None
    ) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
        """Draw fakes, and return their features and the judge's p(y|x), by all workers of the run together."""
        low, high = run.config.data.low, run.config.data.high
        starts, team = range(0, len(z), _BLOCK), run.gan.team
        features: dict[int, NDArray[Any]] = {}
        judged: dict[int, NDArray[np.float32]] = {}

        def work(worker: int) -> None:
            space: Workspace = run.gan.g.network.workspace(theta=run.gan.average)
            with np.errstate(all="ignore"):
                for start in starts[worker :: team.count]:
                    rows = slice(start, start + _BLOCK)
                    made = space.forward(z[rows], None if labels is None else labels[rows], training=False)
                    if self.features is None or not np.isfinite(made).all():
                        features[start] = made.reshape(len(made), -1).copy()
                        continue
                    images = to_uint8(made, low, high).reshape(-1, *run.data.shape)
                    features[start] = self.features(images)
                    if self.judge is not None:
                        judged[start] = self.judge.probabilities(images)

        team.run(work)
        if len(judged) < len(starts):
            judged = {}
        widths = {part.shape[1] for part in features.values()}
        if len(widths) > 1:  # samples that are not finite have no features
            return np.full((1, 1), np.nan), None
        fakes = np.concatenate([features[start] for start in starts])
        return fakes, np.concatenate([judged[start] for start in starts]) if judged else None


def _some(n: int, count: int, name: str) -> NDArray[np.int64]:
    """Choose the same random rows each time. The first rows would be of one class, because files are sorted."""
    # Keep the stream's name: another name chooses other rows and changes the figures.
    return np.sort(stream(0, f"glance.{name}").permutation(n)[:count])

"""The argument of a metric's function: fakes beside held-out reals. Each method computes the metric that it names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.metrics.classes import classifier_score, count_classes, labels, within_class_variance
from mulligan.metrics.copies import copying
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
from mulligan.metrics.distances.sliced import sliced_wasserstein, split_floor
from mulligan.metrics.pictures import contrast, diversity, sharpness, where_comparable
from mulligan.metrics.reference import Reference
from mulligan.metrics.toys import divergences, modes

Found = Mapping[str, Any] | float | None
"""The result of a metric's function: its figure; several figures by name; None if there is nothing to compare."""
FEW = 2000
"""With fewer samples, FD's floor is measured by splitting the reals. The formula is for Gaussian features, and those of
`gist` have heavier tails. Two sets of 1,000 reals are 1.13 to 1.42 times its value apart, and 0.93 to 1.03 times the
measured one."""
LEAST = 8
"""Fewest reals that can be split into quarters of two."""


def floor_of(real: NDArray[Any], of_real: Moments, n: int) -> float:
    """Return the Fréchet distance of n perfect samples from these reals, per cent of their variance."""
    if of_real.n >= LEAST and min(n, of_real.n) < FEW:
        fewer, more = sorted((of_real.n, n))
        equal = split_floor(lambda a, b: frechet_distance(moments(a), moments(b)), real, fewer)
        return percent(equal * (1 + fewer / more) / 2, of_real)  # its bias goes with 1/m + 1/n
    return percent(noise_floor(of_real.cov, of_real.n, n), of_real)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fakes beside held-out reals, (m, d) and (n, d): points, or the features of one map."""

    real: NDArray[Any]
    fake: NDArray[Any]
    seed: int = 0
    """The seed with which the fakes were drawn. Metrics also use it for their own random choices."""
    space: str = "points"
    """Key of the feature map; "points" for points in their own coordinates."""
    data: str = ""
    """Name of the data."""
    moments: Moments | None = None
    """Of the reals; computed if not given."""

    def frechet(self) -> Found:
        of_real = self.moments or moments(self.real)
        n, d = self.fake.shape
        figures = {
            "fd": percent(frechet_distance(of_real, moments(self.fake)), of_real),
            "fd_floor": floor_of(self.real, of_real, n),
        }
        if min(n, of_real.n) >= 4 * d:
            figures["fd_infinity"] = percent(frechet_infinity(self.real, self.fake, seed=self.seed), of_real)
        return figures

    def kernel(self) -> Found:
        found = kid(self.real, self.fake, seed=self.seed)
        return {"kid": found.mean, "kid_sd": found.sd}

    def sliced(self) -> Found:
        of_real = self.moments or moments(self.real)
        figures = {"sliced": percent(sliced_wasserstein(self.real, self.fake, seed=self.seed), of_real)}
        if len(self.real) >= LEAST:  # few directions and splits save half a second in each map
            distance = partial(sliced_wasserstein, directions=200)
            figures["sliced_floor"] = percent(split_floor(distance, self.real, len(self.fake), splits=4), of_real)
        return figures

    def neighbours(self) -> Found:
        return asdict(manifolds(self.real, self.fake))

    def told_apart(self) -> Found:
        if self.space == "points":
            return None
        found = c2st(self.real, self.fake, seed=self.seed)
        return {"c2st": found.accuracy, "c2st_z": found.z}

    def modes(self) -> Found:
        toy = TOYS.get(self.data)
        if not isinstance(toy, Gaussians) or len(toy.centres) < 2:
            return None
        return asdict(modes(self.fake, toy.modes, toy.std))

    def divergences(self) -> Found:
        toy = TOYS.get(self.data)
        if not isinstance(toy, Gaussians) or self.real.shape[1] > 1:
            return None
        (centre,), reach = toy.centres[0], 5.0 * toy.std  # all but 6e-7 of the mass lies inside
        found = divergences(self.fake, lambda x: np.exp(toy.log_density(x[:, None])), centre - reach, centre + reach)
        return asdict(found)

    def log_density(self) -> Found:
        toy = TOYS.get(self.data)
        both = {"fake": self.fake, "real": self.real}
        return None if toy is None else {name: float(toy.log_density(x).mean()) for name, x in both.items()}


@dataclass(frozen=True, eq=False, kw_only=True)
class Pictures(Comparison):
    """Fake pictures beside held-out real ones, (n, h, w, c), uint8, with their features."""

    against: Reference
    """The prepared reals."""
    features: Mapping[str, NDArray[np.float32]]
    """Of the fakes, (m, d), by the key of the map."""
    probabilities: NDArray[np.float64] | None = None
    """The judge's p(y|x) of the fakes, (m, K)."""
    asked: NDArray[np.integer[Any]] | None = None
    """The class that each fake was asked to be, (m,)."""

    def classes(self) -> Found:
        p, of_real, prior = self.probabilities, self.against.probabilities, self.against.prior
        if p is None or of_real is None or prior is None:
            return None
        main = self.against.maps[0].name
        figures = asdict(count_classes(p, prior))
        figures["histogram"] = list(figures["histogram"])
        figures["within_class_variance"] = list(
            within_class_variance(
                self.features[main], labels(p), self.against.features[main], labels(of_real), len(prior)
            )
        )
        figures["score"] = classifier_score(p)
        if self.asked is not None:
            figures["label_accuracy"] = float(np.mean(p.argmax(axis=1) == self.asked))
        return figures

    def copies(self) -> Found:
        by, originals = self.against.copies_by, self.against.originals
        return {"by": by, "n_train": len(originals.train), **asdict(copying(self.features[by], originals))}

    def diversity(self) -> Found:
        p, of_real = self.probabilities, self.against.probabilities
        by_class: dict[str, Any] = {}
        if p is not None and of_real is not None:
            by_class = {"fake_label": labels(p), "real_label": labels(of_real)}
            if np.bincount(1 + by_class["real_label"])[1:].max(initial=0) < 2:
                by_class = {}  # if the judge is sure of no picture, all pictures count as one class
        return where_comparable(diversity, self.fake, self.real, **by_class, seed=self.seed)

    def sharpness(self) -> Found:
        return where_comparable(sharpness, self.fake, self.real)

    def contrast(self) -> Found:
        return where_comparable(contrast, self.fake, self.real)

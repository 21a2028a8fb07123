"""Compare a generator's samples with held-out pictures: which reals, how many, and in which feature maps.

The protocol: 10,000 fakes against the same number of held-out pictures, or all of them if there are fewer. Classes are
asked for as often as in the training data.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.errors import ConfigError, shown
from mulligan.metrics.evaluate import evaluate_pictures, evaluate_points
from mulligan.metrics.fakes import Drawn
from mulligan.metrics.features.gist import ENOUGH, gist
from mulligan.metrics.features.judge import Judge, bundled_judge, judge_for
from mulligan.metrics.features.maps import pca, pca_limit
from mulligan.metrics.reference import Reference, reference
from mulligan.metrics.toys import stacked_modes
from mulligan.nn.memory import use_one_heap

_LOG = logging.getLogger(__name__)

COUNT = 10_000
"""Default number of fakes, and of held-out reals if there are enough."""
LEAST = 20
"""Minimum number of pictures for an evaluation."""
STACKED = "stacked-mnist"
STACKED_COUNT = 26_000
"""Number of fakes for counting stacked MNIST's modes, as published (Lin et al. 2018, "PacGAN", section 4.2). It decides
how many of 1000 modes are hit by chance, and the KL of a perfect sampler."""
COMBINED = ("skin colour", "hair colour", "clothing colour")
"""Attributes of the pixel faces whose 1056 equally frequent combinations are counted like stacked MNIST's modes."""


@dataclass(frozen=True, eq=False)
class Exam:
    """The part of an evaluation that depends on the reals alone. Make it once, then `score` generators."""

    data: Dataset
    count: int
    held_out: bool
    """Whether the generator was not trained on the reals."""
    real: NDArray[Any]
    judge: Judge | None = None
    """For stacked MNIST, the judge of single digits."""
    against: Reference | None = None
    """None for points."""

    @classmethod
    def prepare(
        cls, data: Dataset, count: int | None = None, *, controls: bool = True, train_judge: bool = True
    ) -> Self:
        """Prepare the reals of a data set. Without `controls`, a judge's features and PCA suffice."""
        use_one_heap()
        data = data.in_memory()
        train, labels = np.asarray(data.images), data.labels
        pool, inside = reals_of(data)
        apart = train if inside is None else np.delete(train, inside, axis=0)
        chosen = _chosen(len(pool), count, data)
        if chosen is not None:
            pool, inside = pool[chosen], None if inside is None else inside[chosen]
        real, held_out = pool, inside is None
        if data.is_points:
            return cls(data, len(real), held_out, real)
        stacked = data.name == STACKED
        judge = bundled_judge("mnist") if stacked else judge_for(data, train=train_judge)
        # principal components exaggerate the spread of their training data, so they must not be fitted on the reals
        some = apart[np.random.default_rng(0).permutation(len(apart))[: pca_limit(data.shape)]]
        maps: list[Any] = [] if judge is None or stacked else [judge]
        if controls or not maps:
            maps.append(gist(some[:ENOUGH]))
        maps.append(pca(apart if len(some) == len(apart) else some))
        shares = None if labels is None or maps[0] is not judge else np.bincount(labels, minlength=data.classes)
        prior = shares if shares is not None and shares.min() > 0 else None
        _LOG.info("looking at %s %s pictures of %s", f"{len(real):,}", "held-out" if held_out else "of the", data.name)
        against = reference(real, train, maps, prior=prior, inside=inside)
        return cls(data, len(real), held_out, real, judge, against)

    def score(
        self, generator: Drawn, seed: int = 0, *, weights: str = "ema", cpu_seconds: float | None = None
    ) -> dict[str, Any]:
        """Score one draw. The same generator and seed give the same figures to the last digit."""
        notes: dict[str, Any] = {"seed": seed, "data": self.data.name, "generator": weights, "cpu_seconds": cpu_seconds}
        facts = {"step": generator.spec.step, "held_out": self.held_out}
        if self.against is None:
            result = evaluate_points(generator.sample(self.count, seed), self.real, **notes)
            return {**result, **facts}
        images = generator.images(self.count, seed)
        if self.data.name == STACKED:
            result = evaluate_pictures(images, self.against, **notes)
        else:
            asked = self._asked(generator, self.count, seed)
            result = evaluate_pictures(images, self.against, asked=None if self.judge is None else asked, **notes)
            if self.judge is not None:
                result["judge"]["accuracy"] = self.judge.accuracy
        if self.judge is not None and (self.data.name == STACKED or self.judge.heads):
            result["modes"] = self._combinations(self.judge, generator, seed)
        return {**result, **facts}

    def _asked(self, generator: Drawn, count: int, seed: int) -> NDArray[np.int64] | None:
        """Return the classes of the fakes, if they are the data's own classes and not clusters."""
        same = generator.spec.class_names == self.data.class_names and self.data.classes > 0
        return generator.labels(count, seed) if same else None

    def _combinations(self, judge: Judge, generator: Drawn, seed: int) -> dict[str, Any]:
        """Count modes: classify three digits, or a face's attributes, in the published number of pictures."""
        count = STACKED_COUNT if self.count == COUNT else self.count
        images, asked = generator.images(count, seed), self._asked(generator, count, seed)
        if judge.heads:
            told = judge.attributes(images)
            values = np.stack([told[name] for name in COMBINED], axis=1)
            modes = stacked_modes(values, [judge.heads[name] for name in COMBINED])
            return {**asdict(modes), "n": count}
        digits = np.stack(
            [judge.probabilities(np.ascontiguousarray(images[..., c : c + 1])).argmax(axis=1) for c in range(3)],
            axis=1,
        )
        found = {**asdict(stacked_modes(digits)), "n": count, "sha256": judge.sha256}
        if asked is not None:
            found["label_accuracy"] = float(np.mean(digits @ [100, 10, 1] == asked))
        return found


def reals_of(data: Dataset) -> tuple[NDArray[Any], NDArray[np.intp] | None]:
    """Return the reals to compare with: the test part, or half of the data with each sample's index."""
    if data.test is not None:
        return np.asarray(data.test.images), None
    half = np.random.default_rng(0).permutation(len(data))[: len(data) // 2]
    return np.asarray(data.images)[half], half


def _chosen(there: int, count: int | None, data: Dataset) -> NDArray[np.intp] | None:
    """Choose the same random reals each time, or None for all. The first ones will not do, because files are sorted."""
    what = "are held out" if data.test is not None else "can stand in for held-out ones"
    if count is not None and count > there >= LEAST:
        raise ConfigError(
            f"count must be from {LEAST} to {there}, all of {data.name} that {what}, got {shown(int(count))}. "
            f"Try {there}."
        )
    if there < LEAST and data.test is None:
        raise ConfigError(
            f"{data.name} must have {2 * LEAST} samples or more, because half of them replace held-out ones, got "
            f"{len(data)}. Collect more."
        )
    count = min(COUNT if count is None else count, there)
    if count < LEAST:
        raise ConfigError(
            f"held-out samples of {data.name} must be at least {LEAST}, got {count}. "
            f"{'Ask for more.' if there >= LEAST else 'Collect more that are held out.'}"
        )
    return None if count == there else np.random.default_rng(0).permutation(there)[:count]

"""Steer the augmentation by how well D knows its pictures by heart: where there are many, it would only cost detail.

Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA), §3 and Eq. 1. Every
`EVERY` steps the probability of each augmentation rises by `STEP` if r_v > `TARGET`, and else falls by it, with

    r_v = (E D(x) − E D(held back)) / (E D(x) − E D(G(z)))

0 if D judges pictures that it has never seen as those it learns from, 1 if as fakes. They prefer the signs of D(x),
for which nothing need be held back; r_v also tells a D that knows its pictures from one that is simply good. It counts
as 0 while D hardly tells its pictures from fakes: it knows nothing by heart then, and augmentation would blind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mulligan.config.change import Change
from mulligan.config.model import Config
from mulligan.data import Dataset
from mulligan.data.dataset import scale_samples
from mulligan.nn.memory import Array, Labels
from mulligan.nn.rng import stream

if TYPE_CHECKING:
    from mulligan.training.run import Run

LEAST, MOST = 16, 256
"""Number of pictures that are held back. With fewer, r_v says nothing; more say no more."""
EVERY = 100  # steps between two decisions
STEP = 0.1
TARGET = 0.25
"""Chosen on 2,814 emoji: .35, no and all augmentation were worse (docs/decisions/0027-steered-augmentation.md)."""
TOLD = 1.0
"""Difference of the logits below which D hardly tells. Of sprites, half of them augmented, it was .1."""
_ROWS = 64  # of one pass


def choose_held_back(config: Config, data: Dataset) -> NDArray[np.intp]:
    """Return the rows of the pictures on which D does not train: none if they would be too few, or nothing to steer."""
    count = min(MOST, int(config.data.held_back * len(data)))
    if count < LEAST or not config.augment or data.is_points:
        return np.empty(0, np.intp)
    return np.sort(stream(config.seed, "held").permutation(len(data))[:count])


class AugmentationSteering:
    """The measurement of r_v and the answer to it. It keeps nothing between two decisions but the pictures."""

    def __init__(self, run: Run, holdout: NDArray[np.intp]):
        self.run, self.holdout, self.pool = run, holdout, np.delete(np.arange(len(run.data)), holdout)

    def change(self, now: float) -> Change | None:
        """Return the change of the probability `now` that is due before the next step, if one is."""
        if not self.run.step or self.run.step % EVERY:
            return None
        new = round(min(max(now + (STEP if self.measure(now) > TARGET else -STEP), 0.0), 1.0), 6)
        return None if new == now else Change("augment_probability", new)

    def measure(self, probability: float) -> float:
        """Return r_v at this step: D sees equally many of each, augmented as in training."""
        run, spec = self.run, self.run.config.data
        rng, latent = stream(run.config.seed, "steering", run.step), run.config.latent
        own = rng.choice(self.pool, len(self.holdout), replace=False)
        z = latent.draw(rng, np.empty((len(own), latent.dim), np.float32))
        chosen = own, self.holdout
        labels = [None if run.labels is None else run.labels[rows] for rows in chosen]
        fake = run.generate(z, labels[0], average=False)
        real, holdout = (scale_samples(np.asarray(run.data.images[rows]), spec.low, spec.high) for rows in chosen)
        of_pool, of_holdout, of_fakes = (
            self._belief(x, classes, rng, probability)
            for x, classes in ((real, labels[0]), (holdout, labels[1]), (fake, labels[0]))
        )
        return (of_pool - of_holdout) / (of_pool - of_fakes) if of_pool > of_fakes + TOLD else 0.0

    def _belief(self, x: Array, labels: Labels, rng: np.random.Generator, probability: float) -> float:
        """Return the mean of D's logits of augmented pictures."""
        warp = self.run.gan.warp
        numbers = np.empty((len(x), warp.numbers), np.float32)
        warp.draw(rng, numbers, probability)
        warp.apply(x, numbers)
        total, space = 0.0, self.run.gan.d.network.workspace()
        for rows in (slice(start, start + _ROWS) for start in range(0, len(x), _ROWS)):
            total += float(space.forward(x[rows], labels if labels is None else labels[rows], training=False).sum())
        return total / len(x)

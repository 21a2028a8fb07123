"""Pixels from 0 to 255 against pixels from 0 to 1."""

import numpy as np

from mulligan.config.change import with_overrides
from mulligan.museum.case import Evidence, Played
from mulligan.museum.pictures import digits
from mulligan.museum.stage import play
from mulligan.nn.memory import Array
from mulligan.training import Run, recipe

STEPS, MENDED = 300, 1200


def played(high: float, steps: int, seed: int) -> tuple[Array, float]:
    """Train `article-mended` with white at `high`. Returns pictures, and D's mean logit of reals."""
    start = recipe("article-mended", steps=steps, seed=seed, threads=1)
    run = play(Run(with_overrides(start, [f"data.high={high}"])))
    z, _ = run.draw(64, seed=0)
    made = run.generate(z, average=False)
    reals, _ = run.next_batch()
    logits = run.gan.d.network.workspace().forward(reals, training=False)
    return made, float(np.mean(logits))


def run(seed: int) -> Played:
    """Play with raw pixels, and with scaled ones."""
    before, sure_before = played(255.0, STEPS, seed)
    after, sure_after = played(1.0, MENDED, seed)
    sure = "mean logit of real pictures; at 17 a float32 probability is 1"
    white = "brightest pixel that G makes, as a share of the data's white"
    return Played(
        (
            Evidence("D is sure", sure, sure_before, sure_after, ">", 50.0),
            Evidence("white", white, float(before.max()) / 255.0, float(after.max()), "<", 0.5),
        ),
        (
            digits(
                "before", f"raw pixels, after {STEPS} steps, on the scale of the data, 0 to 255", before, 0.0, 255.0
            ),
            digits("before-own-scale", "the same on G's own scale, 0 to 1", before),
            digits("after", f"scaled pixels, after {MENDED:,} steps, scale from 0 to 1", after),
        ),
    )

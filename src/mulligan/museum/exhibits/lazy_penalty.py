"""A gradient penalty at one step of sixteen: cheaper, and not the same."""

from __future__ import annotations

import numpy as np

from mulligan.museum.case import Case, Evidence, Played
from mulligan.museum.stage import cloud, distance, picture, play, ring

STEPS, SEEDS = 1500, 5


def run(seed: int) -> Played:
    """Play the recipe `ring` with its penalties at every step, and at one of sixteen with sixteen times the weight."""
    clouds, distances = [], []
    for schedule in ("{kind='museum.every_few', every=16}", "constant"):
        made = [cloud(play(ring(f"schedules.penalty={schedule}", steps=STEPS, seed=seed + i))) for i in range(SEEDS)]
        clouds.append(made[0])
        distances.append(float(np.median([distance(each) for each in made])))
    return Played(
        (
            Evidence(
                "distance",
                f"median distance to the nearest of the eight, median of {SEEDS} seeds",
                distances[0],
                distances[1],
                ">",
                0.2,
            ),
        ),
        (
            picture("before", f"R1 and R2 at one step of sixteen, after {STEPS:,} steps", clouds[0]),
            picture("after", "R1 and R2 at every step", clouds[1]),
        ),
    )


CASE = Case(
    name="lazy-penalty",
    title="A penalty every sixteen steps",
    year=2020,
    state="cycling, jitter",
    source=(
        "Karras et al. 2020 (StyleGAN2, “lazy regularization”); Huang et al. 2024 (R3GAN), appendix E: every eighth "
        "step ended in “complete convergence failure” on Stacked MNIST and toys. On the ring it is milder, as measured "
        "here"
    ),
    published="The penalty is computed at one step of sixteen with sixteen times its weight, to save time.",
    cause=(
        "Between two penalties D grows steep and G runs; then one step of sixteen-fold weight throws D back. The mean "
        "is the same, but the game never sees the mean."
    ),
    repair="The penalty at every step; by the fast path it costs a third of a step.",
    settings=(("R1 and R2", "16 γ at every 16th step", "γ at every step"),),
    play=run,
)

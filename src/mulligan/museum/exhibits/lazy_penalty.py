"""A gradient penalty at one step of sixteen is cheaper, but not equivalent."""

import numpy as np

from mulligan.museum.case import Played
from mulligan.museum.stage import astray, cloud, distance, picture, play, ring

STEPS, SEEDS = 1500, 5


def run(seed: int) -> Played:
    """Play the recipe `ring` with its penalties at every step, and at one of sixteen with sixteen times the weight."""
    clouds, distances = [], []
    for schedule in ("{kind='museum.every_few', every=16}", "constant"):
        made = [cloud(play(ring(f"schedules.penalty={schedule}", steps=STEPS, seed=seed + i))) for i in range(SEEDS)]
        clouds.append(made[0])
        distances.append(float(np.median([distance(each) for each in made])))
    return Played(
        (astray(distances[0], distances[1], 0.2, f", median of {SEEDS} seeds"),),
        (
            picture("before", f"R1 and R2 at one step of sixteen, after {STEPS:,} steps", clouds[0]),
            picture("after", "R1 and R2 at every step", clouds[1]),
        ),
    )

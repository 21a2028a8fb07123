"""A discriminator that is frozen for ever: G runs away from random weights."""

import numpy as np

from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import PLAIN, astray, cloud, distance, picture, play, ring

STEPS = 1000


def run(seed: int) -> Played:
    """Play the ring with a D whose weights have no optimiser, and with one that learns."""
    broken = ring(*PLAIN, "discriminator.optimizer=museum.frozen", steps=STEPS, seed=seed)
    mended = ring(*PLAIN, steps=STEPS, seed=seed)
    moved = []
    for game in (broken, mended):
        theta = game.gan.d.network.theta
        start = theta.copy()
        play(game)
        moved.append(float(np.linalg.norm(theta - start) / np.linalg.norm(start)))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (
            Evidence(
                "D moved", "length of the way of D's weights, in lengths of the weights", moved[0], moved[1], "<", 0.01
            ),
            astray(distance(before), distance(after), 1.0),
        ),
        (
            picture("before", f"after {STEPS:,} steps against a frozen D: nothing is in the frame", before),
            picture("after", "against one that learns", after),
        ),
    )

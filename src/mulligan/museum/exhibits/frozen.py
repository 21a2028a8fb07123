"""A discriminator that was frozen for ever: G runs away from a random one."""

from __future__ import annotations

import numpy as np

from mulligan.museum.case import Case, Evidence, Played
from mulligan.museum.stage import PLAIN, astray, cloud, picture, play, ring

STEPS = 1000


def run(seed: int) -> Played:
    """Play the ring with a D whose weights no optimiser was given, and with one that learns."""
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
            astray(before, after, 1.0),
        ),
        (
            picture("before", f"after {STEPS:,} steps against a frozen D: nothing is in the frame", before),
            picture("after", "against one that learns", after),
        ),
    )


CASE = Case(
    name="frozen-d",
    title="“The generator generates only noise”",
    year=2018,
    state="D never learns",
    source="eriklindernoren/Keras-GAN, issues 91 (“Doubts in compiling discriminator …”) and 22",
    published=(
        "A user moves D's compile below `trainable = False`, to be rid of a warning: the warning goes, and the "
        "generator makes only noise."
    ),
    cause=(
        "What Keras trains is fixed at compile time, so D was compiled with no weights to train and stays as random "
        "as it was born. G climbs a random function, which leads away from the data for ever."
    ),
    repair="Compile D while it is trainable, and freeze it only inside the combined model.",
    settings=(("D's optimiser", "has no weights", "has D's weights"),),
    play=run,
)

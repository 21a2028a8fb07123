"""A gradient penalty that is switched on and never called."""

import numpy as np

from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import PLAIN, cloud, picture, play, ring

STEPS = 1500
OPTION = "penalties=[{kind='wgan_gp', weight=10.0}]"
NEVER = "schedules.penalty={kind='constant', value=0.0}"
"""The option is set, but does not reach the gradient."""


def run(seed: int) -> Played:
    """Play the ring with the option off, on but never called, and called."""
    off, on, called = (
        play(ring(*PLAIN, *changes, steps=STEPS, seed=seed)) for changes in ((), (OPTION, NEVER), (OPTION,))
    )
    theta, slopes = off.gan.d.network.theta, []
    effects = [float(np.abs(game.gan.d.network.theta - theta).max()) for game in (on, called)]
    for game in (on, called):
        space = game.gan.d.network.workspace()
        x = np.concatenate([cloud(game), game.data.images[:1024]])
        gradient = space.backward(np.ones_like(space.forward(x, training=False)))
        slopes.append(float(np.sqrt(np.square(gradient).sum(axis=1)).mean()))
    words = "mean length of D's gradient at real and generated points; the penalty wants 1"
    return Played(
        (
            Evidence("effect", "largest change of a weight of D by the option", effects[0], effects[1], "<", 1e-6),
            Evidence("slope", words, slopes[0], slopes[1], ">", 2.0),
        ),
        (
            picture("before", f"the option on, never called, after {STEPS:,} steps", cloud(on)),
            picture("after", "the same, called: D is held flat, and both learn slower", cloud(called)),
        ),
    )

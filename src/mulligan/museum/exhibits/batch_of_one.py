"""BatchNorm with one picture at a time: every picture is the same."""

import numpy as np

from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import ADAM, BATCH, HIDDEN, Duel, distance, one_thread, picture
from mulligan.nn.layers import BatchNorm, Dense, LeakyReLU
from mulligan.nn.memory import Array

STEPS = 1000


def one_by_one(game: Duel, z: Array, *, training: bool) -> Array:
    """Draw G's samples one at a time."""
    stats = game.nets["g"].stats.copy()  # a pass in training mode would change them
    rows = [game.g.forward(z[i : i + 1], training=training).copy() for i in range(len(z))]
    game.nets["g"].stats[:] = stats
    return np.concatenate(rows)


@one_thread()
def run(seed: int) -> Played:
    """Train G with BatchNorm on the ring, then sample from it in both modes."""
    normed = (Dense(64), BatchNorm(), LeakyReLU()) * 2
    game = Duel((*normed, Dense(2)), (*HIDDEN, Dense(1)), ADAM, seed)
    for _ in range(STEPS):
        game.discriminator_move(game.real(BATCH), game.g.forward(game.z(BATCH)))
        game.generator_move(game.z(BATCH))
    z = game.z(512)
    before, after = (one_by_one(game, z, training=training) for training in (True, False))
    together = game.g.forward(z, training=True)
    spread = "standard deviation over z of samples that are asked for one by one; the ring's own: 1.41"
    change = "median way from a sample made among 512 to the same z's sample made alone"
    spreads = [float(alone.std(axis=0).mean()) for alone in (before, after)]
    changes = [float(np.median(np.linalg.norm(alone - together, axis=1))) for alone in (before, after)]
    return Played(
        (
            Evidence("spread", spread, spreads[0], spreads[1], "<", 0.02),
            Evidence("change", change, changes[0], changes[1], ">", 0.6),
        ),
        (
            picture("before", "512 samples, one by one, in training mode: one point", before),
            picture("after", "the same z one by one, with the running averages", after),
            picture("together", f"the same z in one batch: {distance(together):.2f} from the ring", together),
        ),
    )

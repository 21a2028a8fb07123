"""The logarithm of a probability that has become 0: NaN as soon as D is sure."""

from mulligan.errors import DivergedError
from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import PLAIN, astray, cloud, distance, picture, play, ring
from mulligan.training import Run

STEPS = 1000
STRONG_D = (*PLAIN, "discriminator.optimizer.lr=2e-2", "d_steps=5")
"""Seeds 0 to 11 meet NaN within 265 steps; at a rate of 1e-2 two of them did not, by the luck of rounding."""


def until_nan(game: Run) -> float:
    """Play a run, and return the share of its steps before NaN."""
    try:
        play(game)
    except DivergedError:
        return game.step / game.config.steps
    return 1.0


def run(seed: int) -> Played:
    """Play the ring with a strong D, and a loss of probabilities or of logits."""
    broken = ring(*STRONG_D, "loss=museum.log_of_probability", steps=STEPS, seed=seed)
    mended = ring(*STRONG_D, steps=STEPS, seed=seed)
    played = until_nan(broken), until_nan(mended)
    last = ring(*STRONG_D, "loss=museum.log_of_probability", steps=STEPS, seed=seed)
    before, after = cloud(play(last, broken.step - 2)), cloud(mended)  # just before the NaN
    return Played(
        (
            Evidence("played", f"share of {STEPS:,} steps before a loss is NaN", played[0], played[1], "<", 1.0),
            astray(float("nan") if played[0] < 1 else distance(before), distance(after), 0.4, "; NaN has none"),
        ),
        (
            picture("before", f"just before step {broken.step}, when the loss became NaN", before),
            picture("after", f"the loss of logits, after {STEPS:,} steps", after),
        ),
    )

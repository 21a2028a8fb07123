"""The zero-sum loss against a strong D: the slope from which G learns is flat."""

from mulligan.museum.case import Played
from mulligan.museum.stage import PLAIN, astray, cloud, distance, picture, play, ring, weak_gradient

STEPS = 1000


def run(seed: int) -> Played:
    """Play the ring with five moves of D for one of G, with both losses of G."""
    broken = play(ring(*PLAIN, "d_steps=5", "loss=minimax", steps=STEPS, seed=seed))
    mended = play(ring(*PLAIN, "d_steps=5", steps=STEPS, seed=seed))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (weak_gradient(broken, mended, 2.0), astray(distance(before), distance(after), 0.4)),
        (picture("before", f"minimax, after {STEPS:,} steps", before), picture("after", "non-saturating", after)),
    )

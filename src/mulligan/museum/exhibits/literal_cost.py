"""The article's cost as it is printed: D and G have the same goal, and nothing is learned.

docs/book/08-is-the-cost-right.md measures it.
"""

from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import PLAIN, astray, caught, cloud, distance, picture, play, ring, weak_gradient

STEPS = 1500


def run(seed: int) -> Played:
    """Play the ring with the printed cost, and with the right sign."""
    broken = play(ring(*PLAIN, "loss=literal_cost", steps=STEPS, seed=seed))
    mended = play(ring(*PLAIN, steps=STEPS, seed=seed))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (
            weak_gradient(broken, mended, 0.01),
            Evidence(
                "modes", "of the ring's eight", float(caught(before).captured), float(caught(after).captured), "<", 2.5
            ),
            astray(distance(before), distance(after), 0.5),
        ),
        (
            picture("before", f"after {STEPS:,} steps with the printed cost", before),
            picture("after", "the same with both signs minus", after),
        ),
    )

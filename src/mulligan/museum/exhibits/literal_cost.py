"""The article's cost as it is printed: D and G want the same, and nothing is learned.

Measured in docs/book/08-is-the-cost-right.md.
"""

from __future__ import annotations

from mulligan.museum.case import Case, Evidence, Played
from mulligan.museum.stage import PLAIN, astray, caught, cloud, picture, play, pushed, ring

STEPS = 1500


def run(seed: int) -> Played:
    """Play the ring with the printed cost, and with the right sign."""
    broken = play(ring(*PLAIN, "loss=literal_cost", steps=STEPS, seed=seed))
    mended = play(ring(*PLAIN, steps=STEPS, seed=seed))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (
            pushed(broken, mended, 0.01),
            Evidence(
                "modes", "of the ring's eight", float(caught(before).captured), float(caught(after).captured), "<", 2.5
            ),
            astray(before, after, 0.5),
        ),
        (
            picture("before", f"after {STEPS:,} steps with the printed cost", before),
            picture("after", "the same with both signs minus", after),
        ),
    )


CASE = Case(
    name="literal-cost",
    title="The cost with one minus sign",
    year=2018,
    state="wrong sign",
    source=(
        "Jae Duk Seo, “Only Numpy: Implementing GAN …”, January 2018: the cost that the article and its final script "
        "print, whose gradient is right; the gradient of d_GAN_Adam and k_GPU_Gan, which print the right cost"
    ),
    published="D minimises −log D(x) + log(1 − D(G(z))); the author is “not 100 % sure of this part”.",
    cause=(
        "With a plus before its second term D is paid for calling fakes real, which is what G wants as well. D says 1 "
        "to everything, and its gradient at the fakes is gone."
    ),
    repair="A minus sign before the second term, too.",
    settings=(("D's cost", "−log D(x) + log(1 − D(G(z)))", "−log D(x) − log(1 − D(G(z)))"),),
    play=run,
)

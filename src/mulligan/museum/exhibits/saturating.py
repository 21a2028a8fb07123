"""The zero-sum loss against a strong D: G learns from a slope that is flat."""

from __future__ import annotations

from mulligan.museum.case import Case, Played
from mulligan.museum.stage import PLAIN, astray, cloud, picture, play, pushed, ring

STEPS = 1000


def run(seed: int) -> Played:
    """Play the ring with five moves of D to one of G, with either loss of G."""
    broken = play(ring(*PLAIN, "d_steps=5", "loss=minimax", steps=STEPS, seed=seed))
    mended = play(ring(*PLAIN, "d_steps=5", steps=STEPS, seed=seed))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (pushed(broken, mended, 2.0), astray(before, after, 0.4)),
        (picture("before", f"minimax, after {STEPS:,} steps", before), picture("after", "non-saturating", after)),
    )


CASE = Case(
    name="saturating",
    title="A generator that learns least where it must learn most",
    year=2014,
    state="D wins",
    source=(
        "Goodfellow et al. 2014, “Generative Adversarial Nets”, Eq. 1 and the end of section 3, which names the "
        "failure and the repair"
    ),
    published="G minimises log(1 − D(G(z))), the other half of D's own loss.",
    cause=(
        "The slope of log(1 − D) at a fake is D itself, so a D that knows its fakes (D near 0) gives next to no "
        "gradient. Early in training, or with more moves, D always knows them."
    ),
    repair="G maximises log D(G(z)): the same fixed point, and a slope of 1 − D.",
    settings=(("G's loss", "log(1 − D(G(z)))", "−log D(G(z))"),),
    play=run,
)

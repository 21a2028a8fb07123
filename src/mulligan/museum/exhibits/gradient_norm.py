"""A square root at zero in WGAN-GP's penalty: NaN when the critic is flat somewhere."""

from __future__ import annotations

from mulligan.museum.case import Case, Evidence, Played
from mulligan.museum.exhibits.log_of_probability import until_nan
from mulligan.museum.stage import PLAIN, cloud, picture, play, ring

STEPS = 600
CRITIC = (
    *PLAIN,
    "loss=wasserstein",
    "d_steps=5",
    "discriminator.layers.hidden=[6, 6]",
    "discriminator.layers.activation=relu",
    "generator.optimizer.beta2=0.9",
    "discriminator.optimizer.beta2=0.9",
)


def run(seed: int) -> Played:
    """Play WGAN-GP on the ring with a small ReLU critic, with and without the guard."""
    unguarded = (*CRITIC, "penalties=[{kind='museum.unguarded_wgan_gp'}]")
    broken = ring(*unguarded, steps=STEPS, seed=seed)
    mended = ring(*CRITIC, "penalties=[{kind='wgan_gp'}]", steps=STEPS, seed=seed)
    played = until_nan(broken), until_nan(mended)
    last = ring(*unguarded, steps=STEPS, seed=seed)
    before, after = cloud(play(last, broken.step - 2)), cloud(mended)
    return Played(
        (Evidence("played", f"share of {STEPS} steps before a loss is NaN", played[0], played[1], "<", 1.0),),
        (
            picture("before", f"just before step {broken.step}, when the penalty's gradient became NaN", before),
            picture("after", f"guarded, after {STEPS} steps: it plays on (a critic this small draws no ring)", after),
        ),
    )


CASE = Case(
    name="gradient-norm",
    title="NaN from a square root",
    year=2022,
    state="divergence",
    source=(
        "keras-team/keras-io, issue 910 (open four years) and pull request 2364; the same in "
        "tdeboissiere/DeepLearningImplementations, issue 68, and pytorch/pytorch, issue 2534"
    ),
    published="The WGAN-GP example takes ‖∇D‖ as the square root of a sum of squares, and differentiates it.",
    cause=(
        "Where all ReLUs are off the critic is flat, its gradient is exactly 0, and the derivative of the root there "
        "is 0/0. One such point in one batch makes every weight NaN."
    ),
    repair="At g = 0 take the subgradient 0 (the engine does); an ε under the root is the usual patch.",
    settings=(("∂‖g‖/∂g at 0", "0/0", "0"),),
    play=run,
)

"""A square root at zero in WGAN-GP's penalty: NaN when the critic is flat somewhere."""

from mulligan.museum.case import Evidence, Played
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

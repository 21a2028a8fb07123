"""Real and fake in one batch through BatchNorm: D judges the batch, not the picture."""

import numpy as np

from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import ADAM, BATCH, HIDDEN, LOSS, Duel, astray, distance, one_thread, picture
from mulligan.nn.layers import BatchNorm, Dense, LeakyReLU

STEPS = 1000


def discriminator_move(game: Duel, *, joined: bool) -> tuple[float, float]:
    """Update D with reals and fakes joined or apart. Returns its mean logits of the fakes in that pass and alone."""
    real, fake = game.real(BATCH), game.g.forward(game.z(BATCH)).copy()
    alone = float(game.d.forward(fake).mean())
    if joined:
        return game.discriminator_move(real, fake), alone
    for rows, side in ((real, "real"), (fake, "fake")):
        logits = game.d.forward(rows)[:, 0].copy()
        c = LOSS.discriminator(real=logits, fake=logits)
        game.d.backward((c.real if side == "real" else c.fake)[:, None], inputs=False)
        game.d.grads()
    game.move("d")
    return alone, alone


@one_thread()
def run(seed: int) -> Played:
    """Play the ring with BatchNorm in D, its batches joined and apart, and apart without BatchNorm."""
    normed = (Dense(64), LeakyReLU(), *(Dense(64), BatchNorm(), LeakyReLU()) * 2)
    clouds, gaps = [], []
    for joined, inside in ((True, normed), (False, normed), (False, HIDDEN)):
        game = Duel((*HIDDEN, Dense(2)), (*inside, Dense(1)), ADAM, seed)
        gap = []
        for step in range(STEPS):
            seen, alone = discriminator_move(game, joined=joined)
            if step >= STEPS // 2:
                gap.append(abs(seen - alone))
            game.generator_move(game.z(BATCH))
        clouds.append(game.cloud())
        gaps.append(float(np.mean(gap)))
    before, apart, after = clouds
    words = "how far D's mean logit of one batch of fakes changes when reals keep it company"
    return Played(
        (
            Evidence("two answers", words, gaps[0], gaps[1], ">", 0.5),
            astray(distance(before), distance(after), 1.0),
        ),
        (
            picture("before", f"joined batches, after {STEPS:,} steps", before),
            picture("apart", "a batch of reals, then a batch of fakes: one answer, but D is still no guide", apart),
            picture("after", "the same without BatchNorm in D", after),
        ),
    )

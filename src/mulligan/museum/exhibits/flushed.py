"""A generator that never moves, because its inputs are discarded before its backward pass."""

import numpy as np

from mulligan.game.losses import Wasserstein
from mulligan.game.penalties import WGANGP
from mulligan.museum.case import Evidence, Played
from mulligan.museum.stage import BATCH, HIDDEN, Duel, astray, distance, one_thread, picture
from mulligan.nn.layers import Dense
from mulligan.nn.optimizers import Adam

STEPS, CRITIC_STEPS = 400, 5
ADAM = Adam(lr=3e-3, beta1=0.5, beta2=0.9)


def critic_move(game: Duel) -> None:
    """Update the critic by its loss and WGAN-GP's penalty (Gulrajani et al. 2017, Algorithm 1)."""
    penalty, real, fake = WGANGP(), game.real(BATCH), game.g.forward(game.z(BATCH))
    game.d.forward(fake + penalty.draw(game.noise, real) * (real - fake))  # x̂ = ε x + (1 − ε) G(z)
    g = game.d.backward(np.ones((BATCH, 1), np.float32), tangent_follows=True)
    penalty.value_and_grad(g, BATCH, v := np.empty_like(g))
    game.d.tangent(v)
    game.d.fused_grads(np.zeros(BATCH, np.float32))  # ∂/∂θ ⟨v, ∇D⟩ alone
    game.discriminator_move(real, fake, Wasserstein())


def flushed_move(game: Duel) -> None:
    """Update G as published: the layers' stored inputs are gone, so their backward passes have no rows."""
    game.g.forward(game.z(BATCH))
    game.g.forward(game.z(0))  # the flush leaves a forward pass without rows
    game.g.backward(np.empty((0, 2), np.float32), inputs=False)
    game.g.grads()
    game.move("g")


@one_thread()
def run(seed: int) -> Played:
    """Play WGAN-GP on the ring with the inputs flushed, and with them kept."""
    clouds, ways = [], []
    for flushed in (True, False):
        game = Duel((*HIDDEN, Dense(2)), (*HIDDEN, Dense(1)), ADAM, seed)
        starts = {who: net.theta.copy() for who, net in game.nets.items()}
        for _ in range(STEPS):
            for _ in range(CRITIC_STEPS):
                critic_move(game)
            if flushed:
                flushed_move(game)
            else:
                game.generator_move(game.z(BATCH), Wasserstein())
        clouds.append(game.cloud())
        way = {who: np.linalg.norm(net.theta - starts[who]) for who, net in game.nets.items()}
        ways.append({who: float(way[who] / np.linalg.norm(starts[who])) for who in way})
    before, after = clouds
    words = f"length of the way of G's weights in their own lengths; the critic's: {ways[0]['d']:.3f}"
    return Played(
        (
            Evidence("G moved", words, ways[0]["g"], ways[1]["g"], "<", 1e-6),
            astray(distance(before), distance(after), 0.6),
        ),
        (
            picture("before", f"after {STEPS} steps, as on the first", before),
            picture("after", "inputs kept until the backward pass has used them", after),
        ),
    )

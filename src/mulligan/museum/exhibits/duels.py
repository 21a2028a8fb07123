"""Exhibits whose mistakes the engine prevents: a `Duel` of two networks on the ring, with the moves written out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import threadpoolctl

from mulligan.data.sources.toys import TOYS
from mulligan.game.losses import Loss, NonSaturating, Wasserstein
from mulligan.game.penalties import WGANGP
from mulligan.museum.exhibit import Contrast, Played
from mulligan.museum.stage import SHOWN, astray, distance, picture
from mulligan.nn.layers import BatchNorm, Dense, LeakyReLU, Sequential
from mulligan.nn.layers.base import Layer
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Adam, Optimizer
from mulligan.nn.rng import stream

BATCH = 128
HIDDEN = (Dense(64), LeakyReLU()) * 3
"""The hidden layers of D in the recipe `ring`."""
LOSS = NonSaturating()
ADAM = Adam(lr=1e-3, beta1=0.5)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread, because these networks are too small for more. Also works as a decorator."""
    with threadpoolctl.threadpool_limits(1, "blas"):
        yield


class Duel:
    """Two networks on the ring, each with its own optimiser; z and samples have two numbers."""

    def __init__(self, g: Sequence[Layer], d: Sequence[Layer], optimizer: Optimizer, seed: int):
        self.noise, self.data = stream(seed, "noise"), stream(seed, "batches")
        self.nets = {
            who: Network(Sequential(tuple(layers)), (2,)).initialise(stream(seed, f"init.{who}"))
            for who, layers in (("g", g), ("d", d))
        }
        self.g, self.d = (net.workspace() for net in self.nets.values())
        self.optimizer = optimizer
        self.states = {who: optimizer.init(net.n_params, np.float32) for who, net in self.nets.items()}

    def z(self, count: int) -> Array:
        """Draw z ~ N(0, 1)."""
        return self.noise.standard_normal((count, 2), dtype=np.float32)

    def real(self, count: int) -> Array:
        """Draw from the ring."""
        return TOYS["ring"].sample(count, self.data)

    def move(self, who: str) -> None:
        """Update a player with the gradient in its workspace."""
        space = self.g if who == "g" else self.d
        space.finish_grads()
        self.optimizer.step(self.nets[who].theta, space.grad, self.states[who])
        space.clear_grads()

    def discriminator_move(self, real: Array, fake: Array, loss: Loss = LOSS) -> None:
        """Update D by one pass over reals and fakes together."""
        n = len(real)
        logits = self.d.forward(np.concatenate([real, fake]))[:, 0]
        c = loss.discriminator(real=logits[:n], fake=logits[n:])
        self.d.backward(np.concatenate([c.real, c.fake])[:, None], inputs=False)
        self.d.grads()
        self.move("d")

    def generator_move(self, z: Array, loss: Loss = LOSS) -> None:
        """Update G through D, whose weights stay."""
        fake = self.g.forward(z)
        logits = self.d.forward(fake)[:, 0]
        c = loss.generator(real=logits, fake=logits).fake
        self.g.backward(self.d.backward(c[:, None]), inputs=False)
        self.g.grads()
        self.move("g")

    def cloud(self) -> Array:
        """Return G's samples of fixed z."""
        z = stream(0, "eval").standard_normal((SHOWN, 2), dtype=np.float32)
        return self.g.forward(z, training=False).copy()


@one_thread()
def batch_of_one(seed: int, steps: int = 1000) -> Played:
    """Train G with BatchNorm, then draw one sample at a time in both modes: in training mode all are the same."""
    normed = (Dense(64), BatchNorm(), LeakyReLU()) * 2
    game = Duel((*normed, Dense(2)), (*HIDDEN, Dense(1)), ADAM, seed)
    for _ in range(steps):
        game.discriminator_move(game.real(BATCH), game.g.forward(game.z(BATCH)))
        game.generator_move(game.z(BATCH))
    z = game.z(512)
    before, after = (_draw_one_by_one(game, z, training=training) for training in (True, False))
    together = game.g.forward(z, training=True)
    spread = "standard deviation over z of samples that are asked for one by one; the ring's own: 1.41"
    change = "median way from a sample made among 512 to the same z's sample made alone"
    spreads = [float(alone.std(axis=0).mean()) for alone in (before, after)]
    changes = [float(np.median(np.linalg.norm(alone - together, axis=1))) for alone in (before, after)]
    return Played(
        (
            Contrast("spread", spread, spreads[0], spreads[1], "<", 0.02),
            Contrast("change", change, changes[0], changes[1], ">", 0.6),
        ),
        (
            picture("before", "512 samples, one by one, in training mode: one point", before),
            picture("after", "the same z one by one, with the running averages", after),
            picture("together", f"the same z in one batch: {distance(together):.2f} from the ring", together),
        ),
    )


def _draw_one_by_one(game: Duel, z: Array, *, training: bool) -> Array:
    stats = game.nets["g"].stats.copy()  # a pass in training mode would change them
    rows = [game.g.forward(z[i : i + 1], training=training).copy() for i in range(len(z))]
    game.nets["g"].stats[:] = stats
    return np.concatenate(rows)


@one_thread()
def flushed(seed: int, steps: int = 400) -> Played:
    """Play WGAN-GP with G's inputs discarded before its backward pass, so that it never moves, and with them kept."""
    clouds, ways = [], []
    for lost in (True, False):
        game = Duel((*HIDDEN, Dense(2)), (*HIDDEN, Dense(1)), Adam(lr=3e-3, beta1=0.5, beta2=0.9), seed)
        starts = {who: net.theta.copy() for who, net in game.nets.items()}
        for _ in range(steps):
            for _ in range(5):
                _critic_move(game)
            if lost:
                _flushed_move(game)
            else:
                game.generator_move(game.z(BATCH), Wasserstein())
        clouds.append(game.cloud())
        way = {who: np.linalg.norm(net.theta - starts[who]) for who, net in game.nets.items()}
        ways.append({who: float(way[who] / np.linalg.norm(starts[who])) for who in way})
    before, after = clouds
    line = f"length of the way of G's weights in their own lengths; the critic's: {ways[0]['d']:.3f}"
    return Played(
        (
            Contrast("G moved", line, ways[0]["g"], ways[1]["g"], "<", 1e-6),
            astray(distance(before), distance(after), 0.6),
        ),
        (
            picture("before", f"after {steps} steps, as on the first", before),
            picture("after", "inputs kept until the backward pass has used them", after),
        ),
    )


def _critic_move(game: Duel) -> None:
    """Update the critic by its loss and WGAN-GP's penalty (Gulrajani et al. 2017, Algorithm 1)."""
    penalty, real, fake = WGANGP(), game.real(BATCH), game.g.forward(game.z(BATCH))
    game.d.forward(fake + penalty.draw(game.noise, real) * (real - fake))  # x̂ = ε x + (1 − ε) G(z)
    g = game.d.backward(np.ones((BATCH, 1), np.float32))
    penalty.value_and_grad(g, BATCH, v := np.empty_like(g))
    game.d.tangent(v)
    game.d.fused_grads(np.zeros(BATCH, np.float32))  # ∂/∂θ ⟨v, ∇D⟩ alone
    game.discriminator_move(real, fake, Wasserstein())


def _flushed_move(game: Duel) -> None:
    """Update G as published: the layers' stored inputs are gone, so their backward passes have no rows."""
    game.g.forward(game.z(BATCH))
    game.g.forward(game.z(0))  # the flush leaves a forward pass without rows
    game.g.backward(np.empty((0, 2), np.float32), inputs=False)
    game.g.grads()
    game.move("g")

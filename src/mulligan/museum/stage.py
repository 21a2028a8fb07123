"""Where the small exhibits play: a bare ring of eight Gaussians, and two networks without a referee.

`GAN` refuses or prevents many of the mistakes that the museum shows, so some of them are played on a `Duel`: two
networks with their optimisers, and every move written out in the exhibit's own file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import threadpoolctl

from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.game.losses import Loss, NonSaturating
from mulligan.metrics import Modes, modes
from mulligan.museum.case import Evidence, Picture
from mulligan.museum.pictures import points
from mulligan.nn.layers import Dense, LeakyReLU, Sequential
from mulligan.nn.layers.base import Layer
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Adam, Optimizer
from mulligan.nn.rng import stream
from mulligan.training import Run, recipe
from mulligan.training.overrides import apply_overrides

NETS = "generator.layers={kind='mlp_generator', hidden=[64, 64, 64], output='none'}"
"""A generator that nothing has been done for."""
PLAIN = (
    "penalties=[]",
    "update=alternating",
    "loss=non_saturating",
    "average=none",
    "generator.optimizer={kind='adam', lr=1e-3, beta1=0.5, beta2=0.999}",
    "discriminator.optimizer={kind='adam', lr=1e-3, beta1=0.5, beta2=0.999}",
    "schedules.lr=constant",
    "schedules.penalty=constant",
)
"""What makes the recipe `ring` a GAN without remedies."""
SHOWN = 1024
"""Points in a picture, and in a count of modes."""
BATCH = 128
"""Points of a duel's batch."""
HIDDEN = (Dense(64), LeakyReLU()) * 3
"""The hidden layers of D in the recipe `ring`."""
LOSS = NonSaturating()
ADAM = Adam(lr=1e-3, beta1=0.5)


def ring(*overrides: str, steps: int, seed: int) -> Run:
    """Prepare a run on the ring: the recipe `ring` with a plain generator, changed; one thread."""
    return Run(apply_overrides(recipe("ring", steps=steps, seed=seed, threads=1), [NETS, *overrides])[0])


def play(run: Run, steps: int | None = None) -> Run:
    """Take a run's steps: all that are left, or some."""
    with run.gan, np.errstate(all="ignore"):
        for _ in range(run.config.steps - run.step if steps is None else steps):
            run.advance()
    return run


def cloud(run: Run) -> Array:
    """Return what G makes of `SHOWN` fixed z, without an average."""
    z, labels = run.draw(SHOWN, seed=0)
    return run.generate(z, labels, average=False)


def caught(samples: Array) -> Modes:
    """Count the ring's modes among points."""
    toy = TOYS["ring"]
    assert isinstance(toy, Gaussians)
    return modes(samples, toy.modes, toy.std)


def distance(samples: Array) -> float:
    """Return the median distance of points to the nearest of the ring's centres."""
    apart = samples[:, None, :] - TOYS["ring"].modes
    return float(np.median(np.sqrt(np.square(apart).sum(axis=2)).min(axis=1)))


def astray(before: float, after: float, threshold: float, more: str = "") -> Evidence:
    """Compare how far the points of two runs are from the ring's centres: the failure is further off."""
    return Evidence("distance", f"median distance to the nearest of the eight{more}", before, after, ">", threshold)


def push(run: Run) -> float:
    """Return what reaches the fakes: the mean of ‖∂L_G/∂x‖ over the fixed z, each row's own loss."""
    fakes = cloud(run)
    space = run.gan.d.network.workspace()
    logits = space.forward(fakes, training=False)[:, 0]
    c = run.config.loss.generator(real=logits, fake=logits).fake * len(logits)
    return float(np.sqrt(np.square(space.backward(c[:, None].astype(np.float32))).sum(axis=1)).mean())


def pushed(broken: Run, mended: Run, threshold: float) -> Evidence:
    """Compare what reaches the fakes of two runs: the failure hears less."""
    words = "mean length of the loss gradient that reaches a generated point"
    return Evidence("push", words, push(broken), push(mended), "<", threshold)


def picture(name: str, caption: str, samples: Array) -> Picture:
    """Draw points in the ring's own frame, six deviations around each of its modes encircled."""
    toy = TOYS["ring"]
    assert isinstance(toy, Gaussians)
    caption = f"{caption}; the frame is the ring's, grey circles are around its eight modes"
    return points(name, caption, samples, -2.1, 2.1, toy.modes, 6 * toy.std)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS at one thread: these nets are too small for more. Also a decorator."""
    with threadpoolctl.threadpool_limits(1, "blas"):
        yield


class Duel:
    """Two networks on the ring, z and samples of two numbers, each player with an optimiser of its own.

    Parameters
    ----------
    g, d : sequence of Layer
    optimizer : Optimizer
        Of either.
    seed : int
    """

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
        """Take a player's step with the gradient that its workspace has gathered."""
        space = self.g if who == "g" else self.d
        space.finish_grads()
        self.optimizer.step(self.nets[who].theta, space.grad, self.states[who])
        space.clear_grads()

    def discriminator_move(self, real: Array, fake: Array, loss: Loss = LOSS) -> None:
        """Move D by one pass over reals and fakes together; a D with BatchNorm would need two."""
        n = len(real)
        logits = self.d.forward(np.concatenate([real, fake]))[:, 0]
        c = loss.discriminator(real=logits[:n], fake=logits[n:])
        self.d.backward(np.concatenate([c.real, c.fake])[:, None], inputs=False)
        self.d.grads()
        self.move("d")

    def generator_move(self, z: Array, loss: Loss = LOSS) -> None:
        """Move G through D, which keeps its weights."""
        fake = self.g.forward(z)
        logits = self.d.forward(fake)[:, 0]
        c = loss.generator(real=logits, fake=logits).fake
        self.g.backward(self.d.backward(c[:, None]), inputs=False)
        self.g.grads()
        self.move("g")

    def cloud(self) -> Array:
        """Return what G makes of `SHOWN` fixed z."""
        z = stream(0, "eval").standard_normal((SHOWN, 2), dtype=np.float32)
        return self.g.forward(z, training=False).copy()

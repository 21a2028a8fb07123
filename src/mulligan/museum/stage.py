"""Shared parts of the small exhibits: a plain ring of eight Gaussians, and a `Duel` of two networks.

`GAN` prevents many of the mistakes that the museum shows. So some exhibits use a `Duel`: two networks with their
optimisers, whose moves are written out in the exhibit's file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import threadpoolctl

from mulligan.config.change import apply_overrides
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

NETS = "generator.layers={kind='mlp_generator', hidden=[64, 64, 64], output='none'}"
"""A plain generator."""
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
"""Overrides that turn the recipe `ring` into a plain GAN."""
SHOWN = 1024
"""Number of points in a picture, and in a count of modes."""
BATCH = 128
"""Batch size of a duel."""
HIDDEN = (Dense(64), LeakyReLU()) * 3
"""The hidden layers of D in the recipe `ring`."""
LOSS = NonSaturating()
ADAM = Adam(lr=1e-3, beta1=0.5)


def ring(*overrides: str, steps: int, seed: int) -> Run:
    """Make a run on the ring: the recipe `ring` with a plain generator and `overrides`, on one thread."""
    return Run(apply_overrides(recipe("ring", steps=steps, seed=seed, threads=1), [NETS, *overrides])[0])


def play(run: Run, steps: int | None = None) -> Run:
    """Take `steps` steps of a run, or all that are left."""
    with run.gan, np.errstate(all="ignore"):
        for _ in range(run.config.steps - run.step if steps is None else steps):
            run.advance()
    return run


def cloud(run: Run) -> Array:
    """Return G's samples of `SHOWN` fixed z, without an average."""
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
    """Compare the distances of two runs' points to the ring's centres. The failed run is further away."""
    return Evidence("distance", f"median distance to the nearest of the eight{more}", before, after, ">", threshold)


def gradient_at_fakes(run: Run) -> float:
    """Return the mean of ‖∂L_G/∂x‖ over the fakes of the fixed z, for each row's own loss."""
    fakes = cloud(run)
    space = run.gan.d.network.workspace()
    logits = space.forward(fakes, training=False)[:, 0]
    c = run.config.loss.generator(real=logits, fake=logits).fake * len(logits)
    return float(np.sqrt(np.square(space.backward(c[:, None].astype(np.float32))).sum(axis=1)).mean())


def weak_gradient(broken: Run, mended: Run, threshold: float) -> Evidence:
    """Compare the gradients that reach the fakes of two runs. That of the failed run is smaller."""
    words = "mean length of the loss gradient that reaches a generated point"
    return Evidence("gradient", words, gradient_at_fakes(broken), gradient_at_fakes(mended), "<", threshold)


def picture(name: str, caption: str, samples: Array) -> Picture:
    """Draw points in the ring's frame, with a circle of six deviations around each mode."""
    toy = TOYS["ring"]
    assert isinstance(toy, Gaussians)
    caption = f"{caption}; the frame is the ring's, grey circles are around its eight modes"
    return points(name, caption, samples, -2.1, 2.1, toy.modes, 6 * toy.std)


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

    def discriminator_move(self, real: Array, fake: Array, loss: Loss = LOSS) -> float:
        """Update D by one pass over reals and fakes together; return its mean logit of the fakes in that pass."""
        n = len(real)
        logits = self.d.forward(np.concatenate([real, fake]))[:, 0]
        c = loss.discriminator(real=logits[:n], fake=logits[n:])
        seen = float(logits[n:].mean())
        self.d.backward(np.concatenate([c.real, c.fake])[:, None], inputs=False)
        self.d.grads()
        self.move("d")
        return seen

    def generator_move(self, z: Array, loss: Loss = LOSS) -> None:
        """Update G through D, whose weights stay."""
        fake = self.g.forward(z)
        logits = self.d.forward(fake)[:, 0]
        c = loss.generator(real=logits, fake=logits).fake
        self.g.backward(self.d.backward(c[:, None]), inputs=False)
        self.g.grads()
        self.move("g")

    def cloud(self) -> Array:
        """Return G's samples of `SHOWN` fixed z."""
        z = stream(0, "eval").standard_normal((SHOWN, 2), dtype=np.float32)
        return self.g.forward(z, training=False).copy()

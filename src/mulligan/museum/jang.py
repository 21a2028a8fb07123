"""Parts of Eric Jang's GAN in one dimension, with everything that his post does by hand.

Jang 2016, "Generative adversarial nets in TensorFlow (part I)": 1-6-5-1 tanh nets against each other on N(−1, 1). D
starts fitted to the density. Its output is clamped to [.01, .99], and z is stratified on [−5, 5].
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mulligan.data.sources.toys import TOYS
from mulligan.errors import ShapeError, must_be
from mulligan.game.architectures.base import Architecture
from mulligan.nn.fields import Count, Finite, Fraction
from mulligan.nn.layers import Dense, Layer, LinearMap, Pointwise, Sequential, Tanh
from mulligan.nn.layers.base import Shape
from mulligan.nn.layers.initializers import Initializer, Normal
from mulligan.nn.memory import Array, Memory
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Momentum

_BATCH, _REACH = 200, 5.0


@dataclass(frozen=True)
class Stratified(LinearMap):
    """Map z in (−1, 1) to [low, high]; in training, row i of n comes from the i-th stratum.

        training    y_i = low + (high − low)·(i/(n − 1) + (z_i + 1)/2 · 1/1000)
        sampling    y_i = low + (high − low)·(z_i + 1)/2

    Source: Jang 2016: ``linspace(-5, 5, n) + random(n)·.01``. As the first layer, it needs no input gradient.
    """

    low: Finite = -_REACH
    high: Finite = _REACH

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        y = np.multiply(x, 0.5, out=m.buffers[name, x.shape])
        y += 0.5
        if m.context.training:
            counts = [int(count) for count in m.context.gather_workers(np.array(len(x)))]
            before, n = sum(counts[: m.context.number]), sum(counts)
            y *= 0.001
            y += (np.arange(before, before + len(x), dtype=y.dtype) / max(n - 1, 1))[:, None]
        y *= self.high - self.low
        y += self.low
        return y

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        return np.multiply(dy, 0.0, out=m.buffers[name, dy.shape])


@dataclass(frozen=True)
class Times(Pointwise):
    """A number times x, plus another."""

    by: Finite = 5.0
    plus: Finite = 0.0
    piecewise_linear: ClassVar[bool] = True

    def f(self, x: Array, out: Array) -> None:
        np.multiply(x, self.by, out=out)
        out += self.plus

    def df(self, x: Array, y: Array, out: Array) -> None:
        out.fill(self.by)


@dataclass(frozen=True)
class ClampedProbability(Pointwise):
    """The logit log(p/(1 − p)) of p = x clamped to [low, high], in Jang's post [.01, .99]. Outside, the slope is 0."""

    low: Fraction = 0.01
    high: Fraction = 0.99

    def f(self, x: Array, out: Array) -> None:
        np.clip(x, self.low, self.high, out=out)
        out /= 1 - out
        np.log(out, out=out)

    def df(self, x: Array, y: Array, out: Array) -> None:
        # f′ = 1/(p (1 − p)) inside, else 0
        p = np.clip(x, self.low, self.high)
        np.divide((x > self.low) & (x < self.high), p * (1 - p), out=out)


@dataclass(frozen=True)
class JangDiscriminator(Architecture):
    """1-6-5-1 with tanh in all layers and a clamped output, fitted to the data's density before the game begins.

    `pretraining` is the number of steps of least squares, with 200 points of [−5, 5] each; Jang took 1000.
    """

    hidden: tuple[int, ...] = (6, 5)
    pretraining: Count = 1000

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        if tuple(sample_shape) != (1,):
            raise ShapeError(must_be("samples", "points in one dimension", tuple(sample_shape), "data.name=jang"))
        start = _Fitted(self.hidden, self.pretraining, [])
        layers: list[Layer] = []
        for units in (*self.hidden, 1):
            layers += [Dense(units, start, bias_init=start), Tanh()]
        return (*layers, ClampedProbability())


@dataclass(frozen=True)
class _Fitted(Initializer):
    """Returns the arrays of a fitted network one after the other. The first call fits it, the last one discards it."""

    hidden: tuple[int, ...]
    steps: int
    waiting: list[Array] = field(compare=False)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        if not self.waiting:
            self.waiting.extend(fitted(self.hidden, self.steps, rng))
        out[...] = self.waiting.pop(0)


def fitted(hidden: tuple[int, ...], steps: int, rng: np.random.Generator) -> list[Array]:
    """Fit tanh layers to the density of N(−1, 1): W and b of each layer, in order.

    E (D(x) − p(x))², x ~ U(−5, 5), by momentum 0.6 at 1e-3 (Jang 2016).
    """
    layers = [part for units in (*hidden, 1) for part in (Dense(units, Normal(1.0)), Tanh())]
    network = Network(Sequential(tuple(layers)), (1,)).initialise(rng)
    space, optimizer = network.workspace(), Momentum(lr=1e-3, momentum=0.6)
    state = optimizer.init(network.n_params, np.float32)
    for _ in range(steps):
        x = rng.uniform(-_REACH, _REACH, (_BATCH, 1)).astype(np.float32)
        density = np.exp(TOYS["jang"].log_density(x))[:, None]
        space.backward((2 * (space.forward(x) - density) / _BATCH).astype(np.float32), inputs=False)
        space.grads()
        optimizer.step(network.theta, space.grad, state)
        space.clear_grads()
    return [entry.view(network.theta) for entry in network.entries]

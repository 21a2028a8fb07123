"""Kinds that only recipes of published papers need: the GAN paper's biases and its rising momentum."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.data import load
from mulligan.nn.fields import Count, Decay, Positive
from mulligan.nn.layers.initializers import Initializer
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import Optimizer, State
from mulligan.nn.optimizers.base import Vector, steps

_EDGE = 1e-7


@dataclass(frozen=True)
class Marginals(Initializer):
    """The bias with which a sigmoid outputs each pixel's mean in the data (pylearn2: "from marginals").

        b = log(p/(1 − p)),   p = mean pixel in [0, 1], kept within 1e-7 of the ends

    The mean is over the first `limit` pictures of a data set.
    """

    data: str = "mnist"
    limit: Count = 50_000

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        p = np.asarray(load(self.data).images[: self.limit]).mean(axis=0).ravel() / 255.0
        p = np.clip(p, _EDGE, 1 - _EDGE)
        out[...] = np.log(p / (1 - p)).reshape(out.shape)


@dataclass(frozen=True)
class RisingMomentum(Optimizer):
    """Momentum that grows over the epochs (pylearn2's MomentumAdjustor).

    v ← μ·v − lr·g,   θ ← θ + v;   μ grows linearly from `momentum` to `final` over `epochs` of `epoch` steps
    """

    slots: ClassVar[tuple[str, ...]] = ("v",)
    lr: Positive = 0.1
    momentum: Decay = 0.5
    final: Decay = 0.7
    epochs: Count = 250
    epoch: Count = 500

    def update_block(self, state: State, theta: Vector, g: Vector, v: Vector, *, lr: float) -> None:
        done = (steps(state) - 1) // self.epoch
        way = min(done / max(self.epochs - 1, 1), 1.0)
        g *= lr
        v *= (1 - way) * self.momentum + way * self.final
        v -= g
        theta += v

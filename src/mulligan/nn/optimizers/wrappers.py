"""Optimisers that wrap another one: the base takes every gradient, then the wrapper moves the parameters again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from mulligan.errors import ConfigError
from mulligan.nn.fields import Count, PositiveFraction
from mulligan.nn.optimizers.adam import Adam
from mulligan.nn.optimizers.base import Optimizer, State, Vector, steps


@dataclass(frozen=True)
class Wrapper(Optimizer):
    """An optimiser that works through another one, its base, and keeps its own vectors in the same state."""

    base: Optimizer = Adam()
    """Takes the steps; no wrapper, but `Lookahead` may wrap `Extragradient`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.base, (type(self), Lookahead)):
            raise ConfigError(
                f"{type(self).__name__}: base must be an optimiser that is no wrapper itself, got {self.base!r}. The "
                "only wrapper of a wrapper is Lookahead(Extragradient(base)). Try base = Adam()."
            )

    @property
    def vectors(self) -> tuple[str, ...]:
        return (*self.base.vectors, *self.slots)

    def init(self, n: int, dtype: DTypeLike) -> State:
        return self.base.init(n, dtype) | {name: np.zeros(n, dtype) for name in self.slots}

    def advance(self, state: State) -> None:
        self.base.advance(state)

    def rates(self, factor: float = 1.0, beta2: float | None = None) -> dict[str, float]:
        return self.base.rates(factor, beta2)


@dataclass(frozen=True)
class Extragradient(Wrapper):
    """Try a step, take the gradient where it leads, and repeat the step with that gradient instead.

    Source: Korpelevich 1976, "The extragradient method" (base SGD); Gidel et al. 2019, "A Variational
    Inequality Perspective on Generative Adversarial Networks", Extra-Adam (base Adam).

    One training step is two calls of `step`, as ``evaluations == 2`` tells the game:

        1.  gradient of both players at θ;              every player:  ω ← θ,  θ ← θ − base step
        2.  gradient of both players at the new θ's;    every player:  θ ← ω − base step

    Between the calls θ holds the extrapolated point and ``state["anchor"]`` holds ω. After the second call θ is the new
    iterate. The base sees every gradient: its moments and its t advance twice a training step, as in Extra-Adam, whose
    bias corrections are 1 − β^(2t−1) and 1 − β^(2t). ``state["t"]`` counts gradients; an odd t is half a step. Averages
    take θ after the second call only.
    """

    slots: ClassVar[tuple[str, ...]] = ("anchor",)

    @property
    def evaluations(self) -> int:
        return 2

    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Vector, **rates: float) -> None:
        *inner, anchor = slots
        if steps(state) % 2 == 1:
            anchor[:] = theta
        else:
            theta[:] = anchor
        self.base.update_block(state, theta, g, *inner, **rates)


@dataclass(frozen=True)
class Lookahead(Wrapper):
    """Go back every k steps and keep a part of the way: slow weights follow the fast ones.

    Source: Zhang et al. 2019, "Lookahead Optimizer: k steps forward, 1 step back", Algorithm 1; for games
    Chavdarova et al. 2021, "Taming GANs with Lookahead-Minmax".

        φ ← θ                              before the first step
        θ ← θ − base step                  every step
        φ ← φ + α·(θ − φ),  θ ← φ          after every k-th

    The base keeps its state when θ goes back.
    """

    slots: ClassVar[tuple[str, ...]] = ("slow",)
    k: Count = 5
    """This player's steps before each return; `d_steps` gives D more steps than G."""
    alpha: PositiveFraction = 0.5
    """The part of the way that is kept."""

    @property
    def evaluations(self) -> int:
        return self.base.evaluations

    def update_block(self, state: State, theta: Vector, g: Vector, *slots: Vector, **rates: float) -> None:
        *inner, slow = slots
        t = steps(state)
        if t == 1:
            slow[:] = theta
        self.base.update_block(state, theta, g, *inner, **rates)
        if t % (self.k * self.evaluations) == 0:
            np.subtract(theta, slow, out=g)
            g *= self.alpha
            slow += g
            theta[:] = slow

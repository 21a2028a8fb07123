"""The parts of a game: two players, a latent, a loss, penalties, and the order of the moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from mulligan.errors import ConfigError
from mulligan.game.architectures import Architecture
from mulligan.game.augment import Augmentation
from mulligan.game.losses import Loss, NonSaturating
from mulligan.game.penalties import Penalty
from mulligan.nn.averaging import EMA, Average
from mulligan.nn.fields import Checked, Count, Fraction, NonNegative, Whole
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import Adam, Optimizer
from mulligan.nn.schedules import Constant, Schedule


@dataclass(frozen=True)
class Latent(Checked):
    """The distribution of z."""

    dim: Count = 64
    """Length of z, at least 1."""
    distribution: Literal["normal", "uniform"] = "normal"
    """N(0, 1), or U(−1, 1)."""
    redraw: bool = True
    """Draw a new z for each move of the alternating game. If False, G moves with the fakes that D has just seen, as in
    most public training loops; this saves one forward pass of G in each step."""

    def draw(self, rng: np.random.Generator, out: Array) -> Array:
        """Fill `out`, (n, dim), in place."""
        if self.distribution == "normal":
            rng.standard_normal(dtype=out.dtype.type, out=out)
        else:
            rng.random(dtype=out.dtype.type, out=out)
            out *= 2.0
            out -= 1.0
        return out


@dataclass(frozen=True)
class Player(Checked):
    """A player: its network and its optimiser."""

    layers: tuple[Layer, ...] | Architecture
    """From input to output, or a family that builds them for the data's shape. D ends in one logit."""
    optimizer: Optimizer = Adam()
    clip_weights: NonNegative = 0.0
    """After each step every parameter is clamped to ±this (Arjovsky et al. 2017, Algorithm 1); 0 is off."""
    last_decay: NonNegative = 0.0
    """Before each step the last layer's parameters are multiplied by 1 − rate · this (Loshchilov & Hutter 2019,
    Algorithm 2). Above 0 it keeps the greys of `subpixels` in long runs."""

    def build(self, sample_shape: Shape, classes: int) -> tuple[Layer, ...]:
        """Return the layers for samples of this shape and this number of classes (0 for none)."""
        if isinstance(self.layers, Architecture):
            return self.layers.build(sample_shape, classes)
        return self.layers


@dataclass(frozen=True)
class Schedules(Checked):
    """Factors over the run, each a function of the step."""

    lr: Schedule = Constant(1.0)
    """Multiplies both players' learning rates."""
    penalty: Schedule = Constant(1.0)
    """Multiplies every penalty's weight."""


@dataclass(frozen=True)
class Game(Checked):
    """Everything about a game but its data."""

    generator: Player
    discriminator: Player
    latent: Latent = Latent()
    loss: Loss = NonSaturating()
    penalties: tuple[Penalty, ...] = ()
    update: Literal["simultaneous", "alternating"] = "alternating"
    """Simultaneous: both move at once from one pass of D, whose unit input gradient serves the penalties and G.
    Alternating: D moves `d_steps` times, then G, against the new D."""
    d_steps: Count = 1
    """D's moves for each of G's (alternating only)."""
    classes: Whole = 0
    """Number of classes that both players see as labels; 0 for none."""
    average: Average | None = EMA()
    """The running average of G's parameters, from which samples are drawn."""
    augment: tuple[Augmentation, ...] = ()
    """Applied to every picture, real or fake, before D sees it. Penalties act on what D sees."""
    augment_probability: Fraction = 1.0
    """Probability with which a picture gets each of them (Karras et al. 2020, §3.1); 1 is always."""
    schedules: Schedules = field(default_factory=Schedules)

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = [type(penalty).__name__ for penalty in self.penalties]
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        if twice:
            raise ConfigError(f"penalties must be different, got {', '.join(twice)} twice. Add their weights in one.")
        if self.together and self.d_steps != 1:
            raise ConfigError(
                f"d_steps must be 1 with update = 'simultaneous', got {self.d_steps}: both players move once a step. "
                "Set d_steps = 1, or update = 'alternating'."
            )

    @cached_property
    def moves(self) -> tuple[str, ...]:
        """The moves of one step in their order: "d", "g", or "dg" for both players from one pass of D."""
        return ("dg",) if self.together else (*["d"] * self.d_steps, "g")

    @cached_property
    def latents(self) -> tuple[int, ...]:
        """For each move, the move that its z is drawn for: itself, or D's before it if G does not redraw."""
        return tuple(k - (who == "g" and not self.latent.redraw) for k, who in enumerate(self.moves))

    @cached_property
    def penalties_at_rows(self) -> tuple[Penalty, ...]:
        """The penalties at the real or fake rows, which need no other pass of D."""
        return tuple(penalty for penalty in self.penalties if not penalty.apart)

    @cached_property
    def penalties_apart(self) -> tuple[Penalty, ...]:
        """The penalties at other points, which each need another pass of D."""
        return tuple(penalty for penalty in self.penalties if penalty.apart)

    @property
    def together(self) -> bool:
        """Whether both players' gradients are needed at the same time."""
        return self.update == "simultaneous"

    def part(self, move: int) -> int:
        """Return which of the batch's `d_steps` parts a move sees: each of D's moves the next one, G the last."""
        return min(move, self.d_steps - 1)

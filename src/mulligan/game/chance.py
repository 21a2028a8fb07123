"""Chance: a game's random streams, and what is drawn from them before a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mulligan.game.augment import Warp
from mulligan.game.batch import Rows
from mulligan.nn.rng import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulligan.game.batch import Batch
    from mulligan.game.penalties import Penalty
    from mulligan.game.spec import Game
    from mulligan.nn.layers.base import Shape
    from mulligan.nn.memory import Array, Labels


class Chance:
    """The streams of a game.

    Parameters
    ----------
    game : Game
    sample_shape : tuple of int
    seed : int
    workers : int
        Each has a stream of its own for dropout.

    Attributes
    ----------
    streams : dict of str to Generator
        A part of the game that draws nothing has none, so that adding one shifts no other.
    warp : Warp
        The game's augmentations.
    """

    def __init__(self, game: Game, sample_shape: Shape, seed: int, workers: int):
        self._shape = tuple(sample_shape)
        self.warp = Warp(game.augment, self._shape)
        self.streams = {name: stream(seed, name) for name in ("noise", "penalty")}
        if game.augment:
            self.streams["augment"] = stream(seed, "augment")
        self.streams |= {f"dropout.{i}": stream(seed, "dropout", i) for i in range(workers)}

    def deal(
        self,
        batch: Batch,
        game: Game,
        apart: Sequence[Penalty],
        step: int,
        total: int,
        real: Array | Rows,
        labels: Labels,
    ) -> None:
        """Draw all that a step needs, move by move.

        Parameters
        ----------
        batch : Batch
            Where it is put.
        game : Game
        apart : sequence of Penalty
            Those that need points of their own.
        step, total : int
            Steps before this one, and of the whole run.
        real : (n · d_steps, ...) array or Rows
        labels : (n · d_steps,) integer array or None
        """
        spread = game.instance_noise and game.instance_noise * game.schedules.noise(step, total)
        n = real.shape[0] // game.d_steps
        batch.deal(step, n, real, labels, bool(spread))
        for number, who in enumerate(game.moves):
            game.latent.draw(self.streams["noise"], batch.room(f"z{number}", (n, game.latent.dim)))
            if spread:
                noise = batch.room(f"noise{number}", (2, n, *self._shape))
                self.streams["noise"].standard_normal(dtype=noise.dtype.type, out=noise)
                noise *= spread
            if game.augment:
                self.warp.draw(self.streams["augment"], batch.room(f"warp{number}", (2, n, self.warp.numbers)))
            if apart and who == "d":
                assert not isinstance(real, Rows)  # see `GAN.step`
                first = game.part(number) * n
                part = real[first : first + n]
                for k, penalty in enumerate(apart):
                    drawn = penalty.draw(self.streams["penalty"], part)
                    np.copyto(batch.room(f"points{number}.{k}", drawn.shape), drawn)

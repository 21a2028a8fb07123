"""The batch and all random numbers of one step, drawn before the step begins.

The caller's process draws; every worker reads. Workers may be processes, so all of this lies in shared memory.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from mulligan.game.augment import Warp
from mulligan.game.spec import Game
from mulligan.nn.layers.base import Shape
from mulligan.nn.memory import Allocate, Array, Labels
from mulligan.nn.rng import stream


class Move(NamedTuple):
    """One worker's rows of the batch and random numbers of a move: of D, of G, or of both at once."""

    real: Array
    labels: Labels
    z: Array
    warp: Array | None  # (2, rows, numbers): how the reals and the fakes are augmented
    points: list[Array]  # for each penalty between real and fake, or around the reals: what places its points


class Draws:
    """The random streams of a game, the batch of a step, and what was drawn for it.

    Each part of the game that draws has a stream of its own, so that adding a part changes no other's numbers; each
    worker has one for dropout. `settle` is called before new memory is allocated, because running processes could not
    see it. `penalties` has each worker's share of each penalty's value.
    """

    def __init__(
        self,
        game: Game,
        sample_shape: Shape,
        *,
        seed: int,
        workers: int,
        allocate: Allocate,
        dtype: DTypeLike,
        settle: Callable[[], None],
    ):
        self._shape, self._allocate, self._dtype, self._settle = tuple(sample_shape), allocate, dtype, settle
        self.warp = Warp(game.augment, self._shape)
        self.streams = {name: stream(seed, name) for name in ("noise", "penalty")}
        if game.augment:
            self.streams["augment"] = stream(seed, "augment")
        self.streams |= {f"dropout.{i}": stream(seed, "dropout", i) for i in range(workers)}
        self._arrays: dict[str, Array] = {}
        self.penalties = allocate((workers, len(game.penalties)), np.float64)
        self._head = allocate((3,), np.int64)  # steps before this one, rows of a move, labels?

    def draw(self, game: Game, step: int, labels: Labels) -> None:
        """Draw all random numbers of a step, move by move, for the batch in `real`; `step` counts those before it."""
        real = self.real
        n = len(real) // game.d_steps
        if labels is not None:
            np.copyto(self._buffer("labels", labels.shape, labels.dtype), labels)
        self._buffer("logits", (2, n))
        for number, who in enumerate(game.moves):
            if game.latents[number] == number:
                game.latent.draw(self.streams["noise"], self._buffer(f"z{number}", (n, game.latent.dim)))
            if game.augment:
                warp = self._buffer(f"warp{number}", (2, n, self.warp.numbers))
                self.warp.draw(self.streams["augment"], warp, game.augment_probability)
            if who == "d":
                part = real[game.part(number) * n :][:n]
                for k, penalty in enumerate(game.penalties_apart):
                    drawn = penalty.draw(self.streams["penalty"], part)
                    np.copyto(self._buffer(f"points{number}.{k}", drawn.shape), drawn)
        self._head[:] = step, n, labels is not None

    def place(self, n: int) -> Array:
        """Return the array that the n real samples of the next step are written into."""
        return self._buffer("real", (n, *self._shape))

    def _buffer(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        array, dtype = self._arrays.get(name), self._dtype if dtype is None else dtype
        if array is None or array.shape != shape or array.dtype != dtype:
            self._settle()
            array = self._arrays[name] = self._allocate(shape, dtype)
        return array

    def read(self) -> tuple[int, int, int]:
        """Return the numbers of `_head`. Two threads that set them as attributes at once could end Python 3.11."""
        step, n, labelled = self._head.tolist()
        return step, n, labelled

    @property
    def logits(self) -> Array:
        """D's logits of the move's real and fake rows, (2, n), written by all workers."""
        return self._arrays["logits"]

    @property
    def real(self) -> Array:
        """The real samples of all moves."""
        return self._arrays["real"]

    def move(self, game: Game, number: int, rows: slice) -> Move:
        """Return some rows of move `number` of the step."""
        arrays, (_, n, labelled) = self._arrays, self.read()
        first = game.part(number) * n
        warp = arrays.get(f"warp{number}")
        apart = len(game.penalties_apart) if game.moves[number] == "d" else 0
        return Move(
            arrays["real"][first:][rows],
            arrays["labels"][first:][rows] if labelled else None,
            arrays[f"z{game.latents[number]}"][rows],
            None if warp is None else warp[:, rows],
            [arrays[f"points{number}.{k}"][rows] for k in range(apart)],
        )

"""The state of a game from step to step. The step itself is in `step`; read that first."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from mulligan.errors import ShapeError, as_whole
from mulligan.game.draws import Draws
from mulligan.game.player import PlayerState
from mulligan.game.spec import Game
from mulligan.game.step import Step
from mulligan.game.validation import as_numbers, check_batch, check_game
from mulligan.nn.layers.base import Shape
from mulligan.nn.memory import Array, Labels, allocate, share
from mulligan.nn.network import Workspace
from mulligan.nn.rng import restore, state_of, stream
from mulligan.nn.workers import ThreadTeam, available_cores, process_team


class GAN:
    """A game in play: parameters, optimiser states, random streams, and `step`.

    Play inside ``with gan:``, which keeps BLAS at one thread and the workers alive.

    `sample_shape` is that of one picture or point, as D sees it: (height, width, channels) or (d,). `seed` opens the
    streams init.g, init.d, noise, penalty, augment and dropout. `total` is the steps of the whole run, for the
    schedules. `workers` share a batch; by default there is one for each core that this process may use, and another
    number changes the bytes. With `processes`, they are processes where the system allows: faster, with the same
    bytes. Call `settle` before you change anything but the arrays. `dtype` is float32, or float64 for gradient checks.
    """

    def __init__(
        self,
        game: Game,
        sample_shape: Shape,
        *,
        seed: int = 0,
        total: int = 1,
        workers: int | None = None,
        dtype: DTypeLike = np.float32,
        processes: bool = False,
    ):
        self._game, self.total, self.steps = game, total, 0
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        count = available_cores() if workers is None else workers
        for name, value, least in (("seed", seed, 0), ("total", total, 1), ("workers", count, 1)):
            as_whole(name, value, least)
        kind, reserve = (process_team(), share) if processes and count > 1 else (ThreadTeam, allocate)
        for_g = game.generator.build(sample_shape, game.classes)
        for_d = game.discriminator.build(sample_shape, game.classes)
        self.g = PlayerState(game.generator, for_g, (game.latent.dim,), dtype, reserve, game.average)
        self.d = PlayerState(game.discriminator, for_d, sample_shape, dtype, reserve)
        self.players = {"g": self.g, "d": self.d}
        check_game(game, self.g.network, self.d.network, sample_shape)
        for name, player in self.players.items():
            player.network.initialise(stream(seed, f"init.{name}"))
            player.average[:] = player.network.theta
        self.team: ThreadTeam = kind(count, self._answer, self._take_home)
        self._draws = Draws(
            game, sample_shape, seed=seed, workers=count, allocate=reserve, dtype=dtype, settle=self.team.settle
        )
        self.average, self.warp = self.g.average, self._draws.warp
        """The running average of G's parameters, (n_params of G,), or G's own without one; and the augmentations."""
        self.release()

    def release(self) -> None:
        """Free the workers' buffers and gradients. The next step allocates them again."""
        self.team.settle()
        gradients: dict[str, list[Workspace]] = {}
        parts, together = (self.players, self._draws), self._game.together
        self.team_steps = [Step(*parts, worker, gradients, together) for worker in self.team.workers]

    def __enter__(self) -> Self:
        """Start the workers."""
        self.team.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.team.__exit__(*error)

    def step(self, real: Array, labels: Labels = None) -> dict[str, float]:
        """Play one step: the moves of both players, in the order of `Game.moves`.

        `real`, ``(n, *sample_shape)``, is a batch in the range of G's output, or ``(d_steps·n, …)``, a fresh one for
        each of D's moves. `labels`, (n,) integers, are its classes; the fakes get the same, so that both follow the
        data's frequencies. Returns ``d_loss``, ``g_loss``, mean logits ``d_real``, ``d_fake``, ``d_accuracy`` where the
        loss has a level, and each penalty by its name.
        """
        real = as_numbers(real, "a batch", "one row for each sample")
        classes = None if labels is None else as_numbers(labels, "labels")
        shape = self.d.network.input_shape
        if real.ndim == 0 or real.shape[1:] != shape:
            raise ShapeError(
                f"a batch must have shape (n, {', '.join(map(str, shape))}), as the discriminator was built for, "
                f"got {real.shape}. Reshape it."
            )

        def copy(out: Array) -> Labels:
            np.copyto(out, real, casting="same_kind")
            return classes

        return self.step_on(len(real), copy)

    def step_on(self, n: int, write: Callable[[Array], Labels]) -> dict[str, float]:
        """Play one step, as `step` does, on n samples that `write` writes into an array; it returns their labels."""
        game, draws = self._game, self._draws
        labels = write(draws.place(n))
        check_batch(n, labels, moves=game.d_steps, workers=self.team.count)
        draws.draw(game, self.steps, labels)
        self.team.repeat(self._play)
        self.steps += 1
        penalties = {p.name: float(part.sum()) for p, part in zip(game.penalties, draws.penalties.T)}
        return self.team_steps[0].measures | penalties

    def _play(self, worker: int) -> None:
        self.team_steps[worker].play(self._game, self.total)

    @property
    def game(self) -> Game:
        """The game. Between two steps, you may set another one that differs only in rates, weights and schedules."""
        return self._game

    @game.setter
    def game(self, game: Game) -> None:
        self.settle()
        self._game = game
        self.g.player, self.d.player = game.generator, game.discriminator

    @property
    def real(self) -> Array:
        """The real samples of the last step."""
        return self._draws.real

    @property
    def streams(self) -> dict[str, np.random.Generator]:
        """The random streams by name, in their current state. Read or set them between two steps."""
        self.settle()
        return self._draws.streams

    def settle(self) -> None:
        """End process workers until the next step. Call this before you change anything but the arrays."""
        self.team.settle()

    def outputs(self) -> list[dict[str, list[Array]]]:
        """Return, for each worker, every layer's last output, under "g" and "d"."""
        outputs: list[dict[str, list[Array]]] = self.team.ask("outputs")
        return outputs

    def _answer(self, question: str, worker: int) -> Any:
        """Answer a question in a worker, perhaps another process: its layers' outputs, or the state of its stream."""
        if question == "outputs":
            step = self.team_steps[worker]
            spaces = {"g": step.g, "d": step.d.space}
            return {who: space.memory.saved.get("outputs", []) for who, space in spaces.items()}
        return state_of(self._draws.streams[f"dropout.{worker}"])

    def _take_home(self, states: list[Any]) -> None:
        """Set the streams to the states that process workers left."""
        for i, state in enumerate(states):
            restore(self._draws.streams[f"dropout.{i}"], state)

    def arrays(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name, as views. A checkpoint saves them."""
        arrays = {"average": self.average} if self.average is not self.g.network.theta else {}
        for name, player in self.players.items():
            arrays[f"{name}.theta"] = player.network.theta
            arrays[f"{name}.stats"] = player.network.stats
            arrays |= {f"{name}.optimizer.{slot}": array for slot, array in player.state.items()}
        return arrays

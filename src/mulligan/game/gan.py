"""The game itself. If you read one file, read this one.

D sees real rows x and fake rows G(z) and gives each a logit; the loss turns the logits into numbers and gradients; D
learns from the gradients of its parameters, G from the gradient of D's *input*. Both players' whole updates are here;
the passes of their rows through the networks are in `worker`.

Notation: δ are *unit* signals, D's backward pass started with ones, with the loss not yet in it. Because no row of D's
output depends on another row, the loss gradient is c ⊙ δ with one number c per row, so that one backward pass serves

    the penalties   g = ∇ₓD = δ at the input            (their seed is v = ∂P/∂g)
    D               dW = (c ⊙ h + u)ᵀ δ                  (u: tangent of v; the fast path)
    G               ∂L_G/∂fake = c_G ⊙ g                 (simultaneous game only: D has not moved yet)

The batch is shared among workers, which are threads or processes. All of them run the step below at the same time, each
with its rows and, in the optimiser's sweep, its part of the parameters; they `meet` where one needs what another made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mulligan.game.batch import Batch, Move, Rows
from mulligan.game.chance import Chance
from mulligan.game.lane import Passes
from mulligan.game.losses import DiscriminatorLoss, FeatureMatching, mean
from mulligan.game.mover import Mover
from mulligan.game.validation import as_arrays, check_batch, check_game, check_settings
from mulligan.nn.blocks import blocks, even_parts
from mulligan.nn.memory import Array, Labels, aligned, constant, shared
from mulligan.nn.network import sum_gradients
from mulligan.nn.quiet import quiet
from mulligan.nn.rng import restore, state_of, stream
from mulligan.nn.workers.limits import available_cores
from mulligan.nn.workers.processes import ProcessTeam, can_fork
from mulligan.nn.workers.threads import ThreadTeam, shares

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from mulligan.game.spec import Game
    from mulligan.nn.layers.base import Shape


class GAN:
    """A game in play: parameters, optimiser states, random streams, and `step`.

    Parameters
    ----------
    game : Game
    sample_shape : tuple of int
        Of one picture or point, as D sees it: (height, width, channels) or (d,).
    seed : int
        Opens the streams init.g, init.d, noise, penalty, augment and dropout.
    total : int
        Steps of the whole run, which the schedules are stretched over.
    workers : int, optional
        Workers that share a batch; by default one for each core that this process may use. Part of what makes a run
        exact.
    dtype : float32, or float64 for gradient checks
    processes : bool
        Let workers be processes where the system can, which is faster; the bytes are the same. Then `settle` comes
        before any change to other than the arrays.

    Attributes
    ----------
    g, d : Mover
        The players.
    workers : Workers
        The workers; steps are played inside ``with gan:``, where BLAS keeps to one thread.
    average : (n_params of G,) array
        Running average of G's parameters; G's own where the game keeps none.
    steps : int
        Steps taken.
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
        self._game = game
        self.total = total
        self.steps = 0
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        count = available_cores() if workers is None else workers
        check_settings(seed=seed, total=total, workers=count, dtype=dtype)
        processes = processes and count > 1 and can_fork()
        allocate = shared if processes else aligned
        for_g = game.generator.build(sample_shape, game.classes)
        for_d = game.discriminator.build(sample_shape, game.classes)
        self.g = Mover(game.generator, for_g, (game.latent.dim,), dtype, allocate)
        self.d = Mover(game.discriminator, for_d, sample_shape, dtype, allocate)
        self._movers = {"g": self.g, "d": self.d}
        check_game(game, self.g.network, self.d.network, sample_shape, total)
        self.g.network.initialise(stream(seed, "init.g"))
        self.d.network.initialise(stream(seed, "init.d"))
        theta = self.g.network.theta
        self.average = theta if game.average is None else allocate(theta.shape, dtype)
        self.average[:] = theta
        kind = ProcessTeam if processes else ThreadTeam
        self.team: ThreadTeam = kind(count, self._answer, self._take_home)
        self._chance = Chance(game, sample_shape, seed, count)
        self._streams = self._chance.streams
        self._sort_penalties()
        self._batch = Batch(allocate, dtype, self.team.settle)
        self._penalties = allocate((count, len(game.penalties)), np.float64)  # each worker's part of each
        self._measures: dict[str, float] = {}
        self._workers = [
            Passes(
                self.g.network,
                self.d.network,
                self._streams[f"dropout.{i}"],
                self.team,
                i,
                together=game.together,
                warp=self._chance.warp,
            )
            for i in range(count)
        ]

    def __enter__(self) -> Self:
        """Start the team: inside, BLAS keeps to one thread."""
        self.team.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.team.__exit__(*error)

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, real: Array | Rows, labels: Labels = None) -> dict[str, float]:
        """Play one step: the turns of both players, as `Game.turns` has them.

        Parameters
        ----------
        real : array of shape ``(n, *sample_shape)``, or Rows
            A batch of real samples, in the range that G's output has, or their numbers: then every worker takes its
            own. With ``d_steps > 1``: (d_steps·n, …), a fresh batch for each of D's moves.
        labels : (n,) integer array, optional
            Their classes; the fakes are drawn with the same ones, so that both follow the data's frequencies.

        Returns
        -------
        dict of str to float
            ``d_loss``, ``g_loss``, mean logits ``d_real``, ``d_fake``, ``d_accuracy`` where the loss has a level,
            and each penalty by its name.

        Raises
        ------
        ShapeError, ConfigError
            When the batch, or its labels, do not fit the game.
        """
        real, labels = as_arrays(real, labels, self.dtype)
        check_batch(real.shape, labels, self.d.network.input_shape, moves=self._game.d_steps, workers=self.team.count)
        if self._apart and isinstance(real, Rows):  # some place their points by all samples of a batch
            real = real.taken(self.dtype)
        self._chance.deal(self._batch, self._game, self._apart, self.steps, self.total, real, labels)
        self._measures = {}
        self.team.play(self._play)
        self.steps += 1
        return self._measures

    @quiet
    def _play(self, i: int) -> None:
        """Play a step as worker `i`: all workers do this at once, each with its rows, and meet where `meet` says."""
        batch, game = self._batch, self._game
        batch.read()
        self.steps = batch.step  # which a worker that is a process has not counted
        self._workers[i].resize(shares(batch.n, self.team.count)[i], batch.n)
        number = 0
        for turn in game.turns:
            if number:
                self.team.meet(i)  # all parameters are there; after the last turn the workers' end waits for all
            self._prepare(i)
            for who in turn:
                if who != turn[0]:
                    self.team.meet(i)  # all have read the logits of the move before
                points = len(self._apart) if who == "d" else 0
                move = batch.move(number, game.part(number), points)
                if who == "dg":
                    self._joint_gradients(i, move)
                elif who == "d":
                    self._discriminator_gradients(i, move)
                else:
                    self._generator_gradients(i, move)
                number += 1
            self._update(i, *(self._movers[name] for name in "".join(turn)))
        self._measure_penalties(i)

    def _joint_gradients(self, i: int, move: Move) -> None:
        """Both players' gradients from one pass of D."""
        worker = self._workers[i]
        worker.fake(move.z, move.labels)
        worker.see(move.real, move.labels, move.noise, move.warp)
        worker.unit(bool(self._in_pass))  # δ, and g = ∇ₓD
        worker.seed(self._in_pass, self._penalty_factor)  # v = ∂P/∂g, and its tangent u
        self._show(i)
        self.team.meet(i)  # all logits are there
        for_d, c_g = self._discriminator_loss(i), self._generator_loss(i)
        worker.generator_grads(worker.input_gradient(c_g))  # ∂L_G/∂fake = c_G ⊙ g, while D's buffers still hold g
        worker.discriminator_grads(for_d)
        self._show_penalties(i)

    def _discriminator_gradients(self, i: int, move: Move) -> None:
        worker = self._workers[i]
        worker.fake(move.z, move.labels)
        worker.see(move.real, move.labels, move.noise, move.warp)
        if self._in_pass:
            worker.unit(True)
            worker.seed(self._in_pass, self._penalty_factor)
        self._show(i)
        self.team.meet(i)  # all logits are there
        worker.discriminator_grads(self._discriminator_loss(i))
        for penalty, by in zip(self._apart, move.points):
            assert not isinstance(move.real, Rows)  # see `step`
            worker.penalise_apart(penalty, by, move.real, move.labels, self._penalty_factor)
        self._show_penalties(i)

    def _generator_gradients(self, i: int, move: Move) -> None:
        worker, loss = self._workers[i], self._game.loss
        matching = loss.layer % len(self.d.layers) if isinstance(loss, FeatureMatching) else None
        with_real = loss.relativistic or matching is not None
        worker.fake(move.z, move.labels)
        worker.see(move.real if with_real else None, move.labels, move.noise, move.warp)
        if matching is None:
            self._show(i, with_real)
            self.team.meet(i)  # all logits are there
            d_fake = worker.gradient_through(self._generator_loss(i, with_real))
        else:
            value, d_fake = worker.match_features(matching)
            self._measure(i, g_loss=value)
        worker.generator_grads(d_fake)

    # ── the parts of a step ───────────────────────────────────────────────────────────────────────────────────────

    def _discriminator_loss(self, i: int) -> DiscriminatorLoss:
        """Evaluate D's loss on the whole batch's logits: its value, and c of each side."""
        real, fake = self._batch.logits
        loss = self._game.loss
        found = loss.discriminator(real=real, fake=fake)
        if i == 0:
            self._measures |= {"d_loss": float(found.value), "d_real": mean(real), "d_fake": mean(fake)}
            if loss.level is not None:
                level = constant(loss.level, real.dtype)
                above = self._batch.logits > level
                hits = np.count_nonzero(above[0]) + len(fake) - np.count_nonzero(above[1])
                self._measures["d_accuracy"] = float(hits / (2 * len(real)))
        return found

    def _generator_loss(self, i: int, with_real: bool = True) -> Array:
        """Evaluate G's loss on the whole batch's logits, and return c_G of the fakes."""
        real, fake = self._batch.logits
        value, c_g = self._game.loss.generator(real=real if with_real else real[:0], fake=fake)
        self._measure(i, g_loss=float(value))
        return c_g

    def _measure(self, i: int, **values: float) -> None:
        if i == 0:
            self._measures.update(values)

    def _show(self, i: int, with_real: bool = True) -> None:
        """Write this worker's logits where all can read them."""
        worker, (real, fake) = self._workers[i], self._batch.logits
        if with_real:
            real[worker.rows] = worker.real_logits[:, 0]
        fake[worker.rows] = worker.fake_logits[:, 0]

    def _show_penalties(self, i: int) -> None:
        for k, penalty in enumerate(self._game.penalties):
            self._penalties[i, k] = self._workers[i].penalty_values[penalty.name]

    def _measure_penalties(self, i: int) -> None:
        for k, penalty in enumerate(self._game.penalties):
            self._measure(i, **{penalty.name: float(self._penalties[:, k].sum())})

    def _prepare(self, i: int) -> None:
        """Let layers compute what the weights alone decide: one worker for all, before any other reads it."""
        if not (self.g.network.needs_finish or self.d.network.needs_finish):
            return
        if i == 0:
            self._workers[0].g.prepare()
            self._workers[0].d.prepare()
        self.team.meet(i)

    def _update(self, i: int, *movers: Mover) -> None:
        """Take the optimisers' steps: every worker sums, for its part of the parameters, all workers' gradients."""
        for mover in movers:
            for space in self._workers[i].spaces(mover is self.g):
                space.finish_grads()
            if i == 0:
                mover.player.optimizer.advance(mover.state)
        self.team.meet(i)  # all gradients are there
        for mover in movers:
            self._sweep(i, mover)
            for space in self._workers[i].spaces(mover is self.g):
                space.clear_grads()

    def _sweep(self, i: int, mover: Mover) -> None:
        """Take one player's step for this worker's part, block by block, and average G."""
        player, schedules, step, total = mover.player, self._game.schedules, self.steps, self.total
        beta2 = None if schedules.beta2 is None else schedules.beta2(step, total)
        optimizer = player.optimizer.scaled(schedules.lr(step, total), beta2)
        average = self._game.average if mover is self.g else None
        if int(mover.state["t"][0]) % optimizer.evaluations:
            average = None  # an extrapolated point is not on the path
        theta = mover.network.theta
        spaces = [space for worker in self._workers for space in worker.spaces(mover is self.g)]
        own = even_parts(slice(0, theta.size), self.team.count)[i]
        summed = player.clip is not None or mover.network.needs_finish
        if summed:  # a norm over all of the gradient, or of a whole weight matrix, comes before the sweep
            sum_gradients(spaces, own)
            self.team.meet(i)
            if i == 0:
                spaces[0].finish()
                if player.clip is not None:
                    player.clip.apply(spaces[0].grad)
            self.team.meet(i)
        for part in blocks(own):
            if not summed:
                sum_gradients(spaces, part)
            optimizer.update(theta, spaces[0].grad, mover.state, part)
            if player.clip_weights:
                np.clip(theta[part], -player.clip_weights, player.clip_weights, out=theta[part])
            if average is not None:
                average.update(self.average, theta, step, part)

    @property
    def _penalty_factor(self) -> float:
        return self._game.schedules.penalty(self.steps, self.total)

    # ── what only the workers know ────────────────────────────────────────────────────────────────────────────────────

    @property
    def game(self) -> Game:
        """The rules; between two steps others may be set that differ in rates, weights and schedules alone."""
        return self._game

    @game.setter
    def game(self, game: Game) -> None:
        self.settle()
        self._game = game
        self.g.player, self.d.player = game.generator, game.discriminator
        self._sort_penalties()

    def _sort_penalties(self) -> None:
        """Tell the penalties at the rows of D's own pass from those that need points of their own."""
        self._in_pass = [p for p in self._game.penalties if not p.apart]
        self._apart = [p for p in self._game.penalties if p.apart]

    @property
    def real(self) -> Array:
        """The real samples of the last step."""
        real = self._batch.real()
        return real.taken(self.dtype) if isinstance(real, Rows) else real

    @property
    def streams(self) -> dict[str, np.random.Generator]:
        """The random streams by name, as they stand; to be read or set between two steps."""
        self.settle()
        return self._streams

    def settle(self) -> None:
        """End the workers that are processes, until the next step: before anything but the arrays is changed."""
        self.team.settle()

    def outputs(self) -> list[dict[str, list[Array]]]:
        """Return, for each worker, what every layer gave in its last forward pass, under "g" and "d"."""
        found: list[dict[str, list[Array]]] = self.team.ask("outputs")
        return found

    def _answer(self, question: str, i: int) -> Any:
        """Answer as worker `i`, which may be a process: what its layers gave, or where its stream stands."""
        if question == "outputs":
            spaces = {"g": self._workers[i].g, "d": self._workers[i].d}
            return {who: space.memory.saved.get("outputs", []) for who, space in spaces.items()}
        return state_of(self._streams[f"dropout.{i}"])

    def _take_home(self, states: list[Any]) -> None:
        """Bring the streams to where workers that were processes have left theirs."""
        for i, state in enumerate(states):
            restore(self._streams[f"dropout.{i}"], state)

    # ── what a checkpoint holds ───────────────────────────────────────────────────────────────────────────────────────

    def arrays(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name, as views: what a checkpoint holds."""
        found = {"average": self.average} if self.average is not self.g.network.theta else {}
        for name, mover in self._movers.items():
            found[f"{name}.theta"] = mover.network.theta
            found[f"{name}.stats"] = mover.network.stats
            found |= {f"{name}.optimizer.{slot}": array for slot, array in mover.state.items()}
        return found

"""The game itself. If you read one file, read this one.

D sees real rows x and fake rows G(z) and gives each a logit; the loss turns the logits into numbers and gradients; D
learns from the gradients of its parameters, G from the gradient of D's *input*. Both players' whole updates are here.

Notation: δ are *unit* signals, D's backward pass started with ones, with the loss not yet in it. Because no row of D's
output depends on another row, the loss gradient is c ⊙ δ with one number c per row, so that one backward pass serves

    the penalties   g = ∇ₓD = δ at the input            (their seed is v = ∂P/∂g)
    D               dW = (c ⊙ h + u)ᵀ δ                  (u: tangent of v; the short road)
    G               ∂L_G/∂fake = c_G ⊙ g                 (simultaneous game only: D has not moved yet)

The batch is shared among lanes (threads); each takes its rows through whole passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.game.lane import Lane
from mulligan.game.losses import FeatureMatching
from mulligan.game.misfits import refuse_batch, refuse_misfits
from mulligan.nn.blocks import blocks
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Array, aligned
from mulligan.nn.network import Network, sum_gradients
from mulligan.nn.parallel import Lanes, available_cores, shares
from mulligan.nn.rng import stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from mulligan.game.penalties import Penalty
    from mulligan.game.spec import Game, Player
    from mulligan.nn.layers.base import Layer, Shape
    from mulligan.nn.network import Workspace
    from mulligan.nn.optimizers import State

    Labels = NDArray[np.integer[Any]] | None


class Mover:
    """A player at work: its network, its optimiser's state, and one sweep that takes a step."""

    def __init__(self, player: Player, layers: tuple[Layer, ...], input_shape: Shape, dtype: DTypeLike):
        self.player = player
        self.layers = layers
        self.network = Network(Sequential(layers), input_shape, dtype)
        self.state: State = player.optimizer.init(self.network.n_params, dtype)


class GAN:
    """A game in play: parameters, optimiser states, random streams, and `step`.

    Parameters
    ----------
    game : Game
    sample_shape : tuple of int
        Of one picture or point, as D sees it: (height, width, channels) or (d,).
    seed : int
        Opens the streams init.g, init.d, noise, penalty and dropout.
    total : int
        Steps of the whole run, which the schedules are stretched over.
    lanes : int, optional
        Threads; by default one for each core that this process may use. Part of what makes a run exact.
    dtype : float32, or float64 for gradient checks

    Attributes
    ----------
    g, d : Mover
        The players.
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
        lanes: int | None = None,
        dtype: DTypeLike = np.float32,
    ):
        self.game = game
        self.total = total
        self.steps = 0
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        for_g = game.generator.build(sample_shape, game.classes)
        for_d = game.discriminator.build(sample_shape, game.classes)
        self.g = Mover(game.generator, for_g, (game.latent.dim,), dtype)
        self.d = Mover(game.discriminator, for_d, sample_shape, dtype)
        refuse_misfits(game, self.g.network, self.d.network, sample_shape)
        self.g.network.initialise(stream(seed, "init.g"))
        self.d.network.initialise(stream(seed, "init.d"))
        self.average = self.g.network.theta if game.average is None else self.g.network.theta.copy()
        count = available_cores() if lanes is None else lanes
        self.lanes = Lanes(count)
        self.streams = {name: stream(seed, name) for name in ("noise", "penalty")}
        self.streams |= {f"dropout.{i}": stream(seed, "dropout", i) for i in range(count)}
        self._z = aligned((0, game.latent.dim), dtype)
        self._split = self.d.network.mixes_samples  # then real and fake rows must not share a pass
        self._short = self.d.network.piecewise_linear
        self._joint = [p for p in game.penalties if p.points in ("real", "fake")]
        self._apart = [p for p in game.penalties if p.points in ("between", "around")]
        self._lanes = [
            Lane(self.g.network, self.d.network, self.streams[f"dropout.{i}"], self.lanes, i, self._split)
            for i in range(count)
        ]

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, real: Array, labels: Labels = None) -> dict[str, float]:
        """Play one step: D's move(s) and G's.

        Parameters
        ----------
        real : array of shape ``(n, *sample_shape)``
            A batch of real samples, in the range that G's output has. With ``d_steps > 1``: (d_steps·n, …), a fresh
            batch for each of D's moves.
        labels : (n,) integer array, optional
            Their classes; the fakes are drawn with the same ones, so that both follow the data's frequencies.

        Returns
        -------
        dict of str to float
            ``d_loss``, ``g_loss``, mean logits ``d_real``, ``d_fake``, ``d_accuracy``, and each penalty by its name.

        Raises
        ------
        ShapeError
            When the batch does not fit the game.
        """
        measures: dict[str, float] = {}
        d_steps = self.game.d_steps
        real = np.asarray(real, self.dtype)
        refuse_batch(real, labels, self.d.network.input_shape, moves=d_steps, lanes=self.lanes.count)
        batches = [(real[p], None if labels is None else labels[p]) for p in shares(len(real), d_steps)]
        n = len(batches[0][0])
        lane_rows = shares(n, self.lanes.count)
        for lane, rows in zip(self._lanes, lane_rows):
            lane.resize(rows, n)
        if self.game.update == "simultaneous":
            for _ in range(self.d.player.optimizer.evaluations):  # G's optimiser takes as many
                self._simultaneous(*batches[0], measures)
        else:
            for x, y in batches:
                for _ in range(self.d.player.optimizer.evaluations):
                    self._discriminator_move(x, y, measures)
            for _ in range(self.g.player.optimizer.evaluations):
                self._generator_move(*batches[-1], measures)
        self.steps += 1
        return measures

    def _simultaneous(self, real: Array, labels: Labels, measures: dict[str, float]) -> None:
        n = len(real)
        z, noise = self._draw(n), self._draw_noise(n)
        self._prepare(self.g, self.d)

        def first(i: int) -> None:
            lane = self._lanes[i]
            lane.fake(z, labels)
            lane.see(real, labels, noise)
            lane.unit()  # δ, and g = ∇ₓD
            lane.seed(self._joint, self._penalty_factor)  # v = ∂P/∂g, and its tangent u

        self.lanes.run(first)
        c, c_g = self._losses(measures, both=True)

        def second(i: int) -> None:
            lane = self._lanes[i]
            lane.generator_grads(lane.input_gradient(c_g))  # ∂L_G/∂fake = c_G ⊙ g, while D's buffers still hold g
            lane.discriminator_grads(c, self._short, bool(self._joint))

        self.lanes.run(second)
        self._update(self.d, self.g)

    def _discriminator_move(self, real: Array, labels: Labels, measures: dict[str, float]) -> None:
        n = len(real)
        z, noise = self._draw(n), self._draw_noise(n)
        self._prepare(self.g, self.d)
        second_order = bool(self._joint)

        def first(i: int) -> None:
            lane = self._lanes[i]
            lane.fake(z, labels)
            lane.see(real, labels, noise)
            if second_order:
                lane.unit()
                lane.seed(self._joint, self._penalty_factor)

        self.lanes.run(first)
        c, _ = self._losses(measures, both=False)
        spread = self._penalty_points(real)

        def second(i: int) -> None:
            lane = self._lanes[i]
            if second_order:
                lane.discriminator_grads(c, self._short, True)
            else:
                lane.plain_grads(c)
            for penalty, by in zip(self._apart, spread):
                lane.penalise_apart(penalty, by, real, labels, self._penalty_factor, self._short)

        self.lanes.run(second)
        self._collect(self._apart, measures)
        self._update(self.d)

    def _generator_move(self, real: Array, labels: Labels, measures: dict[str, float]) -> None:
        n = len(real)
        z, noise = self._draw(n), self._draw_noise(n)
        self._prepare(self.g, self.d)
        loss = self.game.loss
        matching = loss.layer % len(self.d.layers) if isinstance(loss, FeatureMatching) else None
        with_real = loss.relativistic or matching is not None

        def first(i: int) -> None:
            lane = self._lanes[i]
            lane.fake(z, labels)
            lane.see(real if with_real else None, labels, noise)

        self.lanes.run(first)
        if matching is None:
            value = loss.generator(real=self._gather("real") if with_real else _NO_LOGITS, fake=self._gather("fake"))
            c_g = value.fake
            measures["g_loss"] = value.value

        def second(i: int) -> None:
            lane = self._lanes[i]
            if matching is None:
                lane.generator_grads(lane.gradient_through(c_g))
            else:
                measures["g_loss"], d_fake = lane.match_features(matching)
                lane.generator_grads(d_fake)

        self.lanes.run(second)
        self._update(self.g)

    # ── the parts of a step ───────────────────────────────────────────────────────────────────────────────────────

    def _losses(self, measures: dict[str, float], *, both: bool) -> tuple[Array, Array]:
        """Evaluate the loss on the whole batch's logits: c of [real; fake] for D, c_G of the fakes for G."""
        real, fake = self._gather("real"), self._gather("fake")
        for_d = self.game.loss.discriminator(real=real, fake=fake)
        measures["d_loss"] = for_d.value
        measures["d_real"], measures["d_fake"] = float(real.mean()), float(fake.mean())
        threshold = 0.5 * (measures["d_real"] + measures["d_fake"]) if self.game.loss.relativistic else 0.0
        hits = np.count_nonzero(real > threshold) + np.count_nonzero(fake <= threshold)
        measures["d_accuracy"] = float(hits / (2 * len(real)))
        self._collect(self._joint, measures)
        c_g = _NO_LOGITS
        if both:
            for_g = self.game.loss.generator(real=real, fake=fake)
            measures["g_loss"], c_g = for_g.value, for_g.fake
        return np.stack([for_d.real, for_d.fake]), c_g

    def _gather(self, side: str) -> Array:
        logits = [lane.real_logits if side == "real" else lane.fake_logits for lane in self._lanes]
        return np.concatenate(logits)[:, 0]

    def _collect(self, penalties: list[Penalty], measures: dict[str, float]) -> None:
        for penalty in penalties:
            measures[penalty.name] = sum(lane.penalty_values[penalty.name] for lane in self._lanes)

    def _prepare(self, *movers: Mover) -> None:
        first = self._lanes[0]
        for mover in movers:
            if mover.network.needs_finish:
                (first.g if mover is self.g else first.d).prepare()

    def _update(self, *movers: Mover) -> None:
        """Take the optimisers' steps: every lane sums, for its part of the parameters, all lanes' gradients."""
        sweeps = [self._sweep(mover) for mover in movers]

        def work(i: int) -> None:
            for sweep in sweeps:
                sweep(i)

        self.lanes.run(work)
        for mover in movers:
            for space in self._spaces(mover):
                space.clear_grads()

    def _sweep(self, mover: Mover) -> Callable[[int], None]:
        """Prepare one player's step; the result takes it for one lane's part, block by block, and averages G."""
        player, schedules, step, total = mover.player, self.game.schedules, self.steps, self.total
        beta2 = None if schedules.beta2 is None else schedules.beta2(step, total)
        optimizer = player.optimizer.scaled(schedules.lr(step, total), beta2)
        average = self.game.average if mover is self.g else None
        theta, spaces = mover.network.theta, self._spaces(mover)
        for space in spaces:
            space.finish_grads()
        optimizer.advance(mover.state)
        if int(mover.state["t"][0]) % optimizer.evaluations:
            average = None  # an extrapolated point is not on the path
        parts = shares(theta.size, self.lanes.count)
        summed = player.clip is not None or mover.network.needs_finish
        if summed:  # a norm over all of the gradient, or of a whole weight matrix, comes before the sweep
            self.lanes.run(lambda i: sum_gradients(spaces, parts[i]))
            spaces[0].finish()
            if player.clip is not None:
                player.clip.apply(spaces[0].grad)

        def sweep(i: int) -> None:
            for part in blocks(parts[i]):
                if not summed:
                    sum_gradients(spaces, part)
                optimizer.update(theta, spaces[0].grad, mover.state, part)
                if player.clip_weights:
                    np.clip(theta[part], -player.clip_weights, player.clip_weights, out=theta[part])
                if average is not None:
                    average.update(self.average, theta, step, part)

        return sweep

    def _spaces(self, mover: Mover) -> list[Workspace]:
        if mover is self.g:
            return [lane.g for lane in self._lanes]
        return [space for lane in self._lanes for space in lane.d_spaces]

    # ── chance ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _draw(self, n: int) -> Array:
        if len(self._z) != n:
            self._z = aligned((n, self.game.latent.dim), self.dtype)
        return self.game.latent.draw(self.streams["noise"], self._z)

    def _draw_noise(self, n: int) -> Array | None:
        spread = self.game.instance_noise and self.game.instance_noise * self.game.schedules.noise(
            self.steps, self.total
        )
        if not spread:
            return None
        noise = self.streams["noise"].standard_normal((2, n, *self.d.network.input_shape), dtype=self.dtype.type)
        noise *= spread
        return noise

    def _penalty_points(self, real: Array) -> list[Array]:
        """Draw ε for penalties between real and fake, or the noise for those around the reals."""
        rng, drawn = self.streams["penalty"], []
        for penalty in self._apart:
            if penalty.points == "between":
                drawn.append(rng.random((len(real), *[1] * (real.ndim - 1)), dtype=self.dtype.type))
            else:
                u = rng.random(real.shape, dtype=self.dtype.type)
                u *= getattr(penalty, "spread", 0.5) * float(real.std())
                drawn.append(u)
        return drawn

    @property
    def _penalty_factor(self) -> float:
        return self.game.schedules.penalty(self.steps, self.total)

    # ── what a checkpoint holds ───────────────────────────────────────────────────────────────────────────────────────

    def arrays(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name, as views: what a checkpoint holds."""
        found = {"average": self.average} if self.average is not self.g.network.theta else {}
        for name, mover in (("g", self.g), ("d", self.d)):
            found[f"{name}.theta"] = mover.network.theta
            found[f"{name}.stats"] = mover.network.stats
            found |= {f"{name}.optimizer.{slot}": array for slot, array in mover.state.items()}
        return found


_NO_LOGITS = np.empty(0, np.float32)

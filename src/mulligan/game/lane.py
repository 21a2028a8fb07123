"""One worker's share of a step: its rows through G and D, forward, backward, and second order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.game.batch import Rows
from mulligan.game.losses import DiscriminatorLoss, FeatureMatching
from mulligan.nn.memory import Array, Labels, Memory, aligned

if TYPE_CHECKING:
    from mulligan.game.augment import Warp
    from mulligan.game.penalties import Penalty
    from mulligan.nn.network import Network, Workspace
    from mulligan.nn.workers.threads import ThreadTeam


class Passes:
    """The workspaces of one worker.

    D takes real and fake rows in one pass, ``[real; fake]``. Where D mixes samples, they take separate passes through
    two workspaces, as in every published GAN with BatchNorm: joined, the batch would tell D which is which.

    Parameters
    ----------
    g, d : Network
    rng : Generator
        For dropout.
    workers, index
        The workers that share a batch, and which of them this one is.
    together : bool
        Whether both players' gradients are wanted at the same time (`Game.together`).
    warp : Warp
        The game's augmentations.

    Attributes
    ----------
    g, d : Workspace
    d_spaces : list of Workspace
        D's workspaces, whose gradients are to be summed.
    real_logits, fake_logits : (rows, 1) arrays
        Of the last `see`.
    penalty_values : dict
        This worker's part of each penalty, by name.
    """

    def __init__(
        self,
        g: Network,
        d: Network,
        rng: np.random.Generator,
        team: ThreadTeam,
        index: int,
        *,
        together: bool,
        warp: Warp,
    ):
        # Where the players move in turn, one memory serves both gradients: less that has to fit into the caches.
        grad = None if together else g.allocate((max(g.n_params, d.n_params),), g.dtype)
        self.g = g.workspace(rng=rng, team=team, worker=index, grad=grad)
        self.d = d.workspace(rng=rng, team=team, worker=index, grad=grad)
        self.d_real = d.workspace(rng=rng, team=team, worker=index) if d.mixes_samples else None
        self.d_spaces = [self.d] if self.d_real is None else [self.d, self.d_real]
        self.penalty_values: dict[str, float] = {}
        self._own = Memory(self.g.context, g.dtype)  # buffers of the worker itself
        self._shape, self._dtype = d.input_shape, d.dtype
        self.rows = slice(0, 0)
        self.batch = 0
        self.real_logits = self.fake_logits = aligned((0, 1), g.dtype)
        self._fake: Array = aligned((0, *self._shape), g.dtype)
        self._n_real = 0
        self._short = d.piecewise_linear
        self._from_unit = False  # D's gradients come from the unit pass
        self._warp = warp
        self._drawn: Array | None = None

    def resize(self, rows: slice, batch: int) -> None:
        """Take over `rows` of a batch of `batch` rows; G is to write its samples where D sees them beside the reals."""
        if rows != self.rows:
            n = rows.stop - rows.start
            self.g.output_to(self._own.buffer("x", (2 * n, *self._shape))[n:])
        self.rows, self.batch = rows, batch

    def spaces(self, of_g: bool) -> list[Workspace]:
        """Return the workspaces that hold one player's gradients."""
        return [self.g] if of_g else self.d_spaces

    @property
    def n(self) -> int:
        """Rows of this worker."""
        return self.rows.stop - self.rows.start

    # ── values ────────────────────────────────────────────────────────────────────────────────────────────────────

    def fake(self, z: Array, labels: Labels) -> None:
        """G's pass over this worker's rows of z."""
        self._fake = self.g.forward(z[self.rows], None if labels is None else labels[self.rows])

    def see(self, real: Array | Rows | None, labels: Labels, noise: Array | None, drawn: Array | None) -> None:
        """D's pass over [real; fake], or over the fakes alone, augmented as drawn and with noise added."""
        n, rows = self.n, self.rows
        self._from_unit = False
        self._n_real = n_real = 0 if real is None else n
        x, touched = self._fake, noise is not None or drawn is not None
        if real is not None or touched:
            x = self._own.buffer("x", (2 * n, *self._shape))
            in_place = self._fake.base is x.base and self._fake.flags.c_contiguous  # where `resize` has let G write
            if touched or not in_place:
                x = self._own.buffer("x~", (n_real + n, *self._shape))  # G's passes back need what it gave as it was
                x[n_real:] = self._fake
        if isinstance(real, Rows):
            real.source.take(real.numbers[rows], x[:n])
        elif real is not None:
            x[:n] = real[rows]
        self._drawn = None if drawn is None else drawn[:, rows]
        if self._drawn is not None:
            self._augment(x[:n_real], self._drawn[0])
            self._augment(x[n_real:], self._drawn[1])
        if noise is not None:
            x[:n_real] += noise[0, rows][:n_real]
            x[n_real:] += noise[1, rows]
        own = None if labels is None else labels[rows]
        if self.d_real is None:
            both = own if own is None or real is None else np.concatenate([own, own])
            logits = self.d.forward(x, both)
            self.real_logits, self.fake_logits = logits[:n_real], logits[n_real:]
        else:
            if real is not None:
                self.real_logits = self.d_real.forward(x[:n], own)
            self.fake_logits = self.d.forward(x[n_real:], own)

    def _augment(self, x: Array, drawn: Array) -> None:
        """Turn the real or the fake rows into T(x), in place."""
        if len(x):
            self._warp.apply(x, drawn)

    def _augmented(self, x: Array, side: int) -> Array:
        """Return T(x) in a buffer of its own, or x itself where nothing is augmented."""
        if self._drawn is None:
            return x
        out = self._own.buffer(f"warp{side}", x.shape)
        np.copyto(out, x)
        self._augment(out, self._drawn[side])
        return out

    # ── gradients ─────────────────────────────────────────────────────────────────────────────────────────────────

    def unit(self, second_order: bool) -> None:
        """D's backward pass started with ones: δ in every layer, and g = ∇ₓD, loss not yet in it."""
        self._g = self._unit_backward(self._n_real + self.n, second_order)
        self._from_unit = second_order or self._short

    def seed(self, penalties: list[Penalty], factor: float) -> None:
        """Evaluate penalties at the rows of this pass, and push the sum of their seeds v through D as a tangent."""
        if not penalties:
            return
        v = self._own.buffer("v", self._g.shape)
        sides = {"real": slice(0, self._n_real), "fake": slice(self._n_real, len(v))}
        written: set[str] = set()
        for penalty in penalties:
            part = sides[penalty.points]
            out = v[part] if penalty.points not in written else self._own.buffer("v+", v[part].shape)
            value = penalty.value_and_grad(self._g[part], self.batch, out, factor)
            if penalty.points in written:
                v[part] += out
            written.add(penalty.points)
            self.penalty_values[penalty.name] = value
        for side in sides.keys() - written:
            v[sides[side]] = 0
        self.d.tangent(v)

    def discriminator_grads(self, loss: DiscriminatorLoss) -> None:
        """D's parameter gradients of the whole batch's loss, and of the penalties that `seed` was given.

        From the unit pass, if there was one: on the fast path one product per layer serves loss and penalty. A curved
        D without a penalty gains nothing by it and takes the loss back by itself.
        """
        if self._from_unit:
            self._grads_with_tangent(self._cast(loss.real[self.rows], loss.fake[self.rows]))
            return
        real, fake = loss.real[self.rows, None], loss.fake[self.rows, None]
        if self.d_real is None:
            self.d.backward(self._cast(real, fake), inputs=False)
        else:
            self.d_real.backward(self._cast(real), inputs=False)
            self.d_real.grads()
            self.d.backward(self._cast(fake), inputs=False)
        self.d.grads()

    def penalise_apart(self, penalty: Penalty, by: Array, real: Array, labels: Labels, factor: float) -> None:
        """Add a penalty at points of its own, between real and fake or around the reals: a whole pass more."""
        x = self._own.buffer("x^", (self.n, *self._shape))
        if penalty.points == "between":
            # x̂ = ε x + (1 − ε) G(z) = G(z) + ε (x − G(z)), of augmented pictures where D sees such
            fake = self._augmented(self._fake, 1)
            np.subtract(self._augmented(real[self.rows], 0), fake, out=x)
            x *= by[self.rows]
            x += fake
        else:
            np.add(self._augmented(real[self.rows], 0), by[self.rows], out=x)
        self.d.forward(x, None if labels is None else labels[self.rows])
        g = self._unit_backward(self.n, True)
        v = self._own.buffer("v", g.shape)
        self.penalty_values[penalty.name] = penalty.value_and_grad(g, self.batch, v, factor)
        self.d.tangent(v)
        nothing = self._own.buffer("nothing", (self.n,))
        nothing.fill(0)
        self._grads_with_tangent(nothing)

    def _unit_backward(self, rows: int, second_order: bool) -> Array:
        ones = self._own.buffer("ones", (rows, 1))
        ones.fill(1)
        return self.d.backward(ones, tangent_follows=second_order)

    def _grads_with_tangent(self, c: Array) -> None:
        """Add the gradients of Σ cₙ Dₙ + ⟨v, ∇ₓD⟩ by the fast path, or by the general one."""
        if self._short:
            self.d.fused_grads(c)
        else:
            self.d.adjoint(c[:, None], np.ones_like(c)[:, None])
            self.d.grads()

    def _cast(self, *c: Array) -> Array:
        """Join gradients of a loss, in the networks' dtype: a loss of one's own may give float64."""
        return np.concatenate(c, dtype=self._dtype, casting="same_kind")

    def input_gradient(self, c_g: Array) -> Array:
        """∂L_G/∂fake = c_G ⊙ g, from the unit pass that D's move used."""
        g = self._g[self._n_real :]
        out = self._own.buffer("dfake", g.shape)
        return np.multiply(g, c_g[self.rows].reshape(-1, *[1] * (g.ndim - 1)), out=out)

    def gradient_through(self, c_g: Array) -> Array:
        """∂L_G/∂fake by a backward pass through D, whose weights get none of it."""
        dy = self._own.buffer("dlogits", (self._n_real + self.n, 1))
        dy.fill(0)
        dy[self._n_real :, 0] = c_g[self.rows]
        if self.d_real is None:
            return self.d.backward(dy)[self._n_real :]
        return self.d.backward(dy[self._n_real :])

    def match_features(self, layer: int) -> tuple[float, Array]:
        """Loss of feature matching, and ∂L_G/∂fake through D's layers 0 … `layer`."""
        root: Any = self.d.network.layer
        fake_features = root.output_of(self.d.memory, layer)
        if self.d_real is None:
            real_features, fake_features = fake_features[: self._n_real], fake_features[self._n_real :]
        else:
            real_features = root.output_of(self.d_real.memory, layer)
        sums = np.stack([real_features.sum(axis=0), fake_features.sum(axis=0)])
        means = self.g.context.sum_over_workers(sums) / self.batch
        value, row = FeatureMatching.match(means[0], means[1], self.batch)
        dy = np.zeros((len(fake_features) + (self._n_real if self.d_real is None else 0), *row.shape), row.dtype)
        dy[-len(fake_features) :] = row
        return value, root.backward_from(self.d.memory, layer, dy)[-len(fake_features) :]

    def generator_grads(self, d_fake: Array) -> None:
        """G's parameter gradients, given ∂L_G/∂fake as D saw it."""
        if self._drawn is not None:  # ∂L_G/∂G(z) = Aᵀ ∂L_G/∂(T(G(z)))
            dx = self._own.buffer("dwarp", d_fake.shape)
            np.copyto(dx, d_fake)
            d_fake = self._warp.transpose(dx, self._drawn[1])
        self.g.backward(d_fake, inputs=False)
        self.g.grads()

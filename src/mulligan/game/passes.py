"""The passes of one worker's rows through D, forward and back, of first and second order.

D takes real and fake rows in one pass, [x; G(z)]. A D that mixes samples (BatchNorm) takes them in two passes, through
two workspaces, as published GANs with BatchNorm do. In a joint batch, its statistics would tell D which is which.
"""

from collections.abc import Sequence

import numpy as np

from mulligan.game.augment import Warp
from mulligan.game.draws import Move
from mulligan.game.penalties import Penalty, scale_rows
from mulligan.nn.memory import Array, Memory, allocate
from mulligan.nn.network import Network
from mulligan.nn.workers.threads import Worker


class DiscriminatorPasses:
    """D's passes over one worker's rows.

    `grad` is memory for the gradient, which G's gradient may share. If D mixes samples, the reals have a workspace of
    their own. `spaces` are those whose gradients are summed; the logits are those of the last `forward`.
    """

    def __init__(
        self, network: Network, worker: Worker, rng: np.random.Generator, warp: Warp, grad: Array | None = None
    ):
        self.space = network.workspace(rng=rng, worker=worker, grad=grad)
        self.real_space = network.workspace(rng=rng, worker=worker) if network.mixes_samples else None
        self.spaces = [self.space] if self.real_space is None else [self.space, self.real_space]
        self.own = Memory(self.space.context, network.dtype)
        self.real_logits = self.fake_logits = allocate((0,), network.dtype)
        self._fused = network.piecewise_linear
        self._from_unit = False  # D's gradients come from the unit pass
        self._warp = warp
        self._first = 0  # the first row of the fakes in `space`

    def forward(self, real: Array, fake: Array, m: Move) -> None:
        """Compute D([x; G(z)]), as `m` augments them; `real` may have no rows."""
        n, labels = len(real), m.labels
        x, self._from_unit = self._compose(real, fake, m), False
        if self.real_space is None:
            both = None if labels is None else np.concatenate([labels[:n], labels])
            logits = self.space.forward(x, both)[:, 0]
            self.real_logits, self.fake_logits, self._first = logits[:n], logits[n:], n
        else:
            self.real_logits = self.real_space.forward(x[:n], labels)[:, 0] if n else self.real_logits[:0]
            self.fake_logits = self.space.forward(x[n:], labels)[:, 0]

    def _compose(self, real: Array, fake: Array, m: Move) -> Array:
        """Return [x; G(z)] as D sees them: T(x)."""
        n = len(real)
        if not n and m.warp is None:
            return fake
        x = self.own.buffers["x", (n + len(fake), *fake.shape[1:])]
        x[:n], x[n:] = real, fake
        if m.warp is not None:
            for side, rows in enumerate((x[:n], x[n:])):
                self._warp.apply(rows, m.warp[side][: len(rows)])
        return x

    def unit_backward(self, *, second_order: bool) -> Array:
        """Pass ones back through D: δ in every layer. Return g = ∇ₓD at the reals and the fakes."""
        self._from_unit = second_order or self._fused
        return self._pass_ones(self._first + len(self.fake_logits))

    def _pass_ones(self, rows: int) -> Array:
        ones = self.own.buffers["ones", (rows, 1)]
        ones.fill(1)
        return self.space.backward(ones)

    def penalize(self, penalties: Sequence[Penalty], g: Array, batch: int, factor: float) -> dict[str, float]:
        """Push v = ∂P/∂g, summed over penalties, through D: u in every layer. Return these rows' part of each value."""
        values, v = {}, self.own.buffers["v", g.shape]
        for side, rows in (("real", slice(0, self._first)), ("fake", slice(self._first, None))):
            total, here = v[rows], [penalty for penalty in penalties if penalty.points == side]
            for penalty in here:
                out = total if penalty is here[0] else self.own.buffers["v+", total.shape]
                values[penalty.name] = penalty.value_and_grad(g[rows], batch, out, factor)
                if out is not total:
                    total += out
            if not here:
                total.fill(0)
        self.space.tangent(v)
        return values

    def grads(self, real: Array, fake: Array) -> None:
        """Add D's parameter gradients of Σ cₙ Dₙ with c = ∂L_D/∂D, and of ⟨v, ∇ₓD⟩ after a tangent pass.

        After a unit pass, a piecewise linear D needs only one product for each layer. A curved D without a penalty
        gains nothing from a unit pass; it passes the loss gradient back directly.
        """
        if self._from_unit:
            self._grads_from_unit(self._join(real, fake))
        elif self.real_space is None:
            self.space.backward(self._join(real, fake)[:, None], inputs=False)
            self.space.grads()
        else:
            for space, c in zip(self.spaces, (fake, real)):
                space.backward(self._join(c)[:, None], inputs=False)
                space.grads()

    def _grads_from_unit(self, c: Array) -> None:
        if self._fused:
            self.space.fused_grads(c)  # dWₗ = (c ⊙ hₗ₋₁ + uₗ₋₁)ᵀ δₗ
        else:
            self.space.adjoint(c[:, None], np.ones_like(c)[:, None])
            self.space.grads()

    def _join(self, *c: Array) -> Array:
        """Join gradients of a loss in D's dtype, because a user's own loss may return float64."""
        return np.concatenate(c, dtype=self.own.dtype, casting="same_kind")

    def rows_times(self, c: Array, g: Array) -> Array:
        """Return c ⊙ g, one number c for each row."""
        out = self.own.buffers["c*g", g.shape]
        scale_rows(g, c, out)
        return out

    def fake_gradient(self, c_g: Array) -> Array:
        """Return ∂L_G/∂T(G(z)) by a backward pass through D, without gradients of D's weights."""
        dy = self.own.buffers["dlogits", (self._first + len(c_g), 1)]
        dy[: self._first] = 0
        dy[self._first :, 0] = c_g
        return self.space.backward(dy)[self._first :]

    def through_augmentation(self, d_fake: Array, warp: Array) -> Array:
        """Return ∂L_G/∂G(z) = Aᵀ ∂L_G/∂T(G(z)), as `forward` augmented the fakes."""
        dx = self.own.buffers["dwarp", d_fake.shape]
        np.copyto(dx, d_fake)
        return self._warp.transpose(dx, warp[1])

    def penalize_apart(self, penalty: Penalty, points: Array, fake: Array, m: Move, batch: int, factor: float) -> float:
        """Add the gradient of a penalty at points of its own, by another pass of D; return these rows' part of it."""
        x = self.own.buffers["x^", fake.shape]
        real = self._augment(m.real, m, 0)
        if penalty.points == "between":
            # x̂ = ε x + (1 − ε) G(z) = G(z) + ε (x − G(z)), of augmented pictures if D sees those
            fake = self._augment(fake, m, 1)
            np.subtract(real, fake, out=x)
            x *= points
            x += fake
        else:
            np.add(real, points, out=x)
        self.space.forward(x, m.labels)
        g = self._pass_ones(len(x))
        v = self.own.buffers["v", g.shape]
        value = penalty.value_and_grad(g, batch, v, factor)
        self.space.tangent(v)
        nothing = self.own.buffers["nothing", (len(x),)]
        nothing.fill(0)
        self._grads_from_unit(nothing)
        return value

    def _augment(self, x: Array, m: Move, side: int) -> Array:
        """Return T(x) in a buffer of its own, or x itself without augmentation."""
        if m.warp is None:
            return x
        out = self.own.buffers[f"warp{side}", x.shape]
        np.copyto(out, x)
        return self._warp.apply(out, m.warp[side])

"""One step of the game, from top to bottom. Beside it: `examples/gan_by_hand.py`, function `gradients`.

Both are read side by side in docs/book/04-second-order.md.

D sees real rows x and fake rows G(z) and gives each a logit. The losses turn the logits into values and gradients. D
learns from the gradients of its parameters, G from the gradient of D's *input*.

δ are *unit* signals: D's backward pass starts with ones, without the loss. No row of D's output depends on another row,
so the loss gradient is c ⊙ δ with one number c = ∂L_D/∂D a row, and one backward pass serves

    the penalties   g = ∇ₓD = δ at the input, v = ∂P/∂g, and u, the tangent of v
    D               dW = (c ⊙ h + u)ᵀ δ
    G               ∂L_G/∂G(z) = c_G ⊙ g        (the simultaneous game: D has not moved yet)

Every worker plays the same step on its own rows; in the update it moves its own part of the parameters. Workers `meet`
where one needs the others' results.
"""

from collections.abc import Mapping

import numpy as np

from mulligan.game.draws import Draws, Move
from mulligan.game.losses import DiscriminatorLoss, GeneratorLoss, accuracy, mean
from mulligan.game.passes import DiscriminatorPasses
from mulligan.game.player import PlayerState
from mulligan.game.spec import Game
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.nn.workers.threads import Worker


class Step:
    """One worker's part of every step.

    `gradients` collects the workspaces of all workers, by player; each step adds its own. `together` says that both
    players' gradients are needed at the same time.
    """

    def __init__(
        self,
        players: Mapping[str, PlayerState],
        draws: Draws,
        worker: Worker,
        gradients: dict[str, list[Workspace]],
        together: bool,
    ):
        g, d = players["g"].network, players["d"].network
        rng = draws.streams[f"dropout.{worker.number}"]
        # If the players move in turn, one memory serves both gradients, so that less has to fit into the caches.
        grad = None if together else g.allocate((max(g.n_params, d.n_params),), g.dtype)
        self.players, self.draws, self.worker, self.meet = players, draws, worker, worker.meet
        self.g = g.workspace(rng=rng, worker=worker, grad=grad)
        self.d = DiscriminatorPasses(d, worker, rng, draws.warp, grad)
        self.spaces, self.gradients = {"g": [self.g], "d": self.d.spaces}, gradients
        """The workspaces that hold this worker's gradients of each player, and those of all workers."""
        for who, spaces in self.spaces.items():
            gradients.setdefault(who, []).extend(spaces)
        self.has_spectral_norm = g.needs_finish or d.needs_finish
        self.measures: dict[str, float] = {}
        """The whole batch's losses; in worker 0 also its mean logits and accuracy."""
        self.penalties: dict[str, float] = {}

    @np.errstate(over="ignore", invalid="ignore")  # BLAS raises "invalid" over numbers that it does not use
    def play(self, game: Game, total: int) -> None:
        """Play the moves in order. All gradients of a move are taken at the parameters before it."""
        self.before, self.n, _ = self.draws.read()
        self.game, self.rows = game, self.worker.share(self.n)
        self.factor = game.schedules.penalty(self.before, total)
        self.measures = {}
        for number, who in enumerate(game.moves):
            if number:
                self.meet()  # the last move is complete
            if self.has_spectral_norm:
                self.prepare()
            move = self.draws.move(game, number, self.rows)
            {"dg": self.both, "d": self.discriminator, "g": self.generator}[who](move)
            self.update(who, total)
        for k, penalty in enumerate(game.penalties):
            self.draws.penalties[self.worker.number, k] = self.penalties[penalty.name]

    # ── the three moves ───────────────────────────────────────────────────────────────────────────────────────────────

    def both(self, m: Move) -> None:
        """Both players' gradients from one pass of D: the simultaneous game."""
        n, penalties = len(m.real), self.game.penalties
        fake = self.g.forward(m.z, m.labels)  # G(z)
        self.d.forward(m.real, fake, m)  # D([x; G(z)]), augmented
        g = self.d.unit_backward(second_order=bool(penalties))  # δ in every layer, and g = ∇ₓD
        if penalties:
            self.penalties |= self.d.penalize(penalties, g, self.n, self.factor)  # v = ∂P/∂g, and its tangent u
        real, fake_logits = self.gather_logits()  # every worker's logits
        c = self.d_loss(real, fake_logits)  # c = ∂L_D/∂D
        c_g = self.g_loss(real, fake_logits)
        self.g_grads(self.d.rows_times(c_g.fake[self.rows], g[n:]), m)  # ∂L_G/∂G(z) = c_G ⊙ g: the same g
        self.d.grads(c.real[self.rows], c.fake[self.rows])  # dW = (c ⊙ h + u)ᵀ δ

    def discriminator(self, m: Move) -> None:
        """D's gradients, in its own move of the alternating game."""
        fake = self.fake = self.g.forward(m.z, m.labels)  # G(z), kept for `generator`
        self.d.forward(m.real, fake, m)  # D([x; G(z)])
        if penalties := self.game.penalties_at_rows:
            g = self.d.unit_backward(second_order=True)  # δ in every layer, and g = ∇ₓD
            self.penalties |= self.d.penalize(penalties, g, self.n, self.factor)  # v = ∂P/∂g, and its tangent u
        c = self.d_loss(*self.gather_logits())  # c = ∂L_D/∂D
        self.d.grads(c.real[self.rows], c.fake[self.rows])  # dW = (c ⊙ h + u)ᵀ δ
        for penalty, points in zip(self.game.penalties_apart, m.points):  # between real and fake, or around the reals
            self.penalties[penalty.name] = self.d.penalize_apart(penalty, points, fake, m, self.n, self.factor)

    def generator(self, m: Move) -> None:
        """G's gradients, against the D that has just moved."""
        with_real = self.game.loss.relativistic
        again = self.game.latent.redraw or self.g.network.needs_finish  # spectral norm has changed G's weights
        fake = self.g.forward(m.z, m.labels) if again else self.fake  # G(z), or the fakes that D saw
        self.d.forward(m.real if with_real else m.real[:0], fake, m)  # D(G(z)), or D([x; G(z)])
        c_g = self.g_loss(*self.gather_logits())
        self.g_grads(self.d.fake_gradient(c_g.fake[self.rows]), m)  # ∂L_G/∂G(z), through D

    # ── parts of the moves ────────────────────────────────────────────────────────────────────────────────────────────

    def gather_logits(self) -> tuple[Array, Array]:
        """Show this worker's logits, and return all workers': of the reals (empty if D saw none) and of the fakes."""
        real, fake = self.draws.logits
        with_real = len(self.d.real_logits) > 0
        if with_real:
            real[self.rows] = self.d.real_logits
        fake[self.rows] = self.d.fake_logits
        self.meet()
        return real if with_real else real[:0], fake

    def d_loss(self, real: Array, fake: Array) -> DiscriminatorLoss:
        """Evaluate D's loss on the whole batch's logits."""
        loss = self.game.loss
        answer = loss.discriminator(real=real, fake=fake)
        if self.worker.number == 0:
            self.measures |= {"d_loss": float(answer.value), "d_real": mean(real), "d_fake": mean(fake)}
            if loss.level is not None:
                self.measures["d_accuracy"] = accuracy(real, fake, loss.level)
        return answer

    def g_loss(self, real: Array, fake: Array) -> GeneratorLoss:
        """Evaluate G's loss on the whole batch's logits."""
        answer = self.game.loss.generator(real=real, fake=fake)
        self.measures["g_loss"] = float(answer.value)
        return answer

    def g_grads(self, d_fake: Array, m: Move) -> None:
        """G's parameter gradients, given ∂L_G with respect to its samples as D saw them."""
        self.g.context.spent = d_fake if m.warp is None else self.d.through_augmentation(d_fake, m.warp)
        self.g.backward(self.g.context.spent, inputs=False)  # nothing else reads it, so G's last layer writes over it
        self.g.grads()

    # ── the update ────────────────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Let layers compute what depends on the weights alone (spectral norm): worker 0 for all."""
        if self.worker.number == 0:
            self.g.prepare()
            self.d.space.prepare()
        self.meet()

    def update(self, movers: str, total: int) -> None:
        """Take the optimisers' steps, each worker for its part of the parameters, and average G."""
        factor = self.game.schedules.lr(self.before, total)
        for who in movers:
            for space in self.spaces[who]:
                space.finish_grads()
            if self.worker.number == 0:
                self.players[who].advance()
        self.meet()  # all gradients are complete
        for who in movers:
            self.players[who].move(self.gradients[who], self.worker, self.before, factor)
            for space in self.spaces[who]:
                space.clear_grads()

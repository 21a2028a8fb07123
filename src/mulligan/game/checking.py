"""Check both players' gradients in whole steps, against finite differences of their objectives, in float64.

A case plays a small game with an optimiser that records its gradient (`Listening`), and compares it with finite
differences of the player's objective, which `Objectives` implements a second time.
"""

import copy
import fnmatch
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.game.augment import AUGMENTATIONS, Augmentation, Brightness, Cutout, Flip, Translation, Warp
from mulligan.game.cases import SmallGame, cases, examples_of
from mulligan.game.gan import GAN
from mulligan.game.losses import LOSSES, FeatureMatching, Loss, NonSaturating
from mulligan.game.penalties import DRAGAN, PENALTIES, WGANGP, Penalty
from mulligan.game.validation import try_loss, try_penalty
from mulligan.nn.checking import ATTEMPTS, NOT_PLAYED, RAISES, Check, Kink, gradient_error, relative, report_errors
from mulligan.nn.fields import example_of
from mulligan.nn.memory import Array, Labels
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream

ROWS = 5
"""Of a batch: odd, so that two workers get different shares."""
FLOWN = 1e12
"""If losses exceed this, a steep penalty has thrown D off, and differences mean nothing. Another game is drawn then."""


def check_case(case: SmallGame) -> list[Check]:
    """Play two steps; check both players' gradients in the second, and the values that it reports."""
    for seed in range(ATTEMPTS):
        try:
            return list(_checks(case, seed))
        except Kink:
            continue
    return [Check(case.name, "finite differences disagree at every point", np.nan)]


def _checks(case: SmallGame, seed: int) -> Iterator[Check]:
    game, rng = case.game, stream(seed, "check")
    gan = GAN(game, case.shape, seed=seed, workers=case.workers, dtype=np.float64)
    for player in (gan.g, gan.d):
        player.network.theta += 0.2 * rng.standard_normal(player.network.theta.size)  # no bias stays 0
        _settle(player.network.workspace())
    before, (real, labels) = _batch(case, rng, ROWS + 2), _batch(case, rng, ROWS)
    logits = gan.d.network.workspace().forward(real, labels)
    gan.d.network.theta[-1] -= logits.mean()  # the output's bias: logits around 0, where every hinge has a slope
    with gan:
        gan.step(*before)  # what it leaves behind must not matter
        streams = copy.deepcopy(gan.streams)
        measures = gan.step(real, labels)
    if max(map(abs, measures.values())) > FLOWN:
        raise Kink

    batch = real[-ROWS:], None if labels is None else labels[-ROWS:]
    for _ in range(game.d_steps):  # `Listening` keeps the gradient of D's last move
        d_move = Objectives(gan, streams, *batch)
    d_move.theta_g[:], d_move.theta_d[:] = gan.g.state["stood"], gan.d.state["stood"]
    if game.update == "simultaneous":
        g_move = d_move
    else:
        g_move = Objectives(gan, streams, *batch, z=None if game.latent.redraw else d_move.z)
        g_move.theta_g[:] = gan.g.state["stood"]  # D keeps its new parameters, because it moved first
    penalties = sum(measures[penalty.name] for penalty in game.penalties)
    d_value, g_value = d_move.discriminator(), g_move.generator()
    yield Check(case.name, "L_D", relative(measures["d_loss"] + penalties, d_value))
    yield Check(case.name, "L_G", relative(measures["g_loss"], g_value))
    yield Check(case.name, "∂L_D/∂θ", gradient_error(d_move.discriminator, d_move.theta_d, gan.d.state["heard"], rng))
    yield Check(case.name, "∂L_G/∂θ", gradient_error(g_move.generator, g_move.theta_g, gan.g.state["heard"], rng))


def _batch(case: SmallGame, rng: np.random.Generator, rows: int) -> tuple[Array, Labels]:
    real = rng.standard_normal((case.game.d_steps * rows, *case.shape))
    return real, rng.integers(case.game.classes, size=len(real)) if case.game.classes else None


def _settle(space: Workspace) -> None:
    """Let spectral norm find its directions, so that the iteration inside the step does not move them."""
    for _ in range(100):
        space.prepare()


def check_losses() -> Iterator[Check]:
    """Check each loss by itself: its gradients are the slopes of its values."""
    rng = stream(0, "check")
    losses = examples_of(LOSSES) | {"label smoothing": NonSaturating(0.1)}
    for name, loss in losses.items():
        yield from report_errors(name, partial(check_loss, loss, name, rng))


def check_loss(loss: Loss, name: str, rng: np.random.Generator) -> Iterator[Check]:
    """Check that a loss gives what a step needs, and that its gradients are the slopes of its values."""
    real, fake, others = rng.standard_normal((3, ROWS))
    (_, one), (_, two) = try_loss(loss, real, fake), try_loss(loss, others, fake)
    if not loss.relativistic and not (one.value == two.value and np.array_equal(one.fake, two.fake)):
        raise UnsupportedError(
            f"{name}: generator(real=, fake=) must not depend on real, which is empty in an alternating update, got "
            "another value for other reals. Try relativistic = True in the class."
        )
    logits = rng.standard_normal((2, ROWS)) * 2
    real, fake = logits
    d_loss = loss.discriminator(real=real, fake=fake)

    def for_d() -> float:
        return loss.discriminator(real=real, fake=fake).value

    def for_g() -> float:
        return loss.generator(real=real, fake=fake).value

    g_loss = loss.generator(real=real, fake=fake)
    yield Check(name, "∂L_D/∂logits", gradient_error(for_d, logits, np.stack(d_loss[1:]), rng))
    yield Check(name, "∂L_G/∂logits", gradient_error(for_g, fake, g_loss.fake, rng))


def check_penalties() -> Iterator[Check]:
    """Check each penalty by itself: ∂P/∂g is the slope of its value, and finite where g = 0."""
    rng = stream(0, "check")
    penalties = examples_of(PENALTIES)
    penalties |= {"wgan_gp one-sided": WGANGP(one_sided=True), "dragan one-sided": DRAGAN(one_sided=True)}
    for name, penalty in penalties.items():
        yield from report_errors(name, partial(check_penalty, penalty, name, rng))


def check_penalty(penalty: Penalty, name: str, rng: np.random.Generator) -> Iterator[Check]:
    """Check that a penalty gives what a step needs, that ∂P/∂g is the slope of P, and that both follow the factor."""
    g = rng.standard_normal((ROWS, 4)) * np.linspace(0.2, 2, ROWS)[:, None]  # norms on both sides of 1
    ignored = np.empty_like(g)

    def value() -> float:
        return penalty.value_and_grad(g, 2 * ROWS, ignored, 0.5)

    half, v = try_penalty(penalty, g, 2 * ROWS, 0.5)
    yield Check(name, "∂P/∂g", gradient_error(value, g, v, rng))
    yield Check(name, "factor", relative(2 * half, penalty.value_and_grad(g, 2 * ROWS, ignored, 1.0)))
    g[0] = 0
    at_zero = penalty.value_and_grad(g, 2 * ROWS, v, 0.5)
    yield Check(name, "∂P/∂g at g = 0", relative(v[0], g[0]) if np.isfinite(at_zero) else np.nan)


def _unmade() -> Iterator[Check]:
    """Yield a row for each kind that cannot be checked: it has no example, or rejects its own."""
    for name, kind in [*LOSSES.items(), *PENALTIES.items(), *AUGMENTATIONS.items()]:
        yield from report_errors(name, partial(_check_example, name, kind))


def _check_example(name: str, kind: type) -> Iterator[Check]:
    if example_of(kind) is None:
        yield Check(name, f"{NOT_PLAYED}give each of its parameters a default, or a range (Positive)", np.nan)


def check_game(pattern: str = "*") -> Iterator[Check]:
    """Check losses, penalties and steps whose names match a shell pattern; report each error of a user's part once."""
    reported: set[str] = set()
    for check in _all_checks(lambda name: fnmatch.fnmatchcase(name.lower(), pattern.lower())):
        if check.what not in reported:
            yield check
        if check.what.startswith(RAISES):
            reported.add(check.what)


def _all_checks(is_wanted: Callable[[str], bool]) -> Iterator[Check]:
    yield from (check for check in (*check_losses(), *check_penalties(), *_unmade()) if is_wanted(check.name))
    for case in cases():
        if is_wanted(case.name):
            yield from report_errors(case.name, partial(check_case, case))


# ── the objectives a second time ──────────────────────────────────────────────────────────────────────────────────────


class Objectives:
    """The objectives of D and G in one move, implemented a second time, each as a function of its own parameters.

    They use forward passes of the whole batch, with reals and fakes apart: no workers, no unit signals, no fast path.
    They draw from copies of the game's random streams, in the order of the moves. The networks and their statistics are
    those of `gan`; its parameters are not changed. `z` is that of the move before, if it is used again.
    """

    def __init__(
        self,
        gan: GAN,
        streams: dict[str, np.random.Generator],
        real: Array,
        labels: Labels,
        z: Array | None = None,
    ):
        self.game, self.labels = gan.game, labels
        self.theta_g, self.theta_d = gan.g.network.theta.copy(), gan.d.network.theta.copy()
        self.g, self.d = gan.g.network.workspace(theta=self.theta_g), gan.d.network.workspace(theta=self.theta_d)
        step = gan.steps - 1  # the one just played
        self.factor = gan.game.schedules.penalty(step, gan.total)
        warp = Warp(gan.game.augment, real.shape[1:])
        self.drawn = np.empty((2, len(real), warp.numbers))
        if warp.parts:
            warp.draw(streams["augment"], self.drawn, gan.game.augment_probability)
        self.plain = self.real = self.augment(real, 0)
        n, noise = len(real), gan.game.instance_noise * gan.game.schedules.noise(step, gan.total)
        self.z = gan.game.latent.draw(streams["noise"], np.empty((n, gan.game.latent.dim))) if z is None else z
        self.blur: Array = np.zeros_like(real)
        if noise:
            blur = noise * streams["noise"].standard_normal((2, *real.shape))
            self.real, self.blur = self.real + blur[0], blur[1]
        self.spread: dict[Penalty, Array] = {}
        for penalty in gan.game.penalties:
            if penalty.apart:  # G's move does not use them, and no draw follows it
                self.spread[penalty] = place_points(penalty, streams["penalty"], real)

    def augment(self, x: Array, side: int) -> Array:
        """T(x) of reals (0) or fakes (1)."""
        start = 0
        for part in self.game.augment:
            x = augment_rows(part, x, self.drawn[side][:, start : start + part.numbers])
            start += part.numbers
        return x

    def fake(self) -> Array:
        """T(G(z)), the fakes as D sees them."""
        return self.augment(self.g.forward(self.z, self.labels).copy(), 1)

    def logits(self, x: Array) -> Array:
        return self.d.forward(x, self.labels)[:, 0].copy()

    def discriminator(self) -> float:
        """L_D + Σ penalties."""
        fake = self.fake()
        loss = self.game.loss.discriminator(real=self.logits(self.real), fake=self.logits(fake + self.blur))
        return loss.value + sum(self.penalty(penalty, fake) for penalty in self.game.penalties)

    def penalty(self, penalty: Penalty, fake: Array) -> float:
        if penalty.points == "real":
            x = self.real
        elif penalty.points == "fake":
            x = fake + self.blur
        elif penalty.points == "between":
            x = self.spread[penalty] * self.plain + (1 - self.spread[penalty]) * fake
        else:
            x = self.plain + self.spread[penalty]
        self.d.forward(x, self.labels)
        g = self.d.backward(np.ones((len(x), 1)))  # first order only
        return penalty.value_and_grad(g, len(x), np.empty_like(g), self.factor)

    def generator(self) -> float:
        """L_G."""
        loss, real, fake = self.game.loss, self.logits(self.real), self.fake() + self.blur
        if isinstance(loss, FeatureMatching):
            difference = (self.features(self.real, loss.layer) - self.features(fake, loss.layer)).mean(axis=0)
            return float(np.square(difference).sum())
        return loss.generator(real=real, fake=self.logits(fake)).value

    def features(self, x: Array, layer: int) -> Array:
        self.d.forward(x, self.labels)
        root: Any = self.d.network.layer
        features: Array = root.output_of(self.d.memory, layer).copy()
        return features


def place_points(penalty: Penalty, rng: np.random.Generator, real: Array) -> Array:
    """Return the numbers that place a penalty's points: ε or the shift. A user's own penalty draws them itself."""
    draw = type(penalty).draw
    if draw is Penalty.draw:
        return rng.random((len(real), *[1] * (real.ndim - 1)))
    if isinstance(penalty, DRAGAN) and draw is DRAGAN.draw:
        shift: Array = rng.random(real.shape) * (penalty.spread * real.std())
        return shift
    return penalty.draw(rng, real)


def augment_rows(part: Augmentation, x: Array, drawn: Array) -> Array:
    """Return T(x), row by row: a window of the picture amid zeros, a mask, a sum."""
    out = x.copy()
    if type(part) not in (Flip, Translation, Cutout, Brightness):  # a user's own defines T itself; Aᵀ is checked
        part.apply(out, drawn)
        return out
    h, w, c = x.shape[1:]
    rows, columns = np.arange(h)[:, None], np.arange(w)
    for i, numbers in enumerate(drawn):
        match part:
            case Flip():
                out[i] = np.flip(x[i], 1) if numbers[0] else x[i]
            case Translation():
                down, right = numbers.astype(int)
                amid = np.zeros((3 * h, 3 * w, c))
                amid[h : 2 * h, w : 2 * w] = x[i]
                out[i] = amid[h - down : 2 * h - down, w - right : 2 * w - right]
            case Cutout():
                top, bottom, left, right = numbers
                hole = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
                out[i] = np.where(hole[..., None], 0, x[i])
            case Brightness():
                out[i] = x[i] + numbers[0]
    return out

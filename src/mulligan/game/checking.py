"""Check both players' gradients in whole steps, against finite differences of their objectives, in float64.

A case plays a small game with an optimiser that records its gradient (`Listening`), and compares it with finite
differences of the player's objective, which `Objectives` implements a second time.
"""

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.game.augment import AUGMENTATIONS, Augmentation, Cutout, Flip, Translation, Warp
from mulligan.game.gan import GAN
from mulligan.game.losses import LOSSES, Loss, NonSaturating, Relativistic
from mulligan.game.penalties import DRAGAN, PENALTIES, R1, R2, WGANGP, Penalty, ZeroCentered
from mulligan.game.spec import Game, Latent, Player, Schedules
from mulligan.game.validation import try_loss, try_penalty
from mulligan.nn import layers as nn
from mulligan.nn.checking import (
    NOT_PLAYED,
    RAISES,
    Check,
    Errors,
    Kink,
    check_smooth,
    gradient_error,
    matches,
    relative,
    report_errors,
)
from mulligan.nn.fields import example_of
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.initializers import He
from mulligan.nn.memory import Array, Labels
from mulligan.nn.network import Workspace
from mulligan.nn.optimizers import SGD, State
from mulligan.nn.rng import stream
from mulligan.nn.schedules import StepDecay

ROWS = 5
"""Of a batch: odd, so that two workers get different shares."""
FLOWN = 1e12
"""If losses exceed this, a steep penalty has thrown D off, and differences mean nothing. Another game is drawn then."""


# ── the small games: every loss, penalty, update and option ───────────────────────────────────────────────────────────

Kind = TypeVar("Kind")

CLASSES = 3
STILL = 1e-9
"""A learning rate so low that spectral norm's directions stay right while both players move."""


@dataclass(frozen=True)
class Listening(SGD):
    """SGD that records its parameters and its gradient before each step."""

    slots: ClassVar[tuple[str, ...]] = ("stood", "heard")

    def update_block(self, state: State, theta: Array, g: Array, /, *slots: Array, lr: float) -> None:
        stood, heard = slots
        stood[:], heard[:] = theta, g
        super().update_block(state, theta, g, lr=lr)


@dataclass(frozen=True)
class SmallGame:
    """A small game, and its name in the table."""

    name: str
    game: Game
    shape: Shape
    workers: int = 1


LEAKY = nn.LeakyReLU()
NETS: dict[str, tuple[tuple[Layer, ...], tuple[Layer, ...], Shape]] = {
    "mlp": (
        (nn.Dense(5), LEAKY, nn.Dense(4)),
        (nn.Dense(6), LEAKY, nn.Dense(5), LEAKY, nn.Dense(1)),
        (4,),
    ),
    "conv": (
        (nn.Dense(8), LEAKY, nn.Reshape((2, 2, 2)), nn.ConvTranspose2d(1), nn.Tanh()),
        (nn.Conv2d(3), LEAKY, nn.Flatten(), nn.Dense(4), LEAKY, nn.Dense(1)),
        (4, 4, 1),
    ),
    "classes": (
        (nn.OneHot(CLASSES), nn.Dense(5), LEAKY, nn.Dense(4)),
        (nn.Dense(6), LEAKY, nn.Projection(CLASSES)),
        (4,),
    ),
    "curved": (
        (nn.Dense(5), nn.Arctan(), nn.Dense(4), nn.Tanh()),
        (nn.Dense(6), nn.Tanh(), nn.Dense(5), nn.Sigmoid(), nn.Dense(1)),
        (4,),
    ),
}
"""Layers of G and of D, and the shape of a sample."""


def examples_of(registry: dict[str, type[Kind]]) -> dict[str, Kind]:
    """Return an example of each kind that can be made from defaults and examples of its options."""
    examples = {}
    for name, kind in registry.items():
        with contextlib.suppress(Exception):  # a user's own part may reject its own example
            examples[name] = example_of(kind)
    return {name: example for name, example in examples.items() if example is not None}


def _sets() -> dict[str, tuple[Penalty, ...]]:
    """Return penalties, alone and together."""
    return {
        "no penalty": (),
        **{name: (penalty,) for name, penalty in examples_of(PENALTIES).items()},
        "r1 + r2": (R1(0.5), R2(2.0)),
        "r1 + wgan_gp": (R1(), WGANGP()),
        "r2 + zero_centered + dragan": (R2(), ZeroCentered(), DRAGAN()),
    }


UPDATES: tuple[Literal["alternating", "simultaneous"], ...] = ("alternating", "simultaneous")


def game_of(net: str = "mlp", rate: float = 0.01, **changes: Any) -> Game:
    """Return a game of one of the small nets, with `Listening` players."""
    g, d, _ = NETS[net]
    return replace(
        Game(
            Player(changes.pop("g", g), Listening(rate)),
            Player(changes.pop("d", d), Listening(rate)),
            latent=Latent(3),
            classes=CLASSES if net == "classes" else 0,
            average=None,
        ),
        **changes,
    )


def cases(pattern: str = "*") -> Iterator[SmallGame]:
    """Yield every loss with every allowed set of penalties, both updates, every net, one worker and two; options."""
    sets = _sets()
    for loss_name, loss in examples_of(LOSSES).items():
        for set_name, penalties in sets.items():
            for update in UPDATES:
                apart = any(penalty.apart for penalty in penalties)
                if update == "simultaneous" and apart:
                    continue
                for net in NETS:
                    for workers in (1, 2):
                        name = f"{loss_name}, {set_name}, {update}, {net}, workers {workers}"
                        if matches(name, pattern):
                            game = game_of(net, loss=loss, penalties=penalties, update=update)
                            yield SmallGame(name, game, NETS[net][2], workers)
    for name, game, shape in _options():
        for workers in (1, 2):
            if matches(f"{name}, workers {workers}", pattern):
                yield SmallGame(f"{name}, workers {workers}", game, shape, workers)


def _options() -> Iterator[tuple[str, Game, Shape]]:
    r1_r2 = (R1(), R2())
    for update in UPDATES:
        yield f"label smoothing, {update}", game_of(loss=NonSaturating(0.1), update=update), (4,)
        halving = StepDecay(factor=0.5, at=(0, 1, 2))  # its value shows at which step it was evaluated
        halves = Schedules(lr=halving, penalty=halving)
        yield f"schedules, {update}", game_of(penalties=r1_r2, update=update, schedules=halves), (4,)
        normed = game_of(
            rate=STILL,
            g=(nn.Dense(5, spectral_norm=True), LEAKY, nn.Dense(4)),
            d=(nn.Dense(6, spectral_norm=True), LEAKY, nn.Projection(CLASSES, class_init=He(), spectral_norm=True)),
            classes=CLASSES,
            update=update,
        )
        for loss in ("hinge", "relativistic"):
            for penalties in ((), r1_r2):
                name = f"spectral norm, {loss}{', r1 + r2' if penalties else ''}, {update}"
                yield name, replace(normed, loss=LOSSES[loss](), penalties=penalties), (4,)
        d = (nn.Conv2d(3, spectral_norm=True), *NETS["conv"][1][1:])
        yield f"spectral norm, conv, {update}", game_of("conv", STILL, d=d, penalties=r1_r2, update=update), (4, 4, 1)
    yield "d_steps = 2", game_of(d_steps=2, penalties=(R2(), WGANGP())), (4,)
    yield "d_steps = 3, relativistic, classes", game_of("classes", d_steps=3, loss=Relativistic()), (4,)
    yield "uniform z", game_of(latent=Latent(3, "uniform")), (4,)
    for net in NETS:
        game = game_of(net, latent=Latent(3, redraw=False), loss=Relativistic(), d_steps=2)
        yield f"z drawn once, {net}", game, NETS[net][2]
    spectral = (nn.Dense(5, spectral_norm=True), LEAKY, nn.Dense(4))
    yield "z drawn once, spectral norm in G", game_of(rate=STILL, g=spectral, latent=Latent(3, redraw=False)), (4,)
    yield from _vary_augmentation()
    yield from _layers()


def _vary_augmentation() -> Iterator[tuple[str, Game, Shape]]:
    """Each augmentation alone, and all together with penalties at points of their own."""
    whole = (Flip(), Translation(0.5), Cutout(0.5))
    alone = examples_of(AUGMENTATIONS)
    alone |= zip(AUGMENTATIONS, whole)
    curved = (nn.Conv2d(3), nn.Tanh(), nn.Flatten(), nn.Dense(1))
    shape = (4, 4, 1)
    for update in UPDATES:
        shared: dict[str, Any] = {"update": update, "penalties": (R1(), R2())}
        for name, part in alone.items():
            yield f"augmented, {name}, {update}", game_of("conv", augment=(part,), **shared), shape
        for d in (NETS["conv"][1], curved):
            name = f"augmented, all, {'curved' if d is curved else 'conv'}, {update}"
            yield name, game_of("conv", d=d, augment=whole, loss=Relativistic(), **shared), shape
        half = game_of("conv", augment=whole, augment_probability=0.5, **shared)
        yield f"augmented, half of the rows, {update}", half, shape
    sets = _sets()
    for set_name in ("wgan_gp", "dragan", "r2 + zero_centered + dragan"):
        game = game_of("conv", augment=whole, penalties=sets[set_name], d_steps=2)
        yield f"augmented, all, {set_name}, d_steps = 2", game, shape
    normed = (nn.Conv2d(3), nn.BatchNorm(), *NETS["conv"][1][1:])
    yield "augmented, all, batch norm in D", game_of("conv", d=normed, augment=whole), shape


def _layers() -> Iterator[tuple[str, Game, Shape]]:
    """Layers that change the course of a step: normalisation, branches, layers that mix samples."""
    batch_norm, (mlp, critic, shape), (conv, conv_critic, image) = nn.BatchNorm(), NETS["mlp"], NETS["conv"]
    for update in UPDATES:
        for penalties in ((), (R1(), R2())):
            shared: dict[str, Any] = {"penalties": penalties, "update": update}
            tail = f"{'r1 + r2, ' if penalties else ''}{update}"
            yield f"batch norm in G, {tail}", game_of(g=(mlp[0], batch_norm, *mlp[1:]), **shared), shape
            normed = (conv[0], LEAKY, conv[2], batch_norm, *conv[3:])
            yield f"batch norm in G, conv, {tail}", game_of("conv", g=normed, **shared), image
            yield f"layer norm, {tail}", game_of(d=(critic[0], nn.LayerNorm(), *critic[1:]), **shared), shape
            residual = (nn.Residual((nn.Dense(4), nn.Tanh())), nn.Dense(5), nn.ReLU(), nn.Dense(1))
            yield f"residual first, {tail}", game_of(d=residual, **shared), shape
            g = (nn.Dense(8), nn.LayerNorm(), nn.Reshape((2, 2, 2)), nn.UpsampleConv2d(1))
            yield f"resampling, {tail}", game_of("conv", g=g, d=(nn.Flatten(), *critic), **shared), image
    mixing = (*critic[:2], batch_norm, *critic[2:])
    for loss in ("non_saturating", "relativistic"):
        game = game_of(d=mixing, g=(mlp[0], batch_norm, *mlp[1:]), loss=LOSSES[loss]())
        yield f"batch norm in D, {loss}", game, shape
    yield "batch norm in D, d_steps = 2", game_of(d=mixing, d_steps=2), shape
    yield "batch norm in D, conv", game_of("conv", d=(conv_critic[0], batch_norm, *conv_critic[1:])), image


# ── the checks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_case(case: SmallGame) -> list[Check]:
    """Play two steps; check both players' gradients in the second, and the values that it reports."""
    return check_smooth(case.name, partial(_errors, case))


def _errors(case: SmallGame, seed: int) -> Errors:
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
    yield "L_D", relative(measures["d_loss"] + penalties, d_value)
    yield "L_G", relative(measures["g_loss"], g_value)
    yield "∂L_D/∂θ", gradient_error(d_move.discriminator, d_move.theta_d, gan.d.state["heard"], rng)
    yield "∂L_G/∂θ", gradient_error(g_move.generator, g_move.theta_g, gan.g.state["heard"], rng)


def _batch(case: SmallGame, rng: np.random.Generator, rows: int) -> tuple[Array, Labels]:
    real = rng.standard_normal((case.game.d_steps * rows, *case.shape))
    return real, rng.integers(case.game.classes, size=len(real)) if case.game.classes else None


def _settle(space: Workspace) -> None:
    """Let spectral norm find its directions, so that the iteration inside the step does not move them."""
    for _ in range(100):
        space.prepare()


def check_losses(pattern: str = "*") -> Iterator[Check]:
    """Check each loss whose name matches a shell pattern by itself: its gradients are the slopes of its values."""
    return _check_each({**LOSSES, "label smoothing": NonSaturating(0.1)}, check_loss, pattern)


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


def check_penalties(pattern: str = "*") -> Iterator[Check]:
    """Check each penalty whose name matches by itself: ∂P/∂g is the slope of its value, and finite where g = 0."""
    return _check_each(PENALTIES, check_penalty, pattern)


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


def _check_each(parts: Mapping[str, Any], check: Callable[..., Iterable[Check]], pattern: str) -> Iterator[Check]:
    """Check each part whose name matches, of a class an example; a class without an example is a row, too."""
    rng = stream(0, "check")

    def rows(name: str, part: Any) -> Iterable[Check]:
        example = example_of(part) if isinstance(part, type) else part
        if example is None:
            return [Check(name, f"{NOT_PLAYED}give each of its parameters a default, or a range (Positive)", np.nan)]
        return check(example, name, rng)

    for name, part in parts.items():
        if matches(name, pattern):
            yield from report_errors(name, partial(rows, name, part))


def check_game(pattern: str = "*") -> Iterator[Check]:
    """Check losses, penalties and steps whose names match a shell pattern; report each error of a user's part once."""
    reported: set[str] = set()
    games = (report_errors(case.name, partial(check_case, case)) for case in cases(pattern))
    augmentations = _check_each(AUGMENTATIONS, lambda *example: (), pattern)  # checked in games
    alone = (check_losses(pattern), check_penalties(pattern), augmentations)
    for check in chain(*alone, chain.from_iterable(games)):
        if check.what not in reported:
            yield check
        if check.what.startswith(RAISES):
            reported.add(check.what)


# ── the objectives a second time ──────────────────────────────────────────────────────────────────────────────────────


class Objectives:
    """The objectives of D and G in one move, implemented a second time, each as a function of its own parameters.

    They use forward passes of the whole batch, with reals and fakes apart: no workers, no unit signals, no fast path.
    They draw from copies of the game's random streams, in the order of the moves. The networks and their statistics are
    those of `gan`; its parameters are not changed. `z` is that of the move before, if it is used again.
    """

    def __init__(
        self, gan: GAN, streams: dict[str, np.random.Generator], real: Array, labels: Labels, z: Array | None = None
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
        self.real = self.augment(real, 0)
        latent = gan.game.latent
        self.z = latent.draw(streams["noise"], np.empty((len(real), latent.dim))) if z is None else z
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
        loss = self.game.loss.discriminator(real=self.logits(self.real), fake=self.logits(fake))
        return loss.value + sum(self.penalty(penalty, fake) for penalty in self.game.penalties)

    def penalty(self, penalty: Penalty, fake: Array) -> float:
        if penalty.points == "real":
            x = self.real
        elif penalty.points == "fake":
            x = fake
        elif penalty.points == "between":
            x = self.spread[penalty] * self.real + (1 - self.spread[penalty]) * fake
        else:
            x = self.real + self.spread[penalty]
        self.d.forward(x, self.labels)
        g = self.d.backward(np.ones((len(x), 1)))  # first order only
        return penalty.value_and_grad(g, len(x), np.empty_like(g), self.factor)

    def generator(self) -> float:
        """L_G."""
        loss, real, fake = self.game.loss, self.logits(self.real), self.fake()
        return loss.generator(real=real, fake=self.logits(fake)).value


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
    """Return T(x), row by row: a window of the picture amid zeros, or a mask."""
    out = x.copy()
    if type(part) not in (Flip, Translation, Cutout):  # a user's own defines T itself; Aᵀ is checked
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
    return out

"""Do both players follow the slope of what they minimise? Differences say so, in float64, for whole steps.

A case plays a small game with an optimiser that keeps the gradient it was given (`Listening`), and compares
that with differences of the player's objective, which is written a second time in `objectives`.
"""

from __future__ import annotations

import contextlib
import copy
import fnmatch
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.game.augment import AUGMENTATIONS, Brightness, Cutout, Flip, Translation
from mulligan.game.gan import GAN
from mulligan.game.losses import (
    LOSSES,
    DiscriminatorLoss,
    FeatureMatching,
    GeneratorLoss,
    Loss,
    NonSaturating,
    Relativistic,
)
from mulligan.game.objectives import Objectives
from mulligan.game.penalties import DRAGAN, PENALTIES, R1, R2, WGANGP, Penalty, ZeroCentered
from mulligan.game.spec import Game, Latent, Player, Schedules
from mulligan.game.validation import check_answer, check_value
from mulligan.nn import layers as nn
from mulligan.nn.checking import ATTEMPTS, NOT_PLAYED, RAISES, Check, Kink, gradient_error, relative, told
from mulligan.nn.layers.initializers import He
from mulligan.nn.optimizers import SGD
from mulligan.nn.ranges import example_of
from mulligan.nn.rng import stream
from mulligan.nn.schedules import Exponential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulligan.nn.layers.base import Layer, Shape
    from mulligan.nn.memory import Array, Labels
    from mulligan.nn.network import Workspace
    from mulligan.nn.optimizers import State

Kind = TypeVar("Kind")

ROWS = 5
"""Of a batch: odd, so that two workers get different shares."""
CLASSES = 3
FLOWN = 1e12
"""Losses beyond which differences say nothing: a steep penalty has thrown D off. Another game is drawn then."""
STILL = 1e-9
"""A learning rate so low that spectral norm's directions, once found, stay right through both players' moves."""


@dataclass(frozen=True)
class Listening(SGD):
    """SGD that writes down where it stood and which gradient it was given, before it follows it."""

    slots: ClassVar[tuple[str, ...]] = ("stood", "heard")

    def update_block(self, state: State, theta: Array, g: Array, *slots: Array) -> None:
        stood, heard = slots
        stood[:], heard[:] = theta, g
        super().update_block(state, theta, g)


# ── whole steps ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Case:
    """A small game, and what it is called in the table."""

    name: str
    game: Game
    shape: Shape
    workers: int = 1

    def checks(self) -> list[Check]:
        """Play two steps; check both players' gradients in the second, and the values that it reports."""
        for seed in range(ATTEMPTS):
            try:
                return list(self._checks(seed))
            except Kink:
                continue
        return [Check(self.name, "differences never settle", np.nan)]

    def _checks(self, seed: int) -> Iterator[Check]:
        game, rng = self.game, stream(seed, "check")
        gan = GAN(game, self.shape, seed=seed, workers=self.workers, dtype=np.float64)
        for mover in (gan.g, gan.d):
            mover.network.theta += 0.2 * rng.standard_normal(mover.network.theta.size)  # no bias stays 0
            _settle(mover.network.workspace())
        before, (real, labels) = self._batch(rng, ROWS + 2), self._batch(rng, ROWS)
        logits = gan.d.network.workspace().forward(real, labels)
        gan.d.network.theta[-1] -= logits.mean()  # the output's bias: logits around 0, where no hinge is at rest
        with gan:
            gan.step(*before)  # whatever it leaves behind must not matter
            streams = copy.deepcopy(gan.streams)
            measures = gan.step(real, labels)
        if max(map(abs, measures.values())) > FLOWN:
            raise Kink

        batch = real[-ROWS:], None if labels is None else labels[-ROWS:]
        for _ in range(game.d_steps):  # the last of D's moves is the one whose gradient is kept
            d_move = Objectives(gan, streams, *batch, apart=True)
        d_move.theta_g[:], d_move.theta_d[:] = gan.g.state["stood"], gan.d.state["stood"]
        if game.update == "simultaneous":
            g_move = d_move
        else:
            g_move = Objectives(gan, streams, *batch, apart=False)
            g_move.theta_g[:] = gan.g.state["stood"]  # and D where it stands now: it moved first
        penalties = sum(measures[penalty.name] for penalty in game.penalties)
        d_value, g_value = d_move.discriminator(), g_move.generator()
        yield Check(self.name, "L_D", relative(measures["d_loss"] + penalties, d_value))
        yield Check(self.name, "L_G", relative(measures["g_loss"], g_value))
        yield Check(
            self.name, "∂L_D/∂θ", gradient_error(d_move.discriminator, d_move.theta_d, gan.d.state["heard"], rng)
        )
        yield Check(self.name, "∂L_G/∂θ", gradient_error(g_move.generator, g_move.theta_g, gan.g.state["heard"], rng))

    def _batch(self, rng: np.random.Generator, rows: int) -> tuple[Array, Labels]:
        real = rng.standard_normal((self.game.d_steps * rows, *self.shape))
        return real, rng.integers(self.game.classes, size=len(real)) if self.game.classes else None


def _settle(space: Workspace) -> None:
    """Let spectral norm find its directions, so that the iteration inside the step does not move them."""
    for _ in range(100):
        space.prepare()


# ── which games ───────────────────────────────────────────────────────────────────────────────────────────────────────

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
        (nn.Dense(5), nn.SiLU(), nn.Dense(4), nn.Tanh()),
        (nn.Dense(6), nn.Tanh(), nn.Dense(5), nn.Softplus(), nn.Dense(1)),
        (4,),
    ),
}
"""Layers of G and of D, and the shape of a sample."""


def _made(registry: dict[str, type[Kind]]) -> dict[str, Kind]:
    """Return one of each kind that can be made without being told its parameters; `_unmade` names the others."""
    made = {}
    for name, kind in registry.items():
        with contextlib.suppress(Exception):  # what a part of one's own says to its own example
            made[name] = example_of(kind)
    return {name: example for name, example in made.items() if example is not None}


def _sets() -> dict[str, tuple[Penalty, ...]]:
    """Return penalties, alone and together."""
    return {
        "no penalty": (),
        **{name: (penalty,) for name, penalty in _made(PENALTIES).items()},
        "wgan_gp one-sided": (WGANGP(one_sided=True),),
        "r1 + r2": (R1(0.5), R2(2.0)),
        "r1 + wgan_gp": (R1(), WGANGP()),
        "r2 + zero_centered + dragan": (R2(), ZeroCentered(), DRAGAN(one_sided=True)),
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


def cases() -> Iterator[Case]:
    """Every loss with every set of penalties that is allowed, both updates, every net, one worker and two; options."""
    sets = _sets()
    for loss_name, loss in _made(LOSSES).items():
        for set_name, penalties in sets.items():
            for update in UPDATES:
                apart = any(penalty.apart for penalty in penalties)
                if update == "simultaneous" and (isinstance(loss, FeatureMatching) or apart):
                    continue
                for net in NETS:
                    for workers in (1, 2):
                        name = f"{loss_name}, {set_name}, {update}, {net}, workers {workers}"
                        game = game_of(net, loss=loss, penalties=penalties, update=update)
                        yield Case(name, game, NETS[net][2], workers)
    for name, game, shape in _options():
        for workers in (1, 2):
            yield Case(f"{name}, workers {workers}", game, shape, workers)


def _options() -> Iterator[tuple[str, Game, Shape]]:
    r1_r2 = (R1(), R2())
    for update in UPDATES:
        yield f"label smoothing, {update}", game_of(loss=NonSaturating(0.1), update=update), (4,)
        for net in ("mlp", "curved"):
            blurred = game_of(net, instance_noise=0.3, penalties=r1_r2, update=update)
            yield f"instance noise, {update}, {net}", blurred, (4,)
        halving = Exponential(factor=0.5, every=1)  # its value says which step it was asked for
        halves = Schedules(lr=halving, penalty=halving, noise=halving)
        scheduled = game_of(instance_noise=0.3, penalties=r1_r2, update=update, schedules=halves)
        yield f"schedules, {update}", scheduled, (4,)
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
    yield "d_steps = 2", game_of(d_steps=2, penalties=(R2(), WGANGP()), instance_noise=0.3), (4,)
    yield "d_steps = 3, relativistic, classes", game_of("classes", d_steps=3, loss=Relativistic()), (4,)
    yield "uniform z", game_of(latent=Latent(3, "uniform")), (4,)
    yield "feature_matching of the first layer", game_of("curved", loss=FeatureMatching(layer=0)), (4,)
    yield from _augmented()
    yield from _layers()


def _augmented() -> Iterator[tuple[str, Game, Shape]]:
    """Each augmentation alone, and all together with what else stands at points of its own."""
    whole = (Flip(), Translation(0.5), Cutout(0.5), Brightness())
    alone = _made(AUGMENTATIONS)
    alone |= zip(AUGMENTATIONS, whole)
    curved = (nn.Conv2d(3), nn.Tanh(), nn.Flatten(), nn.Dense(1))
    shape = (4, 4, 1)
    for update in UPDATES:
        shared: dict[str, Any] = {"update": update, "penalties": (R1(), R2())}
        for name, part in alone.items():
            yield f"augmented, {name}, {update}", game_of("conv", augment=(part,), **shared), shape
        for d in (NETS["conv"][1], curved):
            name = f"augmented, all, {'curved' if d is curved else 'conv'}, {update}"
            yield name, game_of("conv", d=d, augment=whole, instance_noise=0.2, loss=Relativistic(), **shared), shape
    sets = _sets()
    for set_name in ("wgan_gp", "dragan", "r2 + zero_centered + dragan"):
        game = game_of("conv", augment=whole, penalties=sets[set_name], d_steps=2)
        yield f"augmented, all, {set_name}, d_steps = 2", game, shape
    normed = (nn.Conv2d(3), nn.BatchNorm(), *NETS["conv"][1][1:])
    for loss in ("non_saturating", "feature_matching"):
        yield (
            f"augmented, all, batch norm in D, {loss}",
            game_of("conv", d=normed, augment=whole, loss=LOSSES[loss]()),
            shape,
        )


def _layers() -> Iterator[tuple[str, Game, Shape]]:
    """Layers that do more to a step than pass it on."""
    batch_norm, (mlp, critic, shape), (conv, conv_critic, image) = nn.BatchNorm(), NETS["mlp"], NETS["conv"]
    for update in UPDATES:
        for penalties in ((), (R1(), R2())):
            shared: dict[str, Any] = {"penalties": penalties, "update": update}
            tail = f"{'r1 + r2, ' if penalties else ''}{update}"
            yield f"batch norm in G, {tail}", game_of(g=(mlp[0], batch_norm, *mlp[1:]), **shared), shape
            normed = (conv[0], LEAKY, conv[2], batch_norm, *conv[3:])
            yield f"batch norm in G, conv, {tail}", game_of("conv", g=normed, **shared), image
            yield f"layer norm, {tail}", game_of(d=(critic[0], nn.LayerNorm(), *critic[1:]), **shared), shape
            residual = (nn.Residual((nn.Dense(4), nn.Tanh())), nn.Maxout(5, 2), nn.Dense(1))
            yield f"residual first, {tail}", game_of(d=residual, **shared), shape
            branches = (nn.Concat((nn.Flatten(), nn.Sequential((nn.AvgPool(), nn.Flatten())))), *critic)
            g = (nn.Dense(8), nn.PixelNorm(), nn.Reshape((2, 2, 2)), nn.Upsample("bilinear"), nn.Conv2d(1, 3, 1))
            yield f"branches and resampling, {tail}", game_of("conv", g=g, d=branches, **shared), image
    for name, layer in (
        ("batch norm", batch_norm),
        ("minibatch stddev", nn.MinibatchStddev()),
        ("minibatch discrimination", nn.MinibatchDiscrimination(3, 2)),
    ):
        mixing = (*critic[:2], layer, *critic[2:])
        for loss in ("non_saturating", "relativistic", "feature_matching"):
            game = game_of(d=mixing, g=(mlp[0], batch_norm, *mlp[1:]), loss=LOSSES[loss](), instance_noise=0.1)
            yield f"{name} in D, {loss}", game, shape
        yield f"{name} in D, d_steps = 2", game_of(d=mixing, d_steps=2), shape
    yield "batch norm in D, conv", game_of("conv", d=(conv_critic[0], batch_norm, *conv_critic[1:])), image


def check_losses() -> Iterator[Check]:
    """Check each loss by itself: its gradients are the slopes of its values."""
    rng = stream(0, "check")
    losses = _made(LOSSES) | {"label smoothing": NonSaturating(0.1)}
    for name, loss in losses.items():
        yield from told(name, partial(check_loss, loss, name, rng))


def check_loss(loss: Loss, name: str, rng: np.random.Generator) -> Iterator[Check]:
    """Check that a loss gives what a step needs, and that its gradients are the slopes of its values.

    Raises
    ------
    UnsupportedError
        When it gives something else, or G's loss depends on the reals and the loss is not `relativistic`.
    """
    real, fake, others = rng.standard_normal((3, ROWS))
    with np.errstate(all="ignore"):
        check_answer(loss, "discriminator", loss.discriminator(real=real, fake=fake), DiscriminatorLoss, fake)
        one, two = (
            check_answer(loss, "generator", loss.generator(real=x, fake=fake), GeneratorLoss, fake)
            for x in (real, others)
        )
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
    """Check each penalty by itself: its seed is the slope of its value, and finite where g = 0."""
    rng = stream(0, "check")
    penalties = _made(PENALTIES)
    penalties |= {"wgan_gp one-sided": WGANGP(one_sided=True), "dragan one-sided": DRAGAN(one_sided=True)}
    for name, penalty in penalties.items():
        yield from told(name, partial(check_penalty, penalty, name, rng))


def check_penalty(penalty: Penalty, name: str, rng: np.random.Generator) -> Iterator[Check]:
    """Check that a penalty gives what a step needs, that ∂P/∂g is the slope of P, and that both follow the factor.

    Raises
    ------
    UnsupportedError
        When it returns no number, or leaves `out` as it was.
    """
    g = rng.standard_normal((ROWS, 4)) * np.linspace(0.2, 2, ROWS)[:, None]  # norms on both sides of 1
    v, ignored = np.full_like(g, np.nan), np.empty_like(g)

    def value() -> float:
        return penalty.value_and_grad(g, 2 * ROWS, ignored, 0.5)

    half = check_value(penalty, penalty.value_and_grad(g, 2 * ROWS, v, 0.5))
    if np.isnan(v).all():
        raise UnsupportedError(f"{name}.value_and_grad must write ∂P/∂g into out, got out as it was. Try out[...] = ….")
    yield Check(name, "∂P/∂g", gradient_error(value, g, v, rng))
    yield Check(name, "factor", relative(2 * half, penalty.value_and_grad(g, 2 * ROWS, ignored, 1.0)))
    g[0] = 0
    at_zero = penalty.value_and_grad(g, 2 * ROWS, v, 0.5)
    yield Check(name, "∂P/∂g at g = 0", relative(v[0], g[0]) if np.isfinite(at_zero) else np.nan)


def _unmade() -> Iterator[Check]:
    """Name each kind that cannot be checked: nobody knows which parameters it wants, or it refuses those it names."""
    for name, kind in [*LOSSES.items(), *PENALTIES.items(), *AUGMENTATIONS.items()]:
        yield from told(name, partial(_check_example, name, kind))


def _check_example(name: str, kind: type) -> Iterator[Check]:
    if example_of(kind) is None:
        yield Check(name, f"{NOT_PLAYED}give each of its parameters a default, or a range (Positive)", np.nan)


def check_game(pattern: str = "*") -> Iterator[Check]:
    """Check losses, penalties and whole steps.

    What a part of one's own raises is a row that is off; the same from other games is not said again.

    Parameters
    ----------
    pattern : str
        A shell pattern; only checks whose name matches are run.
    """
    said: set[str] = set()
    for check in _all_checks(lambda name: fnmatch.fnmatchcase(name.lower(), pattern.lower())):
        if check.what not in said:
            yield check
        if check.what.startswith(RAISES):
            said.add(check.what)


def _all_checks(wanted: Callable[[str], bool]) -> Iterator[Check]:
    yield from (check for check in (*check_losses(), *check_penalties(), *_unmade()) if wanted(check.name))
    for case in cases():
        if wanted(case.name):
            yield from told(case.name, case.checks)

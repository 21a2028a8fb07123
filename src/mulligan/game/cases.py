"""The small games that `mulligan check` plays: every loss, penalty, update and option."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeVar

from mulligan.game.augment import AUGMENTATIONS, Brightness, Cutout, Flip, Translation
from mulligan.game.losses import LOSSES, FeatureMatching, NonSaturating, Relativistic
from mulligan.game.penalties import DRAGAN, PENALTIES, R1, R2, WGANGP, Penalty, ZeroCentered
from mulligan.game.spec import Game, Latent, Player, Schedules
from mulligan.nn import layers as nn
from mulligan.nn.fields import example_of
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.initializers import He
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import SGD, State
from mulligan.nn.schedules import Exponential

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
        (nn.Dense(5), nn.SiLU(), nn.Dense(4), nn.Tanh()),
        (nn.Dense(6), nn.Tanh(), nn.Dense(5), nn.Softplus(), nn.Dense(1)),
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


def cases() -> Iterator[SmallGame]:
    """Every loss with every set of penalties that is allowed, both updates, every net, one worker and two; options."""
    sets = _sets()
    for loss_name, loss in examples_of(LOSSES).items():
        for set_name, penalties in sets.items():
            for update in UPDATES:
                apart = any(penalty.apart for penalty in penalties)
                if update == "simultaneous" and (isinstance(loss, FeatureMatching) or apart):
                    continue
                for net in NETS:
                    for workers in (1, 2):
                        name = f"{loss_name}, {set_name}, {update}, {net}, workers {workers}"
                        game = game_of(net, loss=loss, penalties=penalties, update=update)
                        yield SmallGame(name, game, NETS[net][2], workers)
    for name, game, shape in _options():
        for workers in (1, 2):
            yield SmallGame(f"{name}, workers {workers}", game, shape, workers)


def _options() -> Iterator[tuple[str, Game, Shape]]:
    r1_r2 = (R1(), R2())
    for update in UPDATES:
        yield f"label smoothing, {update}", game_of(loss=NonSaturating(0.1), update=update), (4,)
        for net in ("mlp", "curved"):
            blurred = game_of(net, instance_noise=0.3, penalties=r1_r2, update=update)
            yield f"instance noise, {update}, {net}", blurred, (4,)
        halving = Exponential(factor=0.5, every=1)  # its value shows at which step it was evaluated
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
    for net in NETS:
        game = game_of(net, latent=Latent(3, redraw=False), loss=Relativistic(), instance_noise=0.3, d_steps=2)
        yield f"z drawn once, {net}", game, NETS[net][2]
    spectral = (nn.Dense(5, spectral_norm=True), LEAKY, nn.Dense(4))
    yield "z drawn once, spectral norm in G", game_of(rate=STILL, g=spectral, latent=Latent(3, redraw=False)), (4,)
    yield "feature_matching of the first layer", game_of("curved", loss=FeatureMatching(layer=0)), (4,)
    yield from _augmented()
    yield from _layers()


def _augmented() -> Iterator[tuple[str, Game, Shape]]:
    """Each augmentation alone, and all together with penalties at points of their own."""
    whole = (Flip(), Translation(0.5), Cutout(0.5), Brightness())
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
            yield name, game_of("conv", d=d, augment=whole, instance_noise=0.2, loss=Relativistic(), **shared), shape
        half = game_of("conv", augment=whole, augment_probability=0.5, **shared)
        yield f"augmented, half of the rows, {update}", half, shape
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
            residual = (nn.Residual((nn.Dense(4), nn.Tanh())), nn.Maxout(5, 2), nn.Dense(1))
            yield f"residual first, {tail}", game_of(d=residual, **shared), shape
            pooled = (nn.AvgPool(), nn.Flatten(), *critic)
            g = (nn.Dense(8), nn.PixelNorm(), nn.Reshape((2, 2, 2)), nn.Upsample("bilinear"), nn.Conv2d(1, 3, 1))
            yield f"resampling, {tail}", game_of("conv", g=g, d=pooled, **shared), image
    for name, layer in (
        ("batch norm", batch_norm),
        ("minibatch stddev", nn.MinibatchStddev()),
    ):
        mixing = (*critic[:2], layer, *critic[2:])
        for loss in ("non_saturating", "relativistic", "feature_matching"):
            game = game_of(d=mixing, g=(mlp[0], batch_norm, *mlp[1:]), loss=LOSSES[loss](), instance_noise=0.1)
            yield f"{name} in D, {loss}", game, shape
        yield f"{name} in D, d_steps = 2", game_of(d=mixing, d_steps=2), shape
    yield "batch norm in D, conv", game_of("conv", d=(conv_critic[0], batch_norm, *conv_critic[1:])), image

"""The workloads of the benchmark: games of fixed shapes and batches."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from mulligan.config.recipes import recipe
from mulligan.errors import ConfigError
from mulligan.game.architectures import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from mulligan.game.losses import NonSaturating, Relativistic
from mulligan.game.penalties import R1, R2
from mulligan.game.spec import Game, Latent, Player
from mulligan.nn.layers.base import Layer
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Constant

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Workload:
    """One game of one size: `low` is the value of black (white is 1), and the schedules are stretched over `steps`."""

    title: str
    game: Game
    sample_shape: Shape
    batch: int
    low: float = -1.0
    steps: int = 4000

    def players(self) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """Return G's and D's layers."""
        game, shape = self.game, self.sample_shape
        return game.generator.build(shape, game.classes), game.discriminator.build(shape, game.classes)


def _classic(batch: int, toy: bool) -> Workload:
    game: Game = recipe("classic")
    if toy:
        game = _resized(game, (6,), (6,))
    shape = (8, 8, 1) if toy else (28, 28, 1)
    return Workload("classic net, 100-128-784 / 784-128-1, non-saturating", game, shape, batch, low=0.0)


def _mlp(batch: int, toy: bool) -> Workload:
    game = Game(
        generator=Player(MLPGenerator(hidden=(6, 8) if toy else (256, 512)), Adam(lr=2e-4, beta1=0.5)),
        discriminator=Player(MLPDiscriminator(hidden=(8, 6) if toy else (512, 256)), Adam(lr=2e-4, beta1=0.5)),
        latent=Latent(5 if toy else 64),
        loss=NonSaturating(),
        average=None,
    )
    title = "MLP, 64-256-512-784 / 784-512-256-1, non-saturating"
    return Workload(title, game, (12,) if toy else (784,), batch)


def _one_z(plain: Workload) -> Workload:
    """Change a workload to one z a step, as in torch's DCGAN tutorial: G moves with the fakes that D has seen."""
    game = replace(plain.game, latent=replace(plain.game.latent, redraw=False))
    return replace(plain, title=f"{plain.title}, one z a step", game=game)


def _penalised(plain: Workload, what: str) -> Workload:
    """Give a workload the loss and the penalties of R3GAN."""
    adam = Adam(lr=1e-3, beta1=0.0, beta2=0.99)
    game = replace(
        plain.game,
        generator=replace(plain.game.generator, optimizer=adam),
        discriminator=replace(plain.game.discriminator, optimizer=adam),
        loss=Relativistic(),
        penalties=(R1(1.0), R2(1.0)),
        update="simultaneous",
    )
    return replace(plain, title=f"the same {what}, relativistic + R1 + R2, simultaneous", game=game)


def _of_recipe(name: str, about: str, shape: Shape, batch: int, toy: bool) -> Workload:
    config = recipe(name)
    classes = 10 if config.data.labels == "dataset" else config.data.clusters
    # The first half of the run, where the recipe's rate is constant.
    game: Game = replace(config, classes=classes, schedules=replace(config.schedules, lr=Constant(1.0)))
    if toy:
        game = _resized(game, (6,), (6,), (6, 4), (4, 6))
    return Workload(f"recipe {name}: {about}", game, (8, 8, shape[2]) if toy else shape, batch)


def _pictures(size: int, channels: int, batch: int, toy: bool) -> Workload:
    config = recipe("pictures")
    about = f"{size}×{size}, {channels} channels, {config.data.clusters} clusters, every picture augmented"
    made = _of_recipe("pictures", about, (size, size, channels), batch, toy)
    return replace(made, game=replace(made.game, augment_probability=1.0))


def _dcgan(batch: int, toy: bool) -> Workload:
    g, d = ((6, 4), (4, 6)) if toy else ((128, 64), (64, 128))
    adam = Adam(lr=2e-4, beta1=0.5)
    game = Game(
        generator=Player(ConvGenerator(hidden=(), channels=g), adam),
        discriminator=Player(ConvDiscriminator(channels=d, hidden=()), adam),
        latent=Latent(5 if toy else 100),
        loss=NonSaturating(),
        average=None,
    )
    title = "DCGAN's sizes without its normalisation: conv 64-128 / 128-64, non-saturating"
    return Workload(title, game, (8, 8, 1) if toy else (28, 28, 1), batch)


def _resized(game: Game, g: Shape, d: Shape, g_channels: Shape = (), d_channels: Shape = ()) -> Game:
    """Make a recipe's networks small."""
    for_g, for_d = {"hidden": g}, {"hidden": d}
    if g_channels:
        for_g["channels"], for_d["channels"] = g_channels, d_channels
    return replace(
        game,
        generator=replace(game.generator, layers=replace(game.generator.layers, **for_g)),  # type: ignore[type-var]
        discriminator=replace(game.discriminator, layers=replace(game.discriminator.layers, **for_d)),  # type: ignore[type-var]
        latent=replace(game.latent, dim=5),
    )


QUICK = "conv, classes, non-saturating + R1 + R2, simultaneous, averaged"
FACES = "the same for 16×16 in colour, 64 and 48 channels, clusters for classes"
FAMILIES: dict[str, tuple[Callable[[int, bool], Workload], tuple[int, ...]]] = {
    "classic": (_classic, (64,)),
    "classic-one-z": (lambda batch, toy: _one_z(_classic(batch, toy)), (64,)),
    "mlp": (_mlp, (64, 128, 256)),
    "mlp-one-z": (lambda batch, toy: _one_z(_mlp(batch, toy)), (64, 128, 256)),
    "mlp-r1r2": (lambda batch, toy: _penalised(_mlp(batch, toy), "MLP"), (64, 128, 256)),
    "quick": (partial(_of_recipe, "quick", QUICK, (28, 28, 1)), (64,)),
    "faces": (partial(_of_recipe, "faces", FACES, (16, 16, 3)), (64,)),
    "pictures-32": (partial(_pictures, 32, 3), (64,)),
    "pictures-64": (partial(_pictures, 64, 3), (64,)),
    "pictures-alpha": (partial(_pictures, 32, 4), (64,)),
    "dcgan": (_dcgan, (64, 128)),
    "dcgan-r1r2": (lambda batch, toy: _penalised(_dcgan(batch, toy), "DCGAN"), (64, 128)),
}
"""Every family of workloads by its name: the function that makes a member, and the batch sizes that are timed."""


def names(chosen: list[str], toy: bool = False) -> list[str]:
    """Return the members of the chosen families, and the chosen members, in order. None means all.

    With toy sizes, a family has one member, because all batches are the same.
    """
    every = {
        family: [f"{family}-{n}" for n in (batches[:1] if toy else batches)]
        for family, (_, batches) in FAMILIES.items()
    }
    members = [name for group in every.values() for name in group]
    unknown = [word for word in chosen if word not in every and word not in members]
    if unknown:
        raise ConfigError(f"--workloads must be from {', '.join(every)}, or {', '.join(members)}, got {unknown[0]!r}.")
    return list(dict.fromkeys(name for word in chosen or every for name in every.get(word, [word])))


def workload(name: str, toy: bool = False) -> Workload:
    """Build the workload of this name; `toy` keeps the game and shrinks every size."""
    family, _, batch = name.rpartition("-")
    return FAMILIES[family][0](6 if toy else int(batch), toy)

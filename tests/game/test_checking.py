"""Every gradient of the game by differences: losses, penalties, both players' whole steps."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from mulligan.game import (
    AUGMENTATIONS,
    GAN,
    LOSSES,
    PENALTIES,
    R1,
    R2,
    WGANGP,
    Augmentation,
    Flip,
    LeastSquares,
    NonSaturating,
    Wasserstein,
    ZeroCentered,
)
from mulligan.game.checking import SmallGame, cases, check_case, check_game, check_losses, check_penalties, game_of
from mulligan.game.penalties import scale_rows, squared_norms
from mulligan.nn import layers as nn
from mulligan.nn import restore, state_of
from mulligan.nn.checking import gradient_error
from mulligan.nn.fields import Positive

OPTIONS = "options"


@dataclass(frozen=True)
class Tempered(Wasserstein):
    """Wasserstein's loss times a number that nobody has a default for."""

    by: Positive

    def discriminator(self, *, real, fake):
        loss = super().discriminator(real=real, fake=fake)
        return type(loss)(*(self.by * part for part in loss))

    def generator(self, *, real, fake):
        loss = super().generator(real=real, fake=fake)
        return type(loss)(*(self.by * part for part in loss))


@dataclass(frozen=True)
class Worded(R1):
    word: str = field(kw_only=True)


def test_what_has_a_parameter_without_default_is_checked_or_named(monkeypatch):
    monkeypatch.setitem(LOSSES, "tempered", Tempered)
    monkeypatch.setitem(PENALTIES, "worded", Worded)
    assert_passed(check_game("tempered, [nr]*, *, mlp, workers 1"))
    assert_passed(check for check in check_losses() if check.name == "tempered")
    (named,) = check_game("worded")
    assert not named.passed
    assert named.what.startswith("not played: give each of its parameters a default, or a range")


class Wrong(NonSaturating):
    def generator(self, *, real, fake):
        raise ValueError("no such thing")


class Sliced(R1):
    def value_and_grad(self, g, n, out, factor=1.0):
        return super().value_and_grad(g[:, :, 0], n, out, factor)


class Shy(Flip):
    def __init__(self):
        raise OSError("no table of colours")


@pytest.mark.parametrize(
    ("registry", "kind", "pattern", "reason"),
    [
        (LOSSES, Wrong, "wrong", "raises ValueError: no such thing"),
        (LOSSES, Wrong, "wrong, r1, *, mlp, *", "raises ValueError: no such thing"),  # its games alone
        (PENALTIES, Sliced, "sliced", "raises IndexError: too many indices"),
        (AUGMENTATIONS, Shy, "shy", "raises OSError: no table of colours"),
    ],
)
def test_what_raises_is_one_row_that_is_off_with_its_reason(registry, kind, pattern, reason, monkeypatch):
    monkeypatch.setitem(registry, kind.__name__.lower(), kind)
    (row,) = check_game(pattern)
    assert not row.passed
    assert row.unasked
    assert row.what.startswith(reason)
    if pattern == "wrong":
        rows = list(check_game("*g*, no penalty, alternating, mlp, workers 1"))
        assert [row.what for row in rows if not row.passed] == [reason]
        assert {row.name.split(",")[0] for row in rows if row.passed} >= {"hinge", "wgan"} & LOSSES.keys()


def group_of(case):
    return case.name.split(",")[0] if case.name.split(",")[0] in LOSSES else OPTIONS


def assert_passed(checks):
    checks = list(checks)
    assert checks
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("group", [*LOSSES, OPTIONS])
def test_both_players_follow_the_slope_of_what_they_minimise(group):
    assert_passed(check for case in cases() if group_of(case) == group for check in check_case(case))


def test_losses_and_penalties_alone():
    assert_passed(check_losses())
    assert_passed(check_penalties())
    assert {check.name for check in check_losses()} >= LOSSES.keys()
    assert {check.name for check in check_penalties()} >= PENALTIES.keys()


def test_a_pattern_chooses():
    names = {check.name for check in check_game("hinge, r1 + r2, *, conv, workers 1")}
    assert names == {f"hinge, r1 + r2, {update}, conv, workers 1" for update in ("alternating", "simultaneous")}
    assert len(list(check_game("no such name"))) == 0


@dataclass(frozen=True)
class Nearby(ZeroCentered):
    """A user's penalty that places its points itself."""

    points: ClassVar[str] = "around"

    def draw(self, rng, real):
        return 0.1 * rng.standard_normal(real.shape, dtype=real.dtype.type)


@dataclass(frozen=True)
class Edges(ZeroCentered):
    """Another: at one end of the line between real and fake, or at the other."""

    def draw(self, rng, real):
        return np.round(super().draw(rng, real))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("penalty", [Nearby(), Edges()], ids=lambda penalty: penalty.name)
def test_a_users_penalty_stands_where_it_draws(penalty, workers):
    assert_passed(check_case(SmallGame("own", game_of("curved", penalties=(penalty, R2()), d_steps=2), (4,), workers)))


@dataclass(frozen=True)
class Negative(Augmentation):
    """x → s·x with s = ±1: a user's augmentation."""

    numbers: ClassVar[int] = 1

    def draw(self, rng, shape, out):
        out[..., 0] = rng.choice([-1.0, 1.0], out.shape[:-1])

    def apply(self, x, drawn):
        x *= drawn[:, :, None, None]

    def transpose(self, dx, drawn):
        self.apply(dx, drawn)


class WrongWay(Negative):
    def transpose(self, dx, drawn):
        pass


@dataclass(frozen=True)
class Steep(ZeroCentered):
    """2·E‖∇D(x̂)‖⁶ (WGAN-div, Wu et al. 2018): one step along its slope may throw D out of all bounds."""

    def value_and_grad(self, g, n, out, factor=1.0):
        squares = squared_norms(g)
        scale_rows(g, 12 * factor / n * squares**2, out)
        return 2 * factor / n * float((squares**3).sum())


def test_a_steep_penalty_is_checked_where_numbers_are_numbers():
    game = game_of(loss=LeastSquares(), penalties=(Steep(),))
    assert_passed(check_case(SmallGame("steep", game, (4,))))


def test_a_users_augmentation_is_checked(monkeypatch):
    monkeypatch.setitem(AUGMENTATIONS, "negative", Negative)
    assert_passed(check_game("augmented*"))
    monkeypatch.setitem(AUGMENTATIONS, "negative", WrongWay)
    assert any(not check.passed for check in check_game("augmented, negative, *"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("activation", [nn.LeakyReLU(), nn.Tanh()], ids=repr)
def test_every_pass_of_a_move_sees_the_same_dropout(activation, update, workers):
    """The step itself as the function that is differentiated: streams rewound, players that stand still."""
    penalties = (R1(), R2()) if update == "simultaneous" else (R1(), WGANGP())
    game = game_of(
        rate=1e-300,
        g=(nn.Dense(8), activation, nn.Dropout(0.3), nn.Dense(4)),
        d=(nn.Dropout(0.2), nn.Dense(9), activation, nn.Dropout(0.4), nn.Dense(1)),
        penalties=penalties,
        update=update,
    )
    gan = GAN(game, (4,), workers=workers, dtype=np.float64)
    rng = np.random.default_rng(2)
    for player in (gan.g, gan.d):
        player.network.theta += 0.2 * rng.standard_normal(player.network.theta.size)
    real = rng.standard_normal((6, 4))
    begin = {name: state_of(stream) for name, stream in gan.streams.items()}

    def play_again():
        for name, stream in gan.streams.items():
            restore(stream, begin[name])
        return gan.step(real)

    def for_d():
        measures = play_again()
        return measures["d_loss"] + sum(measures[penalty.name] for penalty in penalties)

    with gan:
        play_again()
        heard = {player: player.state["heard"].copy() for player in (gan.g, gan.d)}
        assert gradient_error(for_d, gan.d.network.theta, heard[gan.d], rng) < 1e-8
        assert gradient_error(lambda: play_again()["g_loss"], gan.g.network.theta, heard[gan.g], rng) < 1e-8

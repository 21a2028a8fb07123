"""A loss and a user's penalty, with whatever types NumPy makes of them."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from mulligan.errors import UnsupportedError
from mulligan.game import GAN, R1, R2, WGANGP, DiscriminatorLoss, GeneratorLoss, NonSaturating, Penalty, Wasserstein
from mulligan.game.checking import NETS, check_loss, check_penalty, game_of
from mulligan.nn import layers as nn


def played(game, shape):
    gan, rng = GAN(game, shape, workers=2), np.random.default_rng(5)
    with gan:
        for n in (5, 4):
            labels = rng.integers(game.classes, size=n) if game.classes else None
            measures = gan.step(rng.standard_normal((n, *shape)), labels)
    return gan, measures


@dataclass(frozen=True)
class Wide(Wasserstein):
    """A user's loss, with the types that NumPy gives: float64 gradients, values that are no Python numbers."""

    def discriminator(self, *, real, fake):
        n = len(real)
        return DiscriminatorLoss(fake.mean() - real.mean(), np.full(n, -1 / n), np.full(n, 1 / n))

    def generator(self, *, real, fake):
        return GeneratorLoss(-fake.mean(), np.full(len(fake), -1 / len(fake)))


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"net": "curved"},
        {"net": "conv", "penalties": (WGANGP(),)},
        {"d": (nn.Dense(6), nn.BatchNorm(), nn.ReLU(), nn.Dense(1))},
        {"update": "simultaneous"},
        {"net": "curved", "update": "simultaneous", "penalties": (R1(), R2())},
    ],
    ids=("plain", "curved", "apart", "mixing", "at once", "penalised"),
)
def test_a_loss_may_give_the_types_that_numpy_gives(rules):
    net, game = rules.get("net", "mlp"), game_of(**rules)
    wide, own = (played(replace(game, loss=loss), NETS[net][2]) for loss in (Wide(), Wasserstein()))
    assert {type(value) for value in wide[1].values()} == {float}
    for name, array in wide[0].arrays().items():
        np.testing.assert_allclose(array, own[0].arrays()[name], rtol=1e-4, atol=1e-6)


class Noisy(Wasserstein):
    """A loss that meets an invalid operation whose result nobody uses, as BLAS does now and then."""

    def generator(self, *, real, fake):
        np.multiply(np.zeros(1), np.inf)
        return super().generator(real=real, fake=fake)


def test_an_invalid_operation_that_nobody_uses_is_no_warning_in_any_worker():
    played(replace(game_of(), loss=Noisy()), NETS["mlp"][2])
    with pytest.raises(RuntimeWarning, match="invalid value"):
        Noisy().generator(real=np.zeros(2), fake=np.zeros(2))


class Bare(Wasserstein):
    def discriminator(self, *, real, fake):
        return tuple(super().discriminator(real=real, fake=fake))


class Mean(Wasserstein):
    def generator(self, *, real, fake):
        return GeneratorLoss(-fake.mean(), -1 / len(fake))


class Looking(Wasserstein):
    """The gap: its value is made of the reals' logits, too."""

    def generator(self, *, real, fake):
        return GeneratorLoss(real.mean() - fake.mean(), np.full_like(fake, -1 / len(fake)))


class Told(Looking):
    relativistic = True


@pytest.mark.parametrize("loss", [Bare(), Mean()], ids=repr)
def test_a_loss_that_does_not_give_what_a_step_needs_is_refused(loss):
    method = "discriminator" if isinstance(loss, Bare) else "generator"
    for refused in (
        lambda: GAN(game_of(loss=loss), (4,), workers=1),
        lambda: list(check_loss(loss, "own", np.random.default_rng(0))),
    ):
        with pytest.raises(UnsupportedError, match=rf"^{type(loss).__name__}\.{method} must return"):
            refused()


def test_a_loss_that_looks_at_the_reals_untold_is_found_by_the_check():
    with pytest.raises(UnsupportedError, match=r"generator.* must not depend on real"):
        list(check_loss(Looking(), "own", np.random.default_rng(0)))
    assert all(check.passed for check in check_loss(Told(), "own", np.random.default_rng(0)))


class Blind(NonSaturating):
    """Notes how many logits of reals G's loss is shown."""

    shown: ClassVar[list[int]] = []

    def generator(self, *, real, fake):
        self.shown.append(len(real))
        return super().generator(real=real, fake=fake)


@pytest.mark.parametrize("d", [(nn.Dense(6), nn.Dense(1)), (nn.Dense(6), nn.BatchNorm(), nn.Dense(1))], ids=repr)
def test_g_s_loss_is_shown_no_reals_in_an_alternating_game(d):
    Blind.shown.clear()
    played(game_of(d=d, loss=Blind()), (4,))
    assert set(Blind.shown) == {0}


class Silent(Penalty):
    """Forgets to return its value."""

    def value_and_grad(self, g, n, out, factor=1.0):
        np.multiply(g, 2 / n, out=out)


class Unwritten(Penalty):
    """Gives its seed to a name of its own."""

    def value_and_grad(self, g, n, out, factor=1.0):
        out = 2 / n * g  # noqa: F841
        return np.square(g).sum() / n


class Half(Penalty):
    """Writes a part of its seed."""

    def value_and_grad(self, g, n, out, factor=1.0):
        np.multiply(g[:1], 2 / n, out=out[:1])
        return np.square(g).sum() / n


class Deaf(Penalty):
    """Does not hear what a schedule says."""

    def value_and_grad(self, g, n, out, factor=1.0):
        np.multiply(g, 2 / n, out=out)
        return np.square(g).sum() / n


@pytest.mark.parametrize("penalty", [Silent(), Unwritten(), Half()], ids=repr)
def test_a_penalty_that_does_not_give_what_a_step_needs_is_refused(penalty):
    for refused in (
        lambda: GAN(game_of(penalties=(penalty,)), (4,), workers=1),
        lambda: list(check_penalty(penalty, "own", np.random.default_rng(0))),
    ):
        with pytest.raises(UnsupportedError, match=rf"^{type(penalty).__name__}\.value_and_grad must return P"):
            refused()


def test_a_penalty_that_forgets_the_factor_is_found_by_the_check():
    found = {check.what: check.passed for check in check_penalty(Deaf(), "own", np.random.default_rng(0))}
    assert not found["factor"]

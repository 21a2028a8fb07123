"""Can the checks of augmented games fail? Each test plants one bug and wants to see red."""

import numpy as np
import pytest

from mulligan.game import Translation
from mulligan.game.augment import Warp
from mulligan.game.checking import check_game
from mulligan.game.draws import Draws
from mulligan.game.passes import DiscriminatorPasses

BUGS = {}


def bug(*patterns):
    """Register a bug, with the patterns of the checks that must see it, each by itself."""

    def register(plant):
        BUGS[plant.__name__] = (plant, patterns)
        return plant

    return register


@bug("augmented, translation, *, workers 1", "augmented, all, conv, *, workers 2")
def a_translation_is_its_own_transpose(patch):
    patch.setattr(Translation, "transpose", Translation.apply)


@bug("augmented, flip, *, workers 1")
def g_learns_from_what_d_saw(patch):
    patch.setattr(Warp, "transpose", lambda self, dx, drawn: dx)


@bug("augmented, all, conv, *, workers 1")
def transposes_in_the_order_of_the_maps(patch):
    def wrong(self, dx, drawn):
        for part, columns in self._columns():
            part.transpose(dx, drawn[:, columns])
        return dx

    patch.setattr(Warp, "transpose", wrong)


@bug("augmented, cutout, *, workers 1")
def only_the_reals_are_augmented(patch):
    right = DiscriminatorPasses.forward

    def wrong(self, real, fake, m):
        right(self, real, fake, m._replace(warp=np.stack([m.warp[0], np.zeros_like(m.warp[1])])))  # cuts nothing out
        self._drawn = m.warp

    patch.setattr(DiscriminatorPasses, "forward", wrong)


@bug("augmented, translation, *, workers 2")
def every_worker_takes_the_first_draws(patch):
    right = Draws.move

    def wrong(self, game, number, rows):
        first = right(self, game, number, slice(0, rows.stop - rows.start)).warp
        return right(self, game, number, rows)._replace(warp=first)

    patch.setattr(Draws, "move", wrong)


@bug("augmented, all, wgan_gp*, workers 1", "augmented, all, dragan*, workers 1")
def penalties_between_pictures_that_d_never_sees(patch):
    right = DiscriminatorPasses.penalize_apart

    def wrong(self, penalty, points, fake, m, *more):
        drawn, self._drawn = self._drawn, None
        value = right(self, penalty, points, fake, m, *more)
        self._drawn = drawn
        return value

    patch.setattr(DiscriminatorPasses, "penalize_apart", wrong)


def reds(pattern):
    found = list(check_game(pattern))
    assert found
    return [check for check in found if not check.error < 1e-6]


@pytest.mark.parametrize("name", BUGS)
def test_the_checks_go_red(name, monkeypatch):
    plant, patterns = BUGS[name]
    assert [reds(pattern) for pattern in patterns] == [[]] * len(patterns)
    plant(monkeypatch)
    assert all(reds(pattern) for pattern in patterns)

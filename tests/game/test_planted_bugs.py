"""Can the checks fail? Each test plants one bug in the game and wants to see red; nn plants those of the layers."""

import numpy as np
import pytest

from mulligan.game import (
    R1,
    WGANGP,
    DiscriminatorLoss,
    Game,
    GeneratorLoss,
    Hinge,
    NonSaturating,
    Penalty,
    Relativistic,
    RelativisticAverage,
    Translation,
)
from mulligan.game import player as player_module
from mulligan.game.augment import Warp
from mulligan.game.checking import check_game
from mulligan.game.draws import Draws
from mulligan.game.passes import DiscriminatorPasses
from mulligan.game.step import Step
from mulligan.nn import Workspace
from mulligan.nn.layers.activations import sigmoid

BUGS = {}


def bug(*where):
    """Register a bug, with the patterns of the checks that must see it, each by itself."""

    def register(plant):
        BUGS[plant.__name__] = (plant, where)
        return plant

    return register


def around(patch, cls, name, change):
    """Replace a method by one that may call the right one first."""
    right = getattr(cls, name)
    patch.setattr(cls, name, lambda self, *args, **kwargs: change(right, self, *args, **kwargs))


@bug("relativistic", "relativistic, no penalty, *, mlp, workers 1")
def g_climbs_its_loss(patch):
    def change(right, self, **logits):
        value, fake = right(self, **logits)
        return GeneratorLoss(value, -fake)

    around(patch, Relativistic, "generator", change)


@bug("hinge")
def a_real_beyond_the_hinge_still_counts(patch):
    def change(right, self, *, real, fake):
        value, _, c_fake = right(self, real=real, fake=fake)
        return DiscriminatorLoss(value, np.full_like(real, -1 / len(real)), c_fake)

    around(patch, Hinge, "discriminator", change)


@bug("relativistic_average", "relativistic_average, no penalty, *, mlp, workers 1")
def the_means_carry_no_gradient(patch):
    def wrong(self, *, real, fake):
        value = right(self, real=real, fake=fake).value
        n = len(real)
        return DiscriminatorLoss(value, -sigmoid(fake.mean() - real) / n, sigmoid(fake - real.mean()) / n)

    right = RelativisticAverage.discriminator
    patch.setattr(RelativisticAverage, "discriminator", wrong)


@bug("label smoothing", "label smoothing, *, workers 1")
def smoothing_has_no_gradient(patch):
    def change(right, self, *, real, fake):
        value, _, c_fake = right(self, real=real, fake=fake)
        return DiscriminatorLoss(value, -sigmoid(-real) / len(real), c_fake)

    around(patch, NonSaturating, "discriminator", change)


@bug("r1", "hinge, r1, *, mlp, workers 1", "hinge, r1, *, curved, workers 1")
def seed_without_gamma_over_n(patch):
    def change(right, self, g, n, out, factor=1.0):
        value = right(self, g, n, out, factor)
        out[...] = g
        return value

    around(patch, R1, "value_and_grad", change)


@bug("wgan_gp")
def nan_where_the_gradient_is_zero(patch):
    def change(right, self, g, n, out, factor=1.0):
        value = right(self, g, n, out, factor)
        out[~g.reshape(len(g), -1).any(axis=1)] = np.nan
        return value

    around(patch, WGANGP, "value_and_grad", change)


@bug("hinge, r2, *, mlp, workers 1", "hinge, r2, *, curved, workers 1")
def the_tangent_is_dropped(patch):
    patch.setattr(Workspace, "tangent", lambda self, tx: self.network.layer.tangent(self.memory, 0 * tx))


@bug("hinge, r1 + r2, *, mlp, workers 1")
def the_second_penalty_replaces_the_first(patch):
    def change(right, self, penalties, *more):
        return right(self, penalties, *more) | right(self, penalties[-1:], *more)

    around(patch, DiscriminatorPasses, "penalize", change)


@bug("schedules, *, workers 1")
def the_schedule_of_penalties_is_forgotten(patch):
    patch.setattr(Step, "factor", property(lambda self: 1.0, lambda self, value: None), raising=False)


@bug("wasserstein, wgan_gp, alternating, mlp, workers 1", "wasserstein, wgan_gp, alternating, conv, workers 2")
def epsilon_on_the_other_side(patch):
    around(patch, Penalty, "draw", lambda right, self, rng, real: 1 - right(self, rng, real))


@bug("wasserstein, no penalty, alternating, mlp, workers 1", "hinge, r1, alternating, conv, workers 2")
def g_is_handed_the_gradient_of_the_logits(patch):
    def change(right, self, c_g):
        shape = right(self, c_g).shape
        return np.broadcast_to(c_g.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()

    around(patch, DiscriminatorPasses, "fake_gradient", change)


@bug("hinge, r2, simultaneous, mlp, workers 1")
def g_follows_the_unit_gradient(patch):
    patch.setattr(DiscriminatorPasses, "rows_times", lambda self, c, g: g)


@bug("hinge, no penalty, *, mlp, workers 1", "hinge, r1 + r2, *, conv, workers 2")
def reals_and_fakes_change_places(patch):
    def change(right, self, *args):
        right(self, *args)
        if len(self.real_logits):
            self.real_logits, self.fake_logits = self.fake_logits, self.real_logits

    around(patch, DiscriminatorPasses, "forward", change)


@bug("relativistic, no penalty, *, mlp, workers 2")
def workers_in_the_wrong_order(patch):
    def change(right, self):
        own = self.rows
        self.rows = slice(self.n - own.stop, self.n - own.start)
        logits = right(self)
        self.rows = own
        return logits

    around(patch, Step, "gather_logits", change)


@bug("hinge, no penalty, *, mlp, workers 2", "hinge, r1 + r2, *, conv, workers 2")
def the_second_worker_is_not_summed(patch):
    patch.setattr(player_module, "sum_gradients", lambda spaces, part: None)


@bug("d_steps = 2, workers 1")
def every_move_of_d_sees_the_same_batch(patch):
    def change(right, self, game, number, rows):
        real = self.real[rows]
        return right(self, game, number, rows)._replace(real=real)

    around(patch, Draws, "move", change)


@bug("d_steps = 3, relativistic, classes, workers 1")
def g_sees_the_first_of_d_s_batches(patch):
    around(patch, Game, "part", lambda right, self, move: right(self, move) if move < self.d_steps else 0)


@bug("hinge, no penalty, *, mlp, workers 1", "non_saturating, r1, *, curved, workers 1")
def yesterday_s_batch(patch):
    kept = []

    def change(right, self, real, *more):
        if real is not None:
            kept.append(real.copy())
            real = kept[0]
        right(self, real, *more)

    around(patch, DiscriminatorPasses, "forward", change)


@bug("hinge, no penalty, alternating, mlp, workers 1")
def g_s_move_uses_the_z_of_d_s(patch):
    def change(right, self, game, number, rows):
        return right(self, game, number, rows)._replace(z=right(self, game, 0, rows).z)

    around(patch, Draws, "move", change)


@bug("hinge, no penalty, alternating, mlp, workers 1", "hinge, r1, alternating, conv, workers 2")
def g_s_move_leaves_gradients_in_d(patch):
    def change(right, self, c_g):
        d_fake = right(self, c_g)
        self.space.grads()
        return d_fake

    around(patch, DiscriminatorPasses, "fake_gradient", change)


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
    def change(right, self, penalty, points, fake, m, *more):
        return right(self, penalty, points, fake, m._replace(warp=None), *more)

    around(patch, DiscriminatorPasses, "penalize_apart", change)


def passed(pattern):
    with np.errstate(all="ignore"):  # a bug may overflow; that is not what is tested
        checks = list(check_game(pattern))
    assert checks, f"no check is called {pattern!r}"
    return all(check.passed for check in checks)


@pytest.mark.parametrize("name", BUGS)
def test_the_checks_go_red(name, monkeypatch):
    plant, patterns = BUGS[name]
    plant(monkeypatch)
    assert {pattern: passed(pattern) for pattern in patterns} == dict.fromkeys(patterns, False)

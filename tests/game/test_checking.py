"""Every gradient of the game by differences: losses, penalties, both players' whole steps."""

import pytest

from mulligan.game.checking import Case, cases, check_game, check_losses, check_penalties, game_of
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES

OPTIONS = "options"


def group_of(case):
    return case.name.split(",")[0] if case.name.split(",")[0] in LOSSES else OPTIONS


def assert_passed(checks):
    checks = list(checks)
    assert checks
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("group", [*LOSSES, OPTIONS])
def test_both_players_follow_the_slope_of_what_they_minimise(group):
    assert_passed(check for case in cases() if group_of(case) == group for check in case.checks())


def test_losses_and_penalties_alone():
    assert_passed(check_losses())
    assert_passed(check_penalties())
    assert {check.name for check in check_losses()} >= LOSSES.keys()
    assert {check.name for check in check_penalties()} >= PENALTIES.keys()


def test_a_pattern_chooses():
    names = {check.name for check in check_game("hinge, r1 + r2, *, conv, lanes 1")}
    assert names == {f"hinge, r1 + r2, {update}, conv, lanes 1" for update in ("alternating", "simultaneous")}
    assert len(list(check_game("no such name"))) == 0


def test_names_are_unique():
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))


def test_a_game_of_nan_is_not_passed():
    class Broken(LOSSES["hinge"]):
        def generator(self, *, real, fake):
            return super().generator(real=real, fake=fake * float("nan"))

    checks = Case("nan", game_of(loss=Broken()), (4,)).checks()
    assert any(not check.passed for check in checks)

"""The fastest way wins, and whoever wins, the bytes are those of the first."""

import numpy as np
import pytest

from mulligan.nn.layers import contest
from mulligan.nn.layers.contest import HEATS, Contest

FIRST, SECOND, THIRD = ways = ((1, 1, 1), (2, 2, 2), (3, 3, 3))
ENOUGH = (HEATS + 1) * len(ways) + 1


class Race:
    """Products that take as long as they are told to, on a clock that only they move."""

    def __init__(self, monkeypatch, seconds, wrong=()):
        self.seconds, self.wrong = seconds, wrong
        self.now, self.taken = 0.0, []
        monkeypatch.setattr(contest.time, "perf_counter", lambda: self.now)

    def multiply(self, a, b, out, way):
        self.taken.append(way)
        self.now += self.seconds(way, len(self.taken))
        np.add(a, b, out=out)
        if way in self.wrong:
            out[0] = np.nextafter(out[0], np.inf)

    def run(self, found, turns=ENOUGH):
        a, b = np.arange(4.0), np.ones(4)
        for _ in range(turns):
            out = np.full(4, np.nan)
            found.play(self.multiply, a, b, out)
            np.testing.assert_array_equal(out, a + b)


@pytest.mark.parametrize("winner", ways)
def test_the_fastest_wins(monkeypatch, winner):
    found = Contest(ways)
    Race(monkeypatch, lambda way, _: 1.0 if way == winner else 1.1).run(found)
    assert found.fastest == winner


def test_one_slow_heat_decides_nothing(monkeypatch):
    found, times = Contest(ways), {FIRST: 1.1, SECOND: 1.1, THIRD: 1.0}
    race = Race(monkeypatch, lambda way, _: 50.0 if race.taken.count(way) == 4 else times[way])
    race.run(found)
    assert found.fastest == THIRD


def test_nobody_has_won_before_all_were_timed(monkeypatch):
    found = Contest(ways)
    Race(monkeypatch, lambda way, _: 1.0).run(found, turns=HEATS * len(ways))
    assert found.fastest is None


def test_a_way_that_gives_other_bytes_is_out(monkeypatch):
    found = Contest(ways)
    race = Race(monkeypatch, lambda way, _: 1.0 if way == SECOND else 1.1, wrong=(SECOND,))
    race.run(found)
    assert race.taken.count(SECOND) == 1
    assert found.fastest in (FIRST, THIRD)


def test_where_all_others_are_out_the_first_wins(monkeypatch):
    found = Contest(ways)
    Race(monkeypatch, lambda way, _: 1.0, wrong=(SECOND, THIRD)).run(found)
    assert found.fastest == FIRST


def test_zeros_do_not_hide_that_a_way_gives_other_bytes(monkeypatch):
    found, zeros, ones = Contest(ways), np.zeros(4), np.ones(4)

    def multiply(a, b, out, way):
        race.taken.append(way)
        race.now += 1.0 if way == SECOND else 1.1
        np.multiply(a, b, out=out)
        if way == SECOND:
            np.multiply(out, 1 + 1e-15, out=out)

    race = Race(monkeypatch, None)
    for turn in range(ENOUGH):
        out = np.full(4, np.nan)
        found.play(multiply, zeros if turn < len(ways) + 2 else ones, ones, out)
        assert out.tobytes() == (zeros if turn < len(ways) + 2 else ones).tobytes()
    assert found.fastest in (FIRST, THIRD)


@pytest.mark.parametrize("places", [1, 2, 3, 4])
def test_every_way_sees_every_place_of_a_step(monkeypatch, places):
    """Where a step takes a product twice, the second has its operands in the cache, say."""
    found = Contest(ways)
    race = Race(monkeypatch, lambda way, number: 1.0)
    seen = set()
    for turn in range(HEATS * len(ways)):
        before = len(race.taken)
        race.run(found, turns=1)
        if len(race.taken) == before + 1:  # not the turn in which it was compared
            seen.add((race.taken[-1], turn % places))
    assert seen == {(way, place) for way in ways for place in range(places)}


def test_where_there_is_one_way_there_is_no_contest():
    assert Contest((FIRST,)).fastest == FIRST

"""Real samples by number, which every worker takes for itself: the same bytes as samples that were handed over."""

from dataclasses import replace

import numpy as np
import pytest

from mulligan.data import load
from mulligan.data.dataset import scaled
from mulligan.data.reals import Reals
from mulligan.errors import ShapeError
from mulligan.game.batch import Rows
from mulligan.game.checking import NETS, Case, game_of
from mulligan.game.gan import GAN
from mulligan.game.penalties import DRAGAN, R1, WGANGP
from mulligan.nn.workers.processes import can_fork

SHAPE = NETS["mlp"][2]


class Samples:
    """A source that remembers, in the process that asks, what it was asked for."""

    def __init__(self, seed=0):
        self.all = np.random.default_rng(seed).standard_normal((40, *SHAPE))
        self.shape = SHAPE
        self.asked = []

    def take(self, numbers, out, /):
        self.asked.append(numbers.tolist())
        np.take(self.all, numbers, axis=0, out=out)


def case_of(**rules):
    return Case("small", game_of("mlp", **rules), SHAPE)


def play(case, batches, *, workers=2, processes=False):
    gan = GAN(case.game, case.shape, seed=0, workers=workers, dtype=np.float64, processes=processes)
    with gan:
        for batch in batches:
            gan.step(batch)
    return {name: array.tobytes() for name, array in gan.arrays().items()}


def numbers(count, n=6):
    rng = np.random.default_rng(1)
    return [rng.integers(40, size=n) for _ in range(count)]


@pytest.mark.parametrize(
    "processes", [False, pytest.param(True, marks=pytest.mark.skipif(not can_fork(), reason="no fork"))]
)
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    "rules",
    [
        {"update": "simultaneous", "penalties": (R1(),)},
        {"update": "alternating"},
        {"update": "alternating", "penalties": (WGANGP(),)},
        {"update": "alternating", "penalties": (DRAGAN(),)},
    ],
    ids=["simultaneous", "alternating", "between", "around"],
)
def test_by_number_or_handed_over(rules, workers, processes):
    case, samples = case_of(**rules), Samples()
    case = replace(case, game=replace(case.game, d_steps=2 if case.game.update == "alternating" else 1))
    drawn = numbers(4, 12)
    handed = play(case, [samples.all[n] for n in drawn], workers=workers)
    assert play(case, [Rows(samples, n) for n in drawn], workers=workers, processes=processes) == handed


def test_every_worker_takes_its_own_rows():
    samples, (drawn,) = Samples(), numbers(1, 7)
    play(case_of(update="simultaneous"), [Rows(samples, drawn)], workers=2)
    assert sorted(samples.asked) == sorted([drawn[:3].tolist(), drawn[3:].tolist()])


@pytest.mark.parametrize(
    "processes", [False, pytest.param(True, marks=pytest.mark.skipif(not can_fork(), reason="no fork"))]
)
def test_another_source_and_back(processes):
    case, first, second, drawn = case_of(update="simultaneous"), Samples(0), Samples(1), numbers(4)
    sources = [first, first, second, first]
    handed = play(case, [source.all[n] for source, n in zip(sources, drawn)])
    by_number = [Rows(source, n) for source, n in zip(sources, drawn)]
    assert play(case, by_number, processes=processes) == handed
    mixed = [by_number[0], first.all[drawn[1]], *by_number[2:]]
    assert play(case, mixed, processes=processes) == handed


def test_the_last_step_s_reals_can_be_looked_at():
    case, samples, (drawn,) = case_of(update="simultaneous"), Samples(), numbers(1)
    gan = GAN(case.game, case.shape, workers=2, dtype=np.float64, processes=True)
    with gan:
        gan.step(Rows(samples, drawn))
    np.testing.assert_array_equal(gan.real, samples.all[drawn])


def test_a_source_of_another_shape_is_refused():
    samples = Samples()
    samples.shape = (3, 3, 1)
    gan = GAN(case_of(update="simultaneous").game, SHAPE, workers=2)
    with pytest.raises(ShapeError, match=r"\(6, 3, 3, 1\) does not fit"):
        gan.step(Rows(samples, np.arange(6)))


def test_a_data_set_gives_what_its_pictures_scale_to():
    digits = load("mnist").limited(50)
    drawn = np.array([3, 3, 49, 0])
    out = np.empty((4, 28, 28, 1), np.float32)
    Reals(digits, -1.0, 1.0).take(drawn, out)
    np.testing.assert_array_equal(out, scaled(np.asarray(digits.images)[drawn]))


def test_points_stay_as_they_are():
    ring = load("ring").limited(50)
    out = np.empty((2, 2), np.float32)
    Reals(ring, -1.0, 1.0).take(np.array([4, 1]), out)
    np.testing.assert_array_equal(out, np.asarray(ring.images)[[4, 1]])

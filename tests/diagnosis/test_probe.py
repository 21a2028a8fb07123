"""Figures by their definitions, of samples that a test makes; and whole GANs that are plain functions of NumPy."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import entr

from mulligan.data import TOYS, load, scale_samples
from mulligan.diagnosis import Answers, Facts, History, Probe, Reals
from mulligan.metrics import bundled_judge
from mulligan.metrics.copies import copying, originals

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False, steps=1000)
RING = TOYS["ring"]
CENTRES = RING.modes.astype(np.float32)


def ring(seed, n=256):
    return RING.sample(n, np.random.default_rng(seed))


def of(reals, made, averaged=None, **parts):
    """Return the probe of a G that gives these samples, and of one that gives others when it is averaged."""
    samples = {False: made, True: made if averaged is None else averaged}
    return Probe(reals, lambda n, average: samples[average][:n], PLAIN, averaged=averaged is not None, **parts)


def on_ring(made, averaged=None):
    return of(Reals(ring(0), -2.1, 2.1, toy=RING), made, averaged).measure()


def spread(x, kinds):
    """Deviation inside the kinds, one degree of freedom less for each."""
    inside = sum(((x[k == kinds] - x[k == kinds].mean(axis=0)) ** 2).sum() for k in set(kinds))
    return math.sqrt(inside / (len(x) - len(set(kinds))) / x[0].size)


def test_signals_of_a_perfect_generator():
    signals, histogram = on_ring(ring(1))
    for name in ("spread", "distance", "classes", "inner"):
        assert signals[name] == pytest.approx(1.0, abs=0.15)
    assert abs(signals["gap"]) < 0.02
    assert signals["coverage"] > 0.85
    assert sum(histogram) == pytest.approx(1.0)
    assert signals["scale"] == pytest.approx(4.2 / 2)


def test_the_averaged_g_is_asked_for_classes_where_the_other_has_few():
    one = np.resize(ring(1)[:1], (256, 2))
    signals, _ = on_ring(one, averaged=ring(1))
    assert signals["classes"] < 0.2
    assert signals["classes_averaged"] == pytest.approx(1.0, abs=0.15)
    assert "classes_averaged" not in on_ring(one)[0].keys() | on_ring(ring(1), averaged=one)[0].keys()


def test_the_averaged_g_of_points_is_asked_how_far_it_is_where_the_other_is_far():
    x, y = ring(0).astype(float), 2 * ring(1).astype(float)
    among = [cdist(a, a).sum() / 256 / 255 for a in (x, y)]
    signals, _ = on_ring(3 * ring(1), averaged=2 * ring(1))
    assert signals["gap_averaged"] == pytest.approx((2 * cdist(x, y).mean() - sum(among)) / among[0], rel=1e-4)
    assert "gap_averaged" not in on_ring(3 * ring(1))[0].keys() | on_ring(ring(1), averaged=3 * ring(1))[0].keys()


def test_figures_of_points_by_definition():
    rng = np.random.default_rng(4)
    x = rng.normal([2, 2, 3], [0.3, 0.2, 0.3], (256, 3)).astype(np.float32)
    y = rng.normal([2, 2.2, 3], 0.2, (256, 3)).astype(np.float32)
    low, high = float(x.min()), float(x.max())
    signals, histogram = of(Reals(x, low, high), y).measure()
    mirrored = of(Reals(-x, -high, -low), y).measure()[0]
    assert histogram == []
    assert not {"classes", "inner", "extreme", "sharpness", "ranking", "modes_found"} & signals.keys()
    blind = Answers(np.zeros(64), np.zeros(64))
    assert of(Reals(x, low, high), y, answers=lambda fakes: blind).measure()[0]["ranking"] == 0.0  # none is above
    x, y = x.astype(float), y.astype(float)
    between, reals, fakes = cdist(x, y), cdist(x, x), cdist(y, y)
    radius = np.sort(reals, axis=1)[:, 5]  # itself is number 0
    assert 0.05 < signals["coverage"] < 0.95
    assert signals["coverage"] == np.mean(between.min(axis=1) < radius)
    among_reals, among_fakes = (a.sum() / (len(a) * (len(a) - 1)) for a in (reals, fakes))
    assert signals["distance"] == pytest.approx(among_fakes / among_reals, rel=1e-4)
    assert signals["gap"] == pytest.approx((2 * between.mean() - among_reals - among_fakes) / among_reals, rel=1e-3)
    of_reals, of_fakes = (spread(a, np.zeros(256)) for a in (x, y))
    assert signals["spread"] == pytest.approx(of_fakes / of_reals, rel=1e-4)
    assert signals["variety"] == pytest.approx(of_reals / ((high - low) / 2), rel=1e-4)
    assert signals["span"] == pytest.approx((y.max() - y.min()) / (high - low), rel=1e-5)
    assert signals["scale"] == pytest.approx((high - low) / 2, rel=1e-6)
    assert signals["offset"] == pytest.approx((high + low) / (high - low), rel=1e-6)  # how far the middle is from 0
    assert mirrored["offset"] == pytest.approx(signals["offset"])


def test_classes_of_a_toy_are_its_modes():
    wide = ring(1, 600) + np.random.default_rng(0).normal(0, 0.1, (600, 2)).astype(np.float32)
    made = np.resize(wide[np.isin(cdist(wide, CENTRES).argmin(axis=1), (0, 1, 4))], (256, 2))
    signals, histogram = on_ring(made)
    of_reals, of_fakes = (cdist(a, CENTRES).argmin(axis=1) for a in (ring(0), made))
    shares, right = (np.bincount(kinds, minlength=8) / 256 for kinds in (of_fakes, of_reals))
    assert histogram == pytest.approx(shares)  # the last modes too, which no fake is in
    assert signals["classes"] == pytest.approx(math.exp(entr(shares).sum() - entr(right).sum()), rel=1e-6)
    assert signals["inner"] == pytest.approx(spread(made, of_fakes) / spread(ring(0), of_reals), rel=1e-3)


def test_modes_are_found_by_the_averaged_g_and_against_those_that_the_reals_have():
    made = np.resize(CENTRES[:3] + np.float32(0.041), (256, 2))  # 2.9 deviations off
    assert on_ring(9 + made, averaged=made)[0]["modes_found"] == pytest.approx(3 / 8)
    assert on_ring(made + np.float32(0.003))[0]["modes_found"] == 0.0
    few = Reals(np.resize(CENTRES[:3], (256, 2)), -2.1, 2.1, toy=RING)
    assert of(few, made).measure()[0]["modes_found"] == 1.0


def test_classes_of_digits_are_the_judges():
    digits, judge = load("mnist"), bundled_judge("mnist")

    def seen(x):
        return judge.features_and_probabilities(np.rint((x + 1) * 127.5).astype(np.uint8))

    chosen = np.flatnonzero(digits.labels < 3)[-256:]
    reals = Reals(scale_samples(np.asarray(digits.images[:256])), -1.0, 1.0, judge=seen)
    made = scale_samples(np.asarray(digits.images[chosen]))
    signals, histogram = of(reals, made, averaged=made).measure()
    assert signals["classes"] == signals["classes_averaged"]
    shares, of_reals = (np.bincount(digits.labels[rows], minlength=10) / 256 for rows in (chosen, slice(256)))
    np.testing.assert_allclose(histogram, shares, atol=0.02)
    assert signals["classes"] == pytest.approx(math.exp(entr(shares).sum() - entr(of_reals).sum()), rel=0.05)
    assert signals["inner"] == pytest.approx(1.0, abs=0.25)
    assert signals["coverage"] < 0.6  # of seven digits in ten no fake is near


@pytest.mark.parametrize(
    ("low", "reach", "beyond"),
    [(0.0, (0, 1), 0), (-1.0, (-1, 1), 0), (-1.0, (0, 1), 0.5), (-1.0, (0, 0.5), 0.75), (-1.0, (5, 6), 1)],
)
def test_pictures_are_measured_in_their_own_range_and_inside_their_classes(low, reach, beyond):
    rng = np.random.default_rng(3)
    shown, made = (np.clip(rng.normal(0.5, s, (200, 8, 8, 1)), 0, 1).astype(np.float32) for s in (0.3, 0.4))
    shown, made = (low + (1 - low) * a for a in (shown, made))
    shown[0, 0, 0], kinds, asked = -9, *rng.integers(0, 4, (2, 200))  # one pixel lies outside
    signals, _ = of(Reals(shown, low, 1.0, labels=kinds), made, labels=asked, reach=reach).measure()
    assert signals["scale"] == pytest.approx((1 - low) / (reach[1] - reach[0]))
    assert signals["beyond"] == pytest.approx(beyond)
    assert signals["offset"] == pytest.approx((1 + low) / (1 - low))
    assert signals["span"] == pytest.approx((made.max() - made.min()) / (1 - low), rel=1e-5)
    ends = [np.mean((a < low + 0.005 * (1 - low)) | (a > 1 - 0.005 * (1 - low))) for a in (made, shown)]
    assert 0.01 < ends[0] < 0.99
    assert (signals["extreme"], signals["extreme_real"]) == pytest.approx(ends)
    steps = [(abs(np.diff(a, axis=1)).mean() + abs(np.diff(a, axis=2)).mean()) / a.std() for a in (made, shown)]
    assert signals["sharpness"] == pytest.approx(steps[0] / steps[1], rel=1e-4)
    assert signals["spread"] == pytest.approx(spread(made, asked) / spread(shown, kinds), rel=1e-4)
    assert signals["variety"] == pytest.approx(spread(shown, np.zeros(200)) / ((1 - low) / 2), rel=1e-4)


@pytest.mark.parametrize("width", [3, 8, 9])
def test_the_path_is_told_in_half_ranges_of_the_averaged_g(width):
    made = np.random.default_rng(1).normal(size=(256, width)).astype(np.float32)
    probe = of(Reals(made, -3.0, 1.0), made, averaged=2 * made)
    expected = made[:16] if width <= 8 else made[:16] @ probe.directions
    np.testing.assert_allclose(probe.track(), expected.ravel(), rtol=1e-4, atol=1e-6)
    assert np.square(probe.directions).sum(axis=0).mean() == pytest.approx(1, abs=0.5)  # nothing grows or shrinks by it
    assert probe.lag() == pytest.approx(math.sqrt(np.square(made[:16]).mean()) / spread(made, np.zeros(256)), rel=1e-4)


def test_what_is_there_many_times_covers_what_is_near_it():
    few = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    near = np.resize(few, (256, 2)) + np.float32(1e-3)
    for points in (few, np.repeat(few, 10, axis=0)):  # of a real and its copies, the radius would be 0
        assert of(Reals(points, -2.0, 2.0), near).measure()[0]["coverage"] == 1.0
    assert not Reals(np.repeat(few[:1], 20, axis=0), -2.0, 2.0).radius.any()  # nothing different to measure it by


def test_one_sample_repeated_is_named():
    same = np.full((300, 8, 8, 1), 0.3, np.float32)
    signals, _ = of(Reals(same, -1.0, 1.0), same[:256], originals=lambda: (same, None)).measure()
    assert signals["variety"] < 1e-3
    assert "distance" not in signals


def test_copies_are_told_from_new_pictures():
    rng = np.random.default_rng(2)
    seen, held, new = (rng.uniform(-1, 1, (n, 64)).astype(np.float32) for n in (400, 150, 256))
    for made, copied in ((seen[:256], True), (new, False)):
        found = of(Reals(seen[:256], -1.0, 1.0), made, averaged=held, originals=lambda: (seen, held)).copying()
        assert (found["ct_z"] < -10) is copied
        assert found["ct_z"] == pytest.approx(copying(made, originals(held, seen, cells=1)).ct_z)
        assert (found["authentic"] < -20) is copied


def test_copies_of_a_few_pictures_are_looked_for_without_held_out_ones(monkeypatch):
    few = np.random.default_rng(2).uniform(-1, 1, (30, 64)).astype(np.float32)
    reals, made = Reals(few, -1.0, 1.0), np.resize(few, (256, 64))
    for seen in (few, np.tile(few, (60, 1))):
        assert of(reals, made, originals=lambda seen=seen: (seen, None)).copying()["nearness"] < 0.01
        assert of(reals, -made, originals=lambda seen=seen: (seen, None)).copying()["nearness"] > 0.9
    one = np.repeat(few[:1], 9, axis=0)  # a copy has no other sample to be compared with
    assert of(reals, made, originals=lambda: (one, None)).copying() == of(reals, made).copying() == {}
    monkeypatch.setattr("mulligan.diagnosis.probe.ALONE", 29)
    assert of(reals, made, originals=lambda: (few, None)).copying() == {}


def told(generator, discriminator, measures):
    """Diagnose a GAN for a thousand steps. `generator` is given z and the step; `discriminator` gives logits."""
    z, reals, at = np.random.default_rng(0).normal(size=(256, 2)), Reals(ring(0), -2.1, 2.1), 0
    probe = Probe(
        reals,
        lambda n, average: generator(z[:n], at).astype(np.float32),
        PLAIN,
        lambda fakes: Answers(discriminator(reals.x[: len(fakes)]), discriminator(fakes)),
    )
    history = History()
    for at in range(50, 1001, 50):
        _, news = history.report(probe, at, measures)
        if news is not None:
            yield news


def onto_ring(z, at):
    return min(at / 200, 2) * z / np.linalg.norm(z, axis=1, keepdims=True)


EVEN = {"d_loss": 1.35, "d_real": 0.1, "d_fake": -0.1, "d_accuracy": 0.55}
SURE = {"d_loss": 0.01, "d_real": 6.0, "d_fake": -6.0, "d_accuracy": 1.0}


@pytest.mark.parametrize(
    ("generator", "measures", "state"),
    [
        (onto_ring, EVEN, None),
        (lambda z, at: np.full((len(z), 2), (at / 500, 0)), EVEN, "dead latent"),
        (lambda z, at: 0.05 * z + at / 500, EVEN, "mode collapse"),
        (lambda z, at: z - 6 + at / 250, SURE, "D wins"),
        (lambda z, at: z + 9, EVEN, "standstill"),
    ],
)
def test_plain_functions_of_numpy_are_diagnosed(generator, measures, state):
    found = next(told(generator, lambda x: x[:, 0], measures), None)
    assert (found and found.state) == state

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import entropy as scipy_entropy

from mulligan.data import TOYS, Dataset, load, scaled
from mulligan.nn import Network
from mulligan.nn.rng import stream
from mulligan.training import Run
from mulligan.training.probe import facts_of, probe_of


def latents(run: Run) -> Any:
    """Return the fixed z and their classes."""
    return run.draw(256, seed=run.config.seed)


def test_signals_of_a_perfect_generator(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tiny(data={"name": "ring", "labels": "none", "limit": 0}))
    probe = probe_of(run)
    fresh = np.asarray(run.data.images[-256:])
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: fresh[: len(z)].copy())
    signals, histogram = probe.measure()
    for name in ("spread", "distance", "classes", "inner"):
        assert signals[name] == pytest.approx(1.0, abs=0.15)
    assert abs(signals["gap"]) < 0.02
    assert signals["coverage"] > 0.85
    assert sum(histogram) == pytest.approx(1.0)
    assert signals["scale"] == pytest.approx((fresh.max() - fresh.min()) / 2, rel=0.02)


def test_the_averaged_g_is_asked_for_classes_where_the_other_has_few(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = np.asarray(Run(tiny(data={"name": "ring", "labels": "none", "limit": 0})).data.images[-256:])
    for average, raw, asked in (("ema", fresh[:1], True), ("none", fresh[:1], False), ("ema", fresh, False)):
        run = Run(tiny(data={"name": "ring", "labels": "none", "limit": 0}, average=average))
        probe = probe_of(run)
        made = {True: fresh, False: np.resize(raw, fresh.shape)}
        monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True, made=made: made[average].copy())
        signals, _ = probe.measure()
        assert ("classes_averaged" in signals) is asked
        if asked:
            assert signals["classes"] < 0.2
            assert signals["classes_averaged"] == pytest.approx(1.0, abs=0.15)


def test_the_averaged_g_of_points_is_asked_how_far_it_is_where_the_other_is_far(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = {"name": "ring", "labels": "none", "limit": 0}
    fresh = np.asarray(Run(tiny(data=ring)).data.images[-256:])
    for average, raw, asked in (("ema", 3 * fresh, True), ("none", 3 * fresh, False), ("ema", fresh, False)):
        run = Run(tiny(data=ring, average=average))
        probe, made = probe_of(run), {True: 2 * fresh, False: raw}
        monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True, made=made: made[average].copy())
        signals, _ = probe.measure()
        assert ("gap_averaged" in signals) is asked
        if asked:
            x = probe.reals.x.astype(float)
            among = [cdist(a, a).sum() / 256 / 255 for a in (x, 2.0 * fresh)]
            expected = (2 * cdist(x, 2.0 * fresh).mean() - sum(among)) / among[0]
            assert signals["gap_averaged"] == pytest.approx(expected, rel=1e-4)


def test_gradient_signals_by_differences(tiny: Any) -> None:
    run = Run(tiny())
    probe = probe_of(run)
    signals, _ = probe.measure()
    x = probe.reals.x[:64].astype(np.float64)
    space = run.gan.d.network.workspace()
    squares = np.zeros(64)
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-3
        up, down = (space.forward((x + s * step).astype(np.float32), training=False)[:, 0].copy() for s in (1, -1))
        squares += ((up - down) / 2e-3) ** 2
    low, high = run.data.range
    assert signals["r1"] == pytest.approx(squares.mean() * ((high - low) / 2) ** 2, rel=2e-2)


def test_g_gradient_is_that_of_the_loss(tiny: Any) -> None:
    run = Run(tiny(loss="non_saturating"))
    probe = probe_of(run)
    signals, _ = probe.measure()
    z = latents(run)[0][:64]
    theta, d = run.gan.g.network.theta, run.gan.d.network.workspace()

    def loss() -> float:
        fake = d.forward(run.gan.g.network.workspace().forward(z, training=False), training=False)[:, 0]
        return run.config.loss.generator(real=fake, fake=fake).value

    grad = np.zeros(theta.size)
    for i in range(theta.size):
        kept = theta[i].copy()
        values = []
        for h in (1e-2, -1e-2):
            theta[i] = kept + np.float32(h)
            values.append(loss())
        theta[i] = kept
        grad[i] = (values[0] - values[1]) / 2e-2
    assert signals["g_gradient"] == pytest.approx(np.linalg.norm(grad), rel=2e-2)


def test_one_sample_repeated_is_named(tiny: Any) -> None:
    same = Dataset("same", np.full((300, 8, 8, 1), 90, np.uint8))
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    run = Run(tiny(generator={"layers": g}, discriminator={"layers": d}), data=same)
    signals, _ = probe_of(run).measure()
    assert signals["variety"] < 1e-3
    assert "distance" not in signals


def test_of_one_sample_alone_copies_are_not_looked_for(tiny: Any, digits: Dataset) -> None:
    many = Dataset("many", np.repeat(np.asarray(digits.images), 5, axis=0))
    one = Dataset("one", np.asarray(digits.images[:1]), test=many)
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    probe = probe_of(Run(tiny(generator={"layers": g}, discriminator={"layers": d}), data=one))
    assert probe.copying() == {}  # a copy has no other sample to be compared with
    assert probe.measure()[0]["variety"] == 0.0  # which names it


def test_a_g_with_layers_inside_layers_is_measured(tiny: Any, digits: Dataset) -> None:
    nets = {
        who: {"layers": {"kind": f"r3gan_{who}", "widths": [4, 4], "blocks": [1, 1]}}
        for who in ("generator", "discriminator")
    }
    signals, _ = probe_of(Run(tiny(**nets), data=digits)).measure()
    assert signals["scale"] == 1.0  # pixels of −1 to 1, and a last layer without bounds


@pytest.mark.parametrize("loss", ["non_saturating", "least_squares", "relativistic_average"])
def test_every_gradient_signal_by_differences_in_float64(tiny: Any, loss: str) -> None:
    run = Run(tiny(loss=loss))
    probe = probe_of(run)
    signals, _ = probe.measure()
    g, d = (Network(m.network.layer, m.network.input_shape, np.float64) for m in (run.gan.g, run.gan.d))
    g.theta[:], d.theta[:] = run.gan.g.network.theta, run.gan.d.network.theta
    for_g, for_d = g.workspace(), d.workspace()
    z, real = latents(run)[0][:64].astype(np.float64), probe.reals.x[:64].astype(np.float64)
    unit = (run.data.range[1] - run.data.range[0]) / 2

    def logits(x: np.ndarray) -> np.ndarray:
        return for_d.forward(x, training=False)[:, 0].copy()

    def fake() -> np.ndarray:
        return for_g.forward(z, training=False).copy()

    def d_loss() -> float:
        return run.config.loss.discriminator(real=logits(real), fake=logits(fake())).value

    def g_loss(x: np.ndarray) -> float:
        return run.config.loss.generator(real=logits(real), fake=logits(x)).value

    def slopes(theta: np.ndarray, value: Any) -> np.ndarray:
        found, h = np.empty(theta.shape), 1e-6
        for i in np.ndindex(theta.shape):
            kept = theta[i]
            up, down = (value() for theta[i] in (kept + h, kept - h))
            theta[i], found[i] = kept, (up - down) / (2 * h)
        return found

    made = fake()
    for name, x in (("r1", real), ("r2", made)):
        squares = np.square(slopes(x, lambda x=x: logits(x).sum())).sum(axis=1)
        assert signals[name] == pytest.approx(squares.mean() * unit**2, rel=1e-3)
    each = 64 * slopes(made, lambda: g_loss(made))  # the loss is a mean: 64 times a row's slope is that of the row
    assert signals["push"] == pytest.approx(np.linalg.norm(each, axis=1).mean() * unit, rel=1e-3)
    assert signals["ranking"] == np.mean([a > b for a in logits(real) for b in logits(made)])
    assert signals["d_gradient"] == pytest.approx(np.linalg.norm(slopes(d.theta, d_loss)), rel=1e-3)
    of_g = slopes(g.theta, lambda: g_loss(fake()))
    assert signals["g_gradient"] == pytest.approx(np.linalg.norm(of_g), rel=1e-3)
    first = math.sqrt(np.square(g.entries[0].view(of_g)).mean())
    assert signals["g_first"] == pytest.approx(first, rel=1e-3)
    assert signals["g_weights"] == pytest.approx(np.linalg.norm(g.theta), rel=1e-5)
    assert signals["d_weights"] == pytest.approx(np.linalg.norm(d.theta), rel=1e-5)
    assert probe.measure()[0] == signals  # nothing is left of the measurement before


@pytest.mark.parametrize(
    ("loss", "balance", "threshold", "least"),
    [
        ("non_saturating", 2 * math.log(2), 0.0, 0.0),
        (
            {"kind": "non_saturating", "smoothing": 0.1},
            2 * math.log(2),
            0.0,
            -0.1 * math.log(0.1) - 0.9 * math.log(0.9),
        ),
        ("least_squares", 0.25, 0.5, 0.0),
        ("wasserstein", 0.0, None, 0.0),
        ("hinge", 2.0, 0.0, 0.0),
        ("relativistic", math.log(2), None, 0.0),
    ],
)
def test_facts_of_a_run(tiny: Any, loss: Any, balance: float, threshold: float | None, least: float) -> None:
    facts = facts_of(Run(tiny(loss=loss, penalties=[])))
    assert (facts.balance, facts.threshold) == (pytest.approx(balance, rel=1e-6), threshold)
    assert facts.least == pytest.approx(least)
    kind = loss if isinstance(loss, str) else loss["kind"]
    assert facts.probabilistic is (kind == "non_saturating")
    assert facts.relativistic is (kind == "relativistic")
    assert (facts.critic, facts.unfading) == (kind == "wasserstein", kind in ("wasserstein", "hinge", "least_squares"))
    assert (facts.penalised, facts.conditional, facts.normalised, facts.steps) == (False, False, False, 24)
    layers = [{"kind": "dense", "units": 4}, {"kind": "layer_norm"}, {"kind": "dense", "units": 1}]
    other = facts_of(Run(tiny(loss=loss, penalties=["r1"], discriminator={"layers": layers})))
    assert (other.penalised, other.normalised) == (True, True)


def off_centre(n: int = 300) -> Dataset:
    """Points of three numbers from about 1 to 4."""
    return Dataset("off", np.random.default_rng(4).normal([2, 2, 3], [0.3, 0.2, 0.3], (n, 3)).astype(np.float32))


def three_wide(tiny: Any, **changes: Any) -> Any:
    return tiny(generator={"layers": [{"kind": "dense", "units": 3}]}, **changes)


def test_likeness_of_points_by_definition(tiny: Any) -> None:
    run = Run(three_wide(tiny), data=off_centre())
    run.gan.g.network.theta[:] *= 0.3
    run.gan.g.network.theta[-3:] = (2, 2.2, 3)  # among the reals, so that coverage is neither 0 nor 1
    probe = probe_of(run)
    signals, histogram = probe.measure()
    x, y = (a.astype(np.float64) for a in (probe.reals.x, run.generate(latents(run)[0], average=False)))
    low, high = (float(f(run.data.images)) for f in (np.min, np.max))
    unit = (high - low) / 2
    between, reals, fakes = cdist(x, y), cdist(x, x), cdist(y, y)
    radius = np.sort(reals, axis=1)[:, 5]  # itself is number 0
    assert 0.05 < signals["coverage"] < 0.95
    assert signals["coverage"] == np.mean(between.min(axis=1) < radius)
    among_reals, among_fakes = (a.sum() / (len(a) * (len(a) - 1)) for a in (reals, fakes))
    assert signals["distance"] == pytest.approx(among_fakes / among_reals, rel=1e-4)
    assert signals["gap"] == pytest.approx((2 * between.mean() - among_reals - among_fakes) / among_reals, rel=1e-3)
    of_reals, of_fakes = (math.sqrt(a.var(axis=0, ddof=1).mean()) for a in (x, y))
    assert signals["spread"] == pytest.approx(of_fakes / of_reals, rel=1e-4)
    assert signals["variety"] == pytest.approx(of_reals / unit, rel=1e-4)
    assert signals["span"] == pytest.approx((y.max() - y.min()) / (2 * unit), rel=1e-5)
    assert signals["scale"] == pytest.approx((high - low) / 2, rel=1e-6)
    assert signals["offset"] == pytest.approx((high + low) / (high - low), rel=1e-6)  # how far the middle is from 0
    assert len(np.unique(x, axis=0)) == 100  # every one of the reals once
    mirrored = probe_of(Run(three_wide(tiny), data=Dataset("off", -off_centre().images))).measure()[0]
    assert mirrored["offset"] == pytest.approx(signals["offset"])
    assert histogram == []
    assert not {"classes", "inner", "extreme", "sharpness"} & signals.keys()


@pytest.mark.parametrize("width", [3, 8, 9])
def test_the_way_of_points_is_told_in_half_ranges_by_the_averaged_g(tiny: Any, width: int) -> None:
    data = Dataset("off", np.resize(off_centre().images, (300, width)))
    run = Run(tiny(generator={"layers": [{"kind": "dense", "units": width}]}, average="ema"), data=data)
    run.gan.average[:] += 1  # so that which G is asked can be seen
    probe = probe_of(run)
    way = run.generate(latents(run)[0][:16]) / (float(np.ptp(run.data.images)) / 2)
    expected = way if width <= 8 else way @ probe.directions
    np.testing.assert_allclose(probe.track(), expected.ravel(), rtol=1e-4, atol=1e-6)


def test_classes_of_a_toy_are_its_modes(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tiny(data={"name": "ring", "labels": "none", "limit": 0}))
    probe = probe_of(run)
    wide = run.data.images[-256:] + np.random.default_rng(0).normal(0, 0.1, (256, 2)).astype(np.float32)
    few = wide[np.isin(cdist(wide, TOYS["ring"].modes).argmin(axis=1), (0, 1, 4))]
    made = np.resize(few, (256, 2)).astype(np.float32)
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: made[: len(z)].copy())
    signals, histogram = probe.measure()
    of_reals, of_fakes = (cdist(a, TOYS["ring"].modes).argmin(axis=1) for a in (probe.reals.x, made))
    shares, right = (np.bincount(kinds, minlength=8) / 256 for kinds in (of_fakes, of_reals))
    assert histogram == pytest.approx(shares)  # the last modes too, which no fake is in
    assert signals["classes"] == pytest.approx(math.exp(scipy_entropy(shares) - scipy_entropy(right)), rel=1e-6)
    inside = [
        math.sqrt(
            sum(a[k == kinds].var(axis=0).sum() * (k == kinds).sum() for k in set(kinds)) / (256 - len(set(kinds)))
        )
        for a, kinds in ((made, of_fakes), (probe.reals.x, of_reals))
    ]
    assert signals["inner"] == pytest.approx(inside[0] / inside[1], rel=1e-3)


def test_modes_are_found_by_the_averaged_g_and_against_those_that_the_reals_have(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = TOYS["ring"].modes.astype(np.float32)
    made = np.resize(modes[:3] + np.float32(0.041), (256, 2))  # 2.9 deviations off
    for limit, share in ((0, 3 / 8), (3, 1.0)):
        run = Run(tiny(data={"name": "ring", "labels": "none", "limit": limit}))
        hit = cdist(run.data.images[:1000], modes).argmin(axis=1)
        averaged = made if limit == 0 else modes[hit]
        monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True, x=averaged: x if average else 9 + x)
        assert probe_of(run).measure()[0]["modes_found"] == pytest.approx(share)
        monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True, x=averaged: x + np.float32(0.003))
        assert limit or probe_of(run).measure()[0]["modes_found"] == 0.0
    roll = Run(tiny(data={"name": "swiss-roll", "labels": "none"}))
    assert "modes_found" not in probe_of(roll).measure()[0]


def test_classes_of_digits_are_the_judges(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load("mnist")
    g = [{"kind": "dense", "units": 784}, "tanh", {"kind": "reshape", "shape": [28, 28, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    limited = Dataset("mnist", digits.images[:300], digits.labels[:300], digits.class_names)
    data = {"name": "mnist", "labels": "none", "limit": 0}
    run = Run(tiny(generator={"layers": g}, discriminator={"layers": d}, data=data), data=limited)
    chosen = np.flatnonzero(digits.labels < 3)[-256:]
    made = scaled(np.asarray(digits.images[chosen]), -1.0, 1.0)
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: made[: len(z)].copy())
    signals, histogram = probe_of(run).measure()
    shares = np.bincount(digits.labels[chosen], minlength=10) / 256
    np.testing.assert_allclose(histogram, shares, atol=0.02)
    of_reals = np.bincount(digits.labels[:300], minlength=10) / 300  # nearly all of them are among the fixed reals
    expected = math.exp(scipy_entropy(shares) - scipy_entropy(of_reals))
    assert signals["classes"] == pytest.approx(expected, rel=0.05)
    assert signals["inner"] == pytest.approx(1.0, abs=0.25)
    assert signals["coverage"] < 0.6  # of seven digits in ten no fake is near


@pytest.mark.parametrize(
    ("low", "output", "bound"), [(0.0, "sigmoid", 1.0), (-1.0, "tanh", 2.0), (-1.0, "sigmoid", 1.0)]
)
def test_pictures_are_measured_in_their_own_range_and_inside_the_classes_asked_for(
    tiny: Any, digits: Dataset, low: float, output: str, bound: float
) -> None:
    g = [{"kind": "one_hot", "classes": 4}, {"kind": "dense", "units": 64}, output]
    g.append({"kind": "reshape", "shape": [8, 8, 1]})
    d = [{"kind": "flatten"}, {"kind": "projection", "classes": 4}]
    data = {"name": "own", "labels": "dataset", "low": low, "high": 1.0}
    run = Run(tiny(generator={"layers": g}, discriminator={"layers": d}, data=data, penalties=[]), data=digits)
    run.gan.g.network.theta[:] *= 8  # pixels near the ends of their range
    probe = probe_of(run)
    signals, _ = probe.measure()
    z, asked = latents(run)
    made = run.generate(z, asked, average=False).astype(np.float64)
    shown = probe.reals.x.astype(np.float64)
    assert shown.min() == low
    assert signals["scale"] == pytest.approx((1 - low) / bound)
    assert signals["beyond"] == pytest.approx((1 - low - bound) / (1 - low))  # the dark half, for the last
    assert signals["offset"] == pytest.approx((1 + low) / (1 - low))
    assert signals["span"] == pytest.approx((made.max() - made.min()) / (1 - low), rel=1e-5)
    ends = [np.mean((a < low + 0.005 * (1 - low)) | (a > 1 - 0.005 * (1 - low))) for a in (made, shown)]
    assert 0.01 < ends[0] < 0.99
    assert (signals["extreme"], signals["extreme_real"]) == pytest.approx(ends)
    steps = [
        (abs(a[:, 1:] - a[:, :-1]).mean() + abs(a[:, :, 1:] - a[:, :, :-1]).mean()) / a.std() for a in (made, shown)
    ]
    assert signals["sharpness"] == pytest.approx(steps[0] / steps[1], rel=1e-4)
    rows = stream(0, "eval", 1).choice(len(run.data), len(shown), replace=False)
    spreads = []
    for a, labels in ((made, asked), (shown, run.labels[rows])):
        inside = sum(((a[k == labels] - a[k == labels].mean(axis=0)) ** 2).sum() for k in range(4))
        spreads.append(math.sqrt(inside / (len(a) - 4) / 64))
    assert signals["spread"] == pytest.approx(spreads[0] / spreads[1], rel=1e-4)
    assert signals["variety"] == pytest.approx(
        math.sqrt(shown.reshape(len(shown), -1).var(axis=0, ddof=1).mean()) / ((1 - low) / 2), rel=1e-4
    )
    track = probe_of(run).track()
    assert len(track) == 16 * 8  # pictures are followed in eight directions
    flat = run.generate(z[:16], asked[:16]).reshape(16, 64) / ((1 - low) / 2)
    np.testing.assert_allclose(track, (flat @ probe.directions).ravel(), rtol=1e-4, atol=1e-4)
    assert np.square(track).mean() == pytest.approx(np.square(flat).mean(), rel=0.7)  # as large as in one pixel


def test_copies_are_told_from_new_pictures(tiny: Any) -> None:
    rng = np.random.default_rng(2)
    train, test = (Dataset("own", rng.integers(0, 256, (n, 8, 8, 1)).astype(np.uint8)) for n in (400, 150))
    data = Dataset("own", train.images, test=test)
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    run = Run(tiny(generator={"layers": g}, discriminator={"layers": d}, data={"name": "own"}), data=data)
    probe = probe_of(run)
    rows = scaled(train.images[:256], -1, 1)
    for made, copied in ((rows, True), (scaled(rng.integers(0, 256, rows.shape).astype(np.uint8), -1, 1), False)):
        run.generate = lambda z, labels=None, average=True, made=made: made  # type: ignore[method-assign]
        found = probe.copying()
        assert (found["ct_z"] < -10) is copied
        assert (found["authentic"] < -20) is copied


def test_copies_of_a_few_pictures_are_looked_for_without_held_out_ones(
    tiny: Any, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Dataset("few", digits.images[:30])
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    config = tiny(generator={"layers": g}, discriminator={"layers": d}, data={"name": "own"})
    run = Run(config, data=few)
    probe = probe_of(run)
    shown = np.asarray(few.images, np.float32) / 127.5 - 1.0
    monkeypatch.setattr(run, "generate", lambda z, labels, average=True: shown)
    assert probe.copying()["nearness"] < 0.01
    monkeypatch.setattr(run, "generate", lambda z, labels, average=True: -shown)
    assert probe.copying()["nearness"] > 1.0
    often = Run(config, data=Dataset("often", np.tile(few.images, (60, 1, 1, 1))))
    monkeypatch.setattr(often, "generate", lambda z, labels, average=True: shown)
    assert probe_of(often).copying()["nearness"] < 0.01
    monkeypatch.setattr("mulligan.diagnosis.probe.ALONE", 29)
    assert probe_of(run).copying() == probe_of(often).copying() == {}

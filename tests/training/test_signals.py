from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.training import Run
from mulligan.training.signals import Probe


def test_signals_of_a_perfect_generator(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tiny(data={"name": "ring", "labels": "none", "limit": 0}))
    probe = Probe(run)
    fresh = np.asarray(run.data.images[-256:])
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: fresh[: len(z)].copy())
    signals, histogram = probe.look()
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
        probe = Probe(run)
        made = {True: fresh, False: np.resize(raw, fresh.shape)}
        monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True, made=made: made[average].copy())
        signals, _ = probe.look()
        assert ("classes_averaged" in signals) is asked
        if asked:
            assert signals["classes"] < 0.2
            assert signals["classes_averaged"] == pytest.approx(1.0, abs=0.15)


def test_gradient_signals_by_differences(tiny: Any) -> None:
    run = Run(tiny())
    probe = Probe(run)
    signals, _ = probe.look()
    x = probe.known.x[:64].astype(np.float64)
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
    probe = Probe(run)
    signals, _ = probe.look()
    z = probe.z[:64]
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
    signals, _ = Probe(run).look()
    assert signals["variety"] < 1e-3
    assert "distance" not in signals


def test_of_one_sample_alone_copies_are_not_looked_for(tiny: Any, digits: Dataset) -> None:
    many = Dataset("many", np.repeat(np.asarray(digits.images), 5, axis=0))
    one = Dataset("one", np.asarray(digits.images[:1]), test=many)
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    probe = Probe(Run(tiny(generator={"layers": g}, discriminator={"layers": d}), data=one))
    assert probe.copying() == {}  # a copy has no other sample to be compared with
    assert probe.look()[0]["variety"] == 0.0  # which names it


def test_a_g_with_layers_inside_layers_is_looked_at(tiny: Any, digits: Dataset) -> None:
    nets = {
        who: {"layers": {"kind": f"r3gan_{who}", "widths": [4, 4], "blocks": [1, 1]}}
        for who in ("generator", "discriminator")
    }
    signals, _ = Probe(Run(tiny(**nets), data=digits)).look()
    assert signals["scale"] == 1.0  # pixels of −1 to 1, and a last layer without bounds

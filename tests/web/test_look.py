"""D over the plane and at pictures: against formulas and differences."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from mulligan.data import TOYS
from mulligan.diagnosis import FAILURES, Evidence, cadence
from mulligan.diagnosis.probe import COUNT
from mulligan.errors import UnsupportedError
from mulligan.models import bundled
from mulligan.training import Diagnosis, Run, train, with_overrides
from mulligan.training.diagnosis import facts_of
from mulligan.web import look
from mulligan.web.trainer import LiveRun
from mulligan.web.verdict import HEADLINES, describe_checks


def logit(run, x):
    return run.gan.d.network.workspace().forward(np.asarray(x, np.float32), training=False)[:, 0]


def test_the_field_is_ds_logit(run):
    found = look.field(run)
    logits = np.frombuffer(base64.b64decode(found["logits"]), "<f4").reshape(72, 72)
    ticks = np.linspace(found["low"], found["high"], 72)
    for row, column in ((0, 0), (0, 71), (40, 18)):  # row 0 is the lowest y
        assert logits[row, column] == pytest.approx(
            float(logit(run, [[ticks[column], ticks[row]]])[0]), rel=1e-4, abs=1e-5
        )
    assert len(found["real"]) == len(found["fake"]) == 512
    assert len(found["modes"]["counts"]) == 8
    assert found["modes"]["radius"] == pytest.approx(3 * TOYS["ring"].std)
    assert found["largest"] == pytest.approx(np.abs(logits - found["centre"]).max(), rel=1e-5)


def test_points_are_counted_at_a_mode_within_three_of_its_deviations(run, monkeypatch):
    toy = TOYS["ring"]
    beside = np.concatenate([toy.modes + np.array([n * toy.std, 0.0]) for n in (0, 2.9, 3.1)])
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: np.resize(beside, (len(z), 2)))
    made = np.resize(beside, (look.POINTS, 2))
    near = [int((np.linalg.norm(made - mode, axis=1) < 3 * toy.std).sum()) for mode in toy.modes]
    assert look.field(run)["modes"]["counts"] == near
    assert sum(near) == pytest.approx(look.POINTS * 2 / 3, rel=0.02)


def test_arrows_lead_downhill_for_g(run):
    found = look.field(run)
    arrows = np.array(found["arrows"])
    z, _ = run.draw(512, seed=run.config.seed)
    fake = run.generate(z, average=False)[:32].astype(np.float64)
    assert np.allclose(arrows[:, :2], fake, atol=1e-4)
    real = np.asarray(run.data.images[np.linspace(0, len(run.data) - 1, 512).astype(int)][:32])
    loss = run.config.loss

    def value(x):
        return 32 * float(
            loss.generator(real=logit(run, real).astype(np.float64), fake=logit(run, x).astype(np.float64)).value
        )

    step = 1e-3
    fallen = value(fake) - value(fake + step * arrows[:, 2:])
    assert fallen == pytest.approx(step * np.square(arrows[:, 2:]).sum(), rel=0.05)
    assert found["longest"] == pytest.approx(np.linalg.norm(arrows[:, 2:], axis=1).max(), abs=1e-3)


def test_one_dimension(tiny):
    config = tiny(data={"name": "jang", "labels": "none", "limit": 200}, loss="non_saturating")
    layers_of_g = [{"kind": "dense", "units": 8}, "leaky_relu", {"kind": "dense", "units": 1}]
    player = {"layers": layers_of_g, "optimizer": {"kind": "adam", "lr": 1e-3, "beta1": 0.0, "beta2": 0.99}}
    made = Run(with_overrides(config, {"generator": player}))
    found = look.field(made)
    assert found["dimension"] == 1
    assert np.array(found["real"]).shape == np.array(found["fake"]).shape == (512, 1)
    assert np.array(found["arrows"]).shape == (32, 2)


def test_the_game_shows_what_d_believes_and_a_step_as_g_hears_it(image, seen):
    found = look.duel(seen, [], count=6, seed=seen.step)
    assert (len(found["real"]), len(found["fake"])) == (6, 6)
    z, labels = seen.draw(6, seed=seen.step)
    fake = seen.generate(z, labels, average=False)
    shown = np.stack([image(one["png"]) for one in found["fake"]])
    assert np.abs(shown - (fake[..., 0] + 1) * 127.5).max() <= 1
    for one in found["fake"]:
        before, after = image(one["png"]).astype(float), image(one["heard"]["png"]).astype(float)
        assert 0 < np.abs(after - before).max() <= look.STEP * 255 + 2
        assert one["heard"]["belief"] > one["belief"]
    logits = seen.gan.d.network.workspace().forward(fake, labels, training=False)[:, 0]
    assert [one["belief"] for one in found["fake"]] == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-4)


def test_a_step_of_the_game_keeps_its_pictures_and_tells_d_s_move_from_g_s(tiny_pictures, digits, image):
    run = Run(tiny_pictures(steps=3), data=digits)
    then = look.duel(run, past := [], count=4, seed=9)
    old = run.generate(*run.draw(4, seed=9), average=False)
    list(train(run, stop=lambda: run.step > 0))
    now = look.duel(run, past, count=4, seed=9)
    assert [one["png"] for one in now["real"]] == [one["png"] for one in then["real"]]
    assert (then.get("since"), now["since"], run.step) == (None, 0, 1)
    labels = run.draw(4, seed=9)[1]
    logits = run.gan.d.network.workspace().forward(old, labels, training=False)[:, 0]
    for one, was, logit in zip(now["fake"], then["fake"], logits):
        assert (one["before"]["png"], one["before"]["was"]) == (was["png"], was["belief"])
        assert one["before"]["belief"] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-4)  # D has moved, G has not
    assert look.duel(run, past, count=4, seed=9) == now
    assert "since" not in look.duel(run, past, count=4, seed=8)


def test_looking_changes_nothing(run, seen):
    for made, kind, args in ((run, "field", {}), (seen, "duel", {"count": 2, "seed": 3})):
        live = LiveRun(None, made, {"folder": "x", "try": 1})
        before = {name: array.copy() for name, array in made.gan.arrays().items()}
        streams = {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}
        for weights in ("average", "raw", "real"):
            live.answer("samples", {"weights": weights})
        live.answer(kind, args)
        assert all(np.array_equal(before[name], array) for name, array in made.gan.arrays().items())
        assert streams == {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}


def test_samples_are_the_fixed_grid(image, run, seen):
    grid = image(look.samples(seen, weights="average")["png"])
    assert grid.shape == (2 + 8 * 10, 2 + 8 * 10)
    assert np.array_equal(grid[2:10, 12:20], seen.sample(*seen.grid)[1, ..., 0])
    assert np.array_equal(image(look.samples(seen, weights="real")["png"])[2:10, 2:10], seen.data.images[0][..., 0])
    points = look.samples(run, weights="raw")
    assert np.allclose(points["points"], run.sample(*run.grid, average=False), atol=1e-3)


# ── of a generator ──


def test_a_seed_gives_what_the_terminal_draws(image):
    generator = bundled()
    for seed, class_ in ((42, None), (7, "3")):
        found = look.draw(generator, seed=seed, class_=class_)
        label = None if class_ is None else 3
        assert np.array_equal(image(found["png"]), generator.images(1, seed, label)[0, ..., 0])
        assert found["class"] == (int(generator.labels(1, seed)[0]) if label is None else 3)


def test_what_is_held_out_is_measured_for_comparison(digits):
    x = np.asarray(digits.images).reshape(40, -1) / 255.0
    usual = look.measure_held_out(digits)
    held = np.asarray(digits.test.images).reshape(40, -1) / 255.0
    nearest = [np.linalg.norm(x - h, axis=1).min() for h in held]
    assert [usual["low"], usual["high"]] == pytest.approx([*np.quantile(nearest, [0.05, 0.95])])


def test_a_copy_is_called_one(digits, monkeypatch):
    class Copier:
        spec = type("Spec", (), {"is_picture": True, "shape": (8, 8, 1)})()

        def __init__(self, picture):
            self.picture = picture

        def label_of(self, seed, word):
            return None

        def class_name(self, label):
            return ""

        def images(self, *asked):
            return self.picture[None]

    copy = look.nearest(Copier(digits.images[7]), digits, seed=1)
    assert (copy["verdict"], copy["index"]) == ("near copy", 7)
    hardly = np.clip(digits.images[7].astype(int) + 9, 0, 255).astype(np.uint8)
    assert look.nearest(Copier(hardly), digits, seed=1)["verdict"] == "near copy"  # 9 of 255 grey levels
    other = look.nearest(Copier(digits.test.images[7]), digits, seed=1)
    assert other["verdict"] == "not a copy"
    few = replace(digits, images=np.asarray(digits.images[:12]), labels=digits.labels[:12], test=None)
    alone = look.nearest(Copier(digits.images[7]), few, seed=1)
    assert alone["verdict"] == "not known"  # it has nothing to go by, so it calls nothing original
    with pytest.raises(UnsupportedError):
        look.nearest(Copier(digits.images[7]), None, seed=1)


# ── the diagnosis ──


def test_what_is_shown_of_a_healthy_run_stands_against_the_rules_own_thresholds(tiny):
    made, diagnosis = Run(tiny(steps=20, loss="non_saturating")), Diagnosis(20)  # D's accuracy has a level
    list(train(made, observers=[diagnosis]))
    so_far = diagnosis.measurements(facts_of(made))
    cases = [case for failure in FAILURES.values() for case in failure.rule(so_far)]
    assert set(HEADLINES) <= {(e.name, e.operator, e.threshold) for case in cases for e in case.evidence}


def test_what_is_said_before_the_first_measurement(call):
    before = call.get("/api/catalog").json()["diagnosis"]
    assert before["checks"] == len(FAILURES)
    assert before["by_step"] == max(cadence(steps) for steps in (100, 7000, 10**6))
    assert before["reals"] == COUNT == 256
    assert before["coverage_ideal"] == pytest.approx(1 - 2**-5, abs=1e-3)  # of the fifth neighbour


def test_a_measurement_tells_five_lines_of_evidence(tiny):
    made = Run(tiny(steps=60))
    diagnosis = Diagnosis(20)
    list(train(made, observers=[diagnosis]))
    found = describe_checks(made, diagnosis)
    assert (found["step"], found["every"], found["reals"]) == (60, 20, 100)  # there are no more
    assert len(found["evidence"]) == max(5, len(diagnosis.current.evidence))
    for line in found["evidence"]:
        assert line["holds"] == Evidence(*(line[name] for name in ("name", "value", "operator", "threshold"))).holds

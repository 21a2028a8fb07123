"""What is drawn and seen: against formulas, differences, and the command line."""

from __future__ import annotations

import base64
import gc
import io
import re
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mulligan.data.sources.toys import TOYS
from mulligan.errors import ConfigError, UnsupportedError
from mulligan.models import bundled
from mulligan.nn.layers import Dense, ReLU, Tanh
from mulligan.training import Diagnosis, Run, train, with_overrides
from mulligan.training.diagnosis import FAILURES, Probe, cadence, titled
from mulligan.web.inside import maps, questions
from mulligan.web.inside.diagnosis import HEADLINES, checked
from mulligan.web.inside.layers import RECTIFIERS, layers
from mulligan.web.library import drawing
from mulligan.web.worker.live import Live


def image(text: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


@pytest.fixture
def run(tiny: Any) -> Run:
    """A ring that has learned a little."""
    made = Run(tiny())
    for _ in range(5):
        made.advance()
    return made


@pytest.fixture
def seen(tiny_pictures: Any, digits: Any) -> Run:
    """Pictures with classes."""
    made = Run(tiny_pictures(), data=digits)
    for _ in range(3):
        made.advance()
    return made


# ── drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seed_gives_what_the_terminal_draws() -> None:
    generator = bundled()
    for seed, class_ in ((42, None), (7, "3")):
        found = drawing.draw(generator, seed=seed, class_=class_)
        label = None if class_ is None else 3
        assert np.array_equal(image(found["png"]), generator.images(1, seed, label)[0, ..., 0])
        assert found["class"] == (int(generator.labels(1, seed)[0]) if label is None else 3)  # type: ignore[index]


def test_a_walk_begins_and_ends_at_its_seeds() -> None:
    generator = bundled()
    found = drawing.walk(generator, from_=1, to=2, frames=5, class_="8")
    assert len(found["frames"]) == 5
    for place, seed in ((0, 1), (-1, 2)):
        assert np.array_equal(image(found["frames"][place]), generator.images(1, seed, 8)[0, ..., 0])


def test_the_plane_has_its_seeds_in_the_corners() -> None:
    generator, seeds = bundled(), [42, 7, 13, 1009]
    grid = image(drawing.plane(generator, seeds=seeds, side=3, class_="5")["png"])
    cells = [(0, 0), (0, 2), (2, 0), (2, 2)]
    for (row, column), seed in zip(cells, seeds):
        cell = grid[2 + 30 * row : 30 + 30 * row, 2 + 30 * column : 30 + 30 * column]
        assert np.abs(cell.astype(int) - generator.images(1, seed, 5)[0, ..., 0]).max() <= 1
    middle = drawing.plane_point(generator, seeds=seeds, across=0.5, down=0.5, class_="5")
    assert np.abs(image(middle["png"]).astype(int) - grid[32:60, 32:60]).max() <= 1


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_plane_keeps_what_training_has_seen(distribution: str) -> None:
    """Between normal latents the length stays between those of the corners, where a straight mix would fall by √2."""
    generator = bundled()
    generator.spec = replace(generator.spec, latent=replace(generator.spec.latent, distribution=distribution))  # type: ignore[arg-type]
    seeds, ticks = [1, 2, 3, 4], np.linspace(0, 1, 9)
    z = drawing._mixed(generator, seeds, np.tile(ticks, 9), np.repeat(ticks, 9))
    corners = np.stack([generator.z(1, seed)[0] for seed in seeds])
    assert np.allclose(z[[0, 8, 72, 80]], corners, atol=1e-6)
    if distribution == "uniform":
        assert np.abs(z).max() <= 1.0
        assert np.allclose(z[40], corners.mean(axis=0), atol=1e-6)
    else:
        lengths, ends = np.linalg.norm(z, axis=1), np.linalg.norm(corners, axis=1)
        assert 0.85 * ends.min() < lengths.min()
        assert lengths.max() < 1.15 * ends.max()


def test_what_is_held_out_is_measured_for_comparison(digits: Any) -> None:
    x = np.asarray(digits.images).reshape(40, -1) / 255.0
    typical = drawing.held_out(digits)
    assert typical is not None
    held = np.asarray(digits.test.images).reshape(40, -1) / 255.0
    assert typical["median"] == pytest.approx(np.median([np.linalg.norm(x - h, axis=1).min() for h in held]))
    assert sum(typical["counts"]) == typical["n"] == 40


def test_pictures_that_were_compared_with_are_let_go(digits: Any) -> None:
    own = replace(digits)
    assert drawing.held_out(own) is drawing.held_out(own)
    alive = weakref.ref(own)
    del own
    gc.collect()
    assert alive() is None


def test_a_copy_is_called_one(digits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Copier:
        spec = type("Spec", (), {"is_picture": True, "shape": (8, 8, 1)})()

        def __init__(self, picture: Any):
            self.picture = picture

        def label_of(self, seed: int, word: Any) -> None:
            return None

        def class_name(self, label: Any) -> str:
            return ""

        def images(self, count: int, seed: int, label: Any) -> Any:
            return self.picture[None]

    copy = drawing.nearest(Copier(digits.images[7]), digits, seed=1, count=2)  # type: ignore[arg-type]
    assert (copy["verdict"], copy["neighbours"][0]["index"], copy["neighbours"][0]["class"]) == ("near copy", 7, "d")
    other = drawing.nearest(Copier(digits.test.images[7]), digits, seed=1, count=2)  # type: ignore[arg-type]
    assert other["verdict"] == "not a copy"
    alone = drawing.nearest(Copier(digits.images[7]), replace(digits, test=None), seed=1, count=2)  # type: ignore[arg-type]
    assert alone["verdict"] == "not known"  # it has nothing to go by, so it calls nothing original
    assert "nothing is held out" in alone["text"]
    with pytest.raises(UnsupportedError):
        drawing.nearest(Copier(digits.images[7]), None, seed=1, count=2)  # type: ignore[arg-type]


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def logit(run: Run, x: Any) -> Any:
    return run.gan.d.network.workspace().forward(np.asarray(x, np.float32), training=False)[:, 0]


def test_the_field_is_ds_logit(run: Run) -> None:
    found = maps.field(run, side=16, points=20)
    logits = np.frombuffer(base64.b64decode(found["logits"]), "<f4").reshape(16, 16)
    ticks = np.linspace(found["low"], found["high"], 16)
    for row, column in ((0, 0), (0, 15), (9, 4)):  # row 0 is the lowest y
        assert logits[row, column] == pytest.approx(
            float(logit(run, [[ticks[column], ticks[row]]])[0]), rel=1e-4, abs=1e-5
        )
    assert len(found["real"]) == len(found["fake"]) == 20
    assert found["modes"]["of"] == 8
    assert found["modes"]["labels"][1] == "45°"
    assert found["largest"] == pytest.approx(np.abs(logits - found["centre"]).max(), rel=1e-5)


def test_points_are_counted_at_a_mode_within_three_of_its_deviations(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = TOYS["ring"]
    beside = np.concatenate([toy.modes + np.array([n * toy.std, 0.0]) for n in (0, 2.9, 3.1)])
    monkeypatch.setattr(run, "generate", lambda z, labels=None, average=True: np.resize(beside, (len(z), 2)))
    made = np.resize(beside, (maps.MODES, 2))
    near = [int((np.linalg.norm(made - mode, axis=1) < 3 * toy.std).sum()) for mode in toy.modes]
    assert maps.field(run, side=16, points=20)["modes"]["counts"] == near
    assert sum(near) == pytest.approx(maps.MODES * 2 / 3, rel=0.01)


def test_arrows_lead_downhill_for_g(run: Run) -> None:
    """A short step along an arrow lowers L_G by its length squared, to first order; checked by a difference."""
    found = maps.field(run, side=16, points=32)
    arrows = np.array(found["arrows"])
    z, _ = run.draw(32, seed=run.config.seed)
    fake = run.generate(z, average=False).astype(np.float64)
    assert np.allclose(arrows[:, :2], fake, atol=1e-4)
    real = np.asarray(run.data.images[np.linspace(0, len(run.data) - 1, 32).astype(int)])
    loss = run.config.loss

    def value(x: Any) -> float:
        return 32 * float(
            loss.generator(real=logit(run, real).astype(np.float64), fake=logit(run, x).astype(np.float64)).value
        )

    step = 1e-3
    fallen = value(fake) - value(fake + step * arrows[:, 2:])
    assert fallen == pytest.approx(step * np.square(arrows[:, 2:]).sum(), rel=0.05)
    assert found["longest"] == pytest.approx(np.linalg.norm(arrows[:, 2:], axis=1).max(), abs=1e-3)


def test_a_point(run: Run) -> None:
    found = maps.point(run, x=0.4, y=-0.3)
    assert found["logit"] == pytest.approx(float(logit(run, [[0.4, -0.3]])[0]), rel=1e-5)
    for axis in (0, 1):
        at = np.array([[0.4, -0.3]], np.float64).repeat(2, axis=0)
        at[:, axis] += [1e-2, -1e-2]
        up, down = logit(run, at)
        assert found["gradient"][axis] == pytest.approx((up - down) / 2e-2, rel=0.05, abs=1e-3)
    assert found["length"] == pytest.approx(np.hypot(*found["gradient"]), rel=1e-5)
    assert found["probability"] is None  # of a relativistic loss


def test_one_dimension(tiny: Any) -> None:
    config = tiny(data={"name": "jang", "labels": "none", "limit": 200}, loss="non_saturating")
    layers_of_g = [{"kind": "dense", "units": 8}, "leaky_relu", {"kind": "dense", "units": 1}]
    config = type(config)(**{f: getattr(config, f) for f in config.__dataclass_fields__})
    player = {"layers": layers_of_g, "optimizer": {"kind": "adam", "lr": 1e-3, "beta1": 0.0, "beta2": 0.99}}
    made = Run(with_overrides(config, {"generator": player}))
    found = maps.field(made, side=32, points=10)
    assert found["dimension"] == 1
    x = np.array(found["x"])
    assert np.allclose(found["density"], np.exp(TOYS["jang"].log_density(x[:, None])), rtol=1e-3)
    assert sum(found["histogram"]["counts_real"]) <= 200
    assert np.array(found["arrows"]).shape == (32, 2)
    assert maps.point(made, x=0.0, y=0.0)["probability"] is not None


def test_saliency_is_the_difference_that_a_pixel_makes(seen: Run) -> None:
    found = maps.pictures(seen, count=3)
    assert (len(found["real"]), len(found["fake"])) == (3, 3)
    space = seen.gan.d.network.workspace()
    rows = np.linspace(0, len(seen.data) - 1, 5).astype(int)[1:-1]
    x = np.asarray(seen.data.images[rows], np.float32) / 255.0 * 2.0 - 1.0
    labels = seen.labels[rows]  # type: ignore[index]
    assert image(found["real"][1]["png"]).tolist() == np.asarray(seen.data.images[rows[1]])[..., 0].tolist()
    for place in ((2, 3), (5, 1)):
        up, down = x[1:2].copy(), x[1:2].copy()
        up[0, *place, 0] += 2 * 0.02  # a pixel in 0 … 1 is half as wide as the network's range
        down[0, *place, 0] -= 2 * 0.02
        slope = float(space.forward(up, labels[1:2], training=False)[0, 0])
        slope = (slope - float(space.forward(down, labels[1:2], training=False)[0, 0])) / 0.04
        gradient = np.frombuffer(base64.b64decode(found["real"][1]["gradient"]), np.int8).reshape(8, 8)
        assert gradient[place] / 127 * found["largest"] == pytest.approx(slope, rel=0.1, abs=0.02 * found["largest"])
    assert found["real"][1]["class_name"] == seen.data.class_names[int(labels[1])]


def test_layer_by_layer(seen: Run) -> None:
    found = layers(seen)
    assert [row["name"] for row in found["generator"]] == ["Dense 9→12 LeakyReLU", "Dense 12→64 Tanh"]
    assert [row["params"] for row in found["generator"]] == [9 * 12 + 12, 12 * 64 + 64]
    assert found["verdicts"]["generator"]["ok"]
    said = found["verdicts"]["generator"]["text"]
    assert re.fullmatch(r"Generated samples differ from each other \d+ % as much as real ones do\.", said)
    assert found["verdicts"]["discriminator"]["ok"]
    z, labels = seen.draw(256, seed=0)
    fake = seen.generate(z[:40], labels[:40], average=False)  # type: ignore[index]
    assert found["generator"][-1]["activation"] == pytest.approx(float(fake.std()), rel=1e-5)
    assert found["generator"][-1]["change"] == pytest.approx(
        float(np.sqrt(fake.reshape(40, -1).var(axis=0).mean())), rel=1e-5
    )
    assert all(row["gradient"] > 0 for side in ("generator", "discriminator") for row in found[side])
    assert all(row["change"] is None for row in found["discriminator"])


def test_silent_units_are_counted_after_rectifiers(seen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ReLU in RECTIFIERS
    leaky, tanh = layers(seen)["generator"]
    assert leaky["silent"] is not None
    assert tanh["silent"] is None
    monkeypatch.setattr("mulligan.web.inside.layers.RECTIFIERS", (ReLU, Tanh))
    leaky, tanh = layers(seen)["generator"]
    assert leaky["silent"] is None
    assert tanh["silent"] is not None


def test_a_unit_that_is_0_for_every_row_is_silent(tiny: Any) -> None:
    config = tiny()
    learned = Run(replace(config, generator=replace(config.generator, layers=(Dense(16), ReLU(), Dense(2)))))
    network = learned.gan.g.network
    bias = next(entry for entry in network.entries if entry.path == "0.b").view(network.theta)
    bias[:4], bias[4:] = -1e6, 1e6
    assert layers(learned)["generator"][0]["silent"] == 0.25


def test_a_dead_path_is_seen(seen: Run) -> None:
    generator = seen.gan.g.network
    generator.entries[0].view(generator.theta)[:] *= 1e-6  # z and class arrive no more
    found = layers(seen)["verdicts"]["generator"]
    assert not found["ok"]
    assert found["title"] == "z does not arrive."
    assert found["share"] < 0.01


def test_pictures_and_points_are_told_apart(run: Run, seen: Run) -> None:
    for question in (lambda: maps.field(seen, side=16, points=0), lambda: maps.point(seen, x=0.0, y=0.0)):
        with pytest.raises(ConfigError, match="made of pictures"):
            question()
    with pytest.raises(ConfigError, match="made of points"):
        maps.pictures(run, count=2)
    with pytest.raises(UnsupportedError, match="points of 2 numbers"):
        drawing.draw(run.generator(), seed=1)


def test_looking_changes_nothing(run: Run, seen: Run) -> None:
    for made, kind in ((run, "field"), (seen, "pictures")):
        live = Live(made, Path("x"), 1, 1, Diagnosis())
        before = {name: array.copy() for name, array in made.gan.arrays().items()}
        streams = {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}
        questions.samples(live, "average")
        questions.samples(live, "raw")
        questions.samples(live, "real")
        questions.answer("layers", live, {})
        questions.answer(kind, live, {"side": 16, "points": 4} if kind == "field" else {"count": 2})
        assert all(np.array_equal(before[name], array) for name, array in made.gan.arrays().items())
        assert streams == {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}


def test_samples_are_the_fixed_grid(run: Run, seen: Run) -> None:
    live = Live(seen, Path("x"), 1, 1, Diagnosis())
    grid = image(questions.samples(live, "average")["png"])
    assert grid.shape == (2 + 8 * 10, 2 + 8 * 10)
    assert np.array_equal(grid[2:10, 12:20], seen.sample(*seen.grid)[1, ..., 0])
    assert np.array_equal(image(questions.samples(live, "real")["png"])[2:10, 2:10], seen.data.images[0][..., 0])
    points = questions.samples(Live(run, Path("x"), 1, 1, Diagnosis()), "raw")
    assert np.allclose(points["points"], run.sample(*run.grid, average=False), atol=1e-3)


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_state_has_its_words() -> None:
    for state in ("healthy", *FAILURES):
        title, meaning = titled(state)
        assert title.lower() == state.lower()  # one name, found in the docs
        assert meaning.endswith(".")
    assert titled("an observer's own") == ("An observer's own", "")


def test_what_is_shown_of_a_healthy_run_stands_against_the_rules_own_thresholds(tiny: Any) -> None:
    made, diagnosis = Run(tiny(steps=20, loss="non_saturating")), Diagnosis(20)  # D's accuracy has a level
    for _ in train(made, observers=[diagnosis]):
        pass
    so_far = diagnosis.measurements(made)
    cases = [case for failure in FAILURES.values() for case in failure.rule(so_far)]
    assert set(HEADLINES) <= {(e.name, e.operator, e.threshold) for case in cases for e in case.evidence}


def test_what_is_shown_before_the_first_measurement_is_what_one_shows(tiny: Any, call: Any) -> None:
    before = call.get("/api/catalog").json()["diagnosis"]
    made, diagnosis = Run(tiny(steps=20, loss="non_saturating")), Diagnosis(20)
    for _ in train(made, observers=[diagnosis]):
        pass
    found = checked(Live(made, Path("x"), 1, 1, diagnosis))
    assert before["checks"] == len(found["checks"])
    assert before["by_step"] == max(cadence(steps) for steps in (100, 7000, 10**6))
    told = [{key: line[key] for key in before["evidence"][0]} for line in found["evidence"]]
    assert before["evidence"] == told
    assert before["reals"] == len(Probe(made).z) == 256
    assert before["coverage_ideal"] == pytest.approx(1 - 2**-5, abs=1e-3)  # of the fifth neighbour


def test_a_measurement_tells_every_check(tiny: Any) -> None:
    made = Run(tiny(steps=60))
    diagnosis = Diagnosis(20)
    for _ in train(made, observers=[diagnosis]):
        pass
    found = checked(Live(made, Path("x"), 1, 1, diagnosis))
    assert found["step"] == 60
    assert [check["state"] for check in found["checks"]] == list(FAILURES)
    assert len(found["evidence"]) == max(5, len(diagnosis.current.evidence))
    for line in [*found["evidence"], *(e for c in found["checks"] for case in c["cases"] for e in case["evidence"])]:
        assert {"name", "label", "words", "value", "operator", "threshold", "holds"} == line.keys()
    for check in found["checks"]:
        assert check["holds"] == any(case["holds"] for case in check["cases"])
        for case in check["cases"]:
            assert case["holds"] == all(line["holds"] for line in case["evidence"])
    assert sum(found["real_share"]) == pytest.approx(1.0)
    assert len(diagnosis.taken[-1].histogram) == 8
    assert found["histogram_n"] == 256
    assert found["reals"] == 100  # there are no more

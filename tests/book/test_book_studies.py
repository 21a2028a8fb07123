"""What the studies of the book measure, against what can be worked out by hand."""

import numpy as np
import pytest

from experiments.book_studies import Continuations, first_drawn, imprint, play, travel
from mulligan.data import Dataset, scale_samples
from mulligan.studies import MEASURES, Axis, Budget, Study, Variation
from mulligan.training import Run, train, with_overrides


def test_the_push_is_the_gradient_of_gs_loss(pictures, run_on):
    run = run_on(pictures, "discriminator.layers.activation=tanh", "loss=non_saturating")
    found = play(run, 64)
    z, _ = run.draw(64, seed=run.config.seed)
    fake = run.generate(z, average=False).astype(np.float64)
    space = run.gan.d.network.workspace()

    def losses(x):
        logits = space.forward(np.float32(x), None, training=False)[:, 0].astype(np.float64)
        return np.logaddexp(0.0, -logits)

    rng, h = np.random.default_rng(0), 1e-2
    square = np.zeros(64)
    basis, _ = np.linalg.qr(rng.standard_normal((64, 64)))  # ‖g‖² = Σ (g·r)² over a basis
    for r in basis:
        step = h * r.reshape(1, 8, 8, 1)
        square += ((losses(fake + step) - losses(fake - step)) / (2 * h)) ** 2
    assert found["gradient"] == pytest.approx(np.sqrt(square).mean(), rel=1e-3)
    assert found["d_fake"] == pytest.approx(np.mean(np.exp(-losses(fake))), rel=1e-5)
    assert 0 < found["d_real"] < 1
    assert play(run_on(pictures, "loss=hinge"), 64).keys() == {"gradient"}


def test_d_is_asked_about_each_real_with_its_own_class(pictures, run_on):
    labelled = Dataset("noise", pictures.images, np.arange(200) % 2, ("even", "odd"))
    run = run_on(labelled, "data.labels=dataset", "loss=non_saturating")
    run.gan.d.network.theta[:] = np.random.default_rng(0).normal(0, 0.3, run.gan.d.network.n_params)  # a class tells
    real = scale_samples(np.asarray(labelled.images), -1.0, 1.0)
    logits = run.gan.d.network.workspace().forward(real, labelled.labels, training=False)[:, 0]
    assert play(run, 200)["d_real"] == pytest.approx(np.mean(1 / (1 + np.exp(-logits.astype(np.float64)))), rel=1e-6)


def test_travel_is_from_where_the_run_began(pictures, run_on):
    run = run_on(pictures)
    assert travel(run, 64) == {"travel": 0.0, "shift": 0.0}
    run.gan.g.network.theta *= 1.5
    assert travel(run, 64)["travel"] == pytest.approx(0.5, rel=1e-5)
    assert travel(run, 64)["shift"] == 0.0  # the average has not moved
    run.gan.average[:] = 0.0
    z, _ = run.draw(64, seed=run.config.seed)
    before = run.gan.g.network.workspace(theta=run.gan.g.network.theta / 1.5).forward(z, None, training=False)
    assert travel(run, 64)["shift"] == pytest.approx(np.sqrt(np.square(before).mean()) / 2, rel=1e-5)


@pytest.mark.parametrize("batch", [1, 16])
def test_the_first_drawn_is_the_first_that_is_seen(pictures, batch, run_on):
    run = run_on(pictures, f"batch_size={batch}")
    run.write_batch(real := np.empty((batch, *pictures.shape), np.float32))
    first = pictures.images[first_drawn(run)].astype(np.float32) / 127.5 - 1.0
    np.testing.assert_allclose(real[0], first, atol=1e-6)


def test_the_imprint_is_found_at_any_contrast(pictures, drawing, run_on):
    run = run_on(pictures)
    first = pictures.images[first_drawn(run)].astype(np.float32) / 127.5 - 1.0
    drawing(run, first[None] * 1e-4 + 0.3)
    found = imprint(run, 64)
    assert found["is_first"] == 1.0
    assert found["correlation"] == pytest.approx(1.0, abs=1e-4)
    assert found["spread"] == pytest.approx(0.0, abs=1e-7)
    assert found["range"] == pytest.approx((first.max() - first.min()) * 1e-4 / 2, rel=1e-3)
    other = pictures.images[(first_drawn(run) + 1) % 200].astype(np.float32) / 127.5 - 1.0
    drawing(run, np.stack([other, -other]) * [[[[1.0]]], [[[0.2]]]])
    found = imprint(run, 64)
    assert found["is_first"] == 0.0
    assert abs(found["correlation"]) < 0.6
    assert found["spread"] == pytest.approx(np.abs(0.6 * other).mean() / 2, rel=1e-4)


def test_variations_go_on_from_one_checkpoint(tmp_path):
    changes = "batch_size=16 average=none data.limit=200 generator.layers.hidden=[16] discriminator.layers.hidden=[16]"
    ways = {
        "hot": (),
        "still": ("schedules.lr={kind='constant', value=0.0}",),
        "slow": ("generator.optimizer.lr=1e-5",),
    }
    axis = Axis("way", tuple(Variation(name, change) for name, change in ways.items()))
    budget = Budget("small", seeds=1, steps=50, count=200, measure_at=(30,))
    asked = Study("ring", (budget,), set=tuple(changes.split()), axes=(axis,), measures=("quality", "travel"))
    study = Continuations(asked, tmp_path / "out")
    hot, still, slow = study.run()
    assert hot["measurements"] == still["measurements"] == slow["measurements"]
    assert (hot["measurements"][0]["step"], hot["steps"], hot["step"]) == (30, 50, 50)
    assert still["figures"]["travel"] == 0.0
    assert still["figures"]["distance"] == still["measurements"][0]["figures"]["distance"]
    assert 0 < slow["figures"]["travel"] < 0.1 * hot["figures"]["travel"]
    whole = Run(with_overrides(study.config(study.cells()["hot/seed-0"][0], 0), {"parent": "none"}))
    list(train(whole))  # "hot" is the run that never stopped
    assert MEASURES["quality"](whole, 200)["distance"] == hot["figures"]["distance"]
    assert list(Continuations(asked, tmp_path / "out", resume=True).run()) == []

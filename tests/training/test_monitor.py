"""The monitor of a run: the right figures, always the same ones, and nothing changed."""

import numpy as np
import pytest

from mulligan.data import TOYS, Dataset, load
from mulligan.metrics import bundled_judge, frechet_distance, gist, modes, moments, nearest, percent
from mulligan.metrics.distances import floor_of
from mulligan.training import Recorder, Run
from mulligan.training.monitor import COUNT, Monitor


@pytest.fixture(scope="module")
def mnist_run(pictured):
    """A tiny run on the digits, class by class, after a few steps."""
    run = Run(pictured(data={"name": "mnist"}))
    for _ in range(3):
        run.advance()
    return run


def test_figures_of_pictures(mnist_run):
    monitor = Monitor.of(mnist_run)
    found = monitor(mnist_run)
    z, labels = mnist_run.draw(COUNT, seed=mnist_run.config.seed)
    images = mnist_run.sample(z, labels)
    judge = bundled_judge("mnist")
    judged = judge.probabilities(images)
    sure = judged.max(axis=1) >= 0.5
    assert found["junk"] == pytest.approx(1 - sure.mean(), abs=0.003)
    shares = np.bincount(judged.argmax(axis=1)[sure], minlength=10) / COUNT
    assert found["modes"] == (shares >= 0.01).sum()
    assert found["label_accuracy"] == pytest.approx((judged.argmax(axis=1) == labels).mean(), abs=0.003)
    of_real = moments(monitor.real)
    fd = percent(frechet_distance(of_real, moments(judge(images))), of_real)
    assert found["distance"] == pytest.approx(fd, rel=1e-3)
    assert found["floor"] == pytest.approx(floor_of(monitor.real, of_real, COUNT))
    assert found["floor"] == pytest.approx(1.32632, rel=1e-4)  # of the same reals, whatever the run
    assert len(monitor.real) == COUNT


def test_the_reals_are_held_out_and_of_every_class(mnist_run):
    monitor = Monitor.of(mnist_run)
    digits = load("mnist")
    away, rows = nearest(monitor.real, monitor.features(np.asarray(digits.test.images)))
    assert away.max() < 1e-3
    shares = np.bincount(np.asarray(digits.test.labels)[rows[:, 0]], minlength=10) / COUNT
    assert shares.min() > 0.07


def test_figures_of_a_toy(tiny):
    run = Run(tiny())
    found = Monitor.of(run)(run)
    points = run.sample(*run.draw(COUNT, seed=run.config.seed))
    ring = TOYS["ring"]
    expected = modes(points, ring.modes, ring.std)
    assert (found["modes"], found["high_quality"]) == (expected.captured, expected.high_quality)
    monitor = Monitor.of(run)
    assert found.keys() == {"distance", "floor", "modes", "high_quality"}
    fd = percent(frechet_distance(moments(monitor.real), moments(points)), moments(monitor.real))
    assert found["distance"] == pytest.approx(fd)
    assert found["floor"] == pytest.approx(floor_of(monitor.real, moments(monitor.real), COUNT))
    own = Run(tiny(), data=Dataset("own", points))
    assert Monitor.of(own)(own).keys() == {"distance", "floor"}


def test_pictures_without_a_shipped_judge(pictured, digits):
    run = Run(pictured(), data=digits)
    monitor = Monitor.of(run)
    found = monitor(run)
    assert found.keys() == {"distance", "floor"}
    images = run.sample(*run.draw(COUNT, seed=run.config.seed))
    of_real = moments(monitor.real)
    fd = percent(frechet_distance(of_real, moments(gist(digits.images)(images))), of_real)
    assert found["distance"] == pytest.approx(fd, rel=1e-3)
    assert found["distance"] > 2 * found["floor"]
    for count, enough in ((19, False), (20, True)):
        few = Dataset("few", digits.images[:count], digits.labels[:count], digits.class_names)
        assert (Monitor.of(Run(run.config, data=few)) is not None) is enough


def test_watching_changes_no_byte(tiny, tmp_path):
    def content(folder):
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("step-000024/*.safetensors"))}

    watched, plain = tiny(threads=2, evaluate_every=5), tiny(threads=2, evaluate_every=0)
    for name, config in (("watched", watched), ("plain", plain)):
        run = Run(config)
        list(Recorder(tmp_path / name).record(run, evaluators=[Monitor.of(run)]))
    assert len(content(tmp_path / "watched")) == 1
    assert content(tmp_path / "watched") == content(tmp_path / "plain")


def test_what_is_not_finite_says_nothing(tiny, mnist_run, monkeypatch):
    ring = Run(tiny())
    monitor = Monitor.of(ring)
    ring.gan.average[:] = np.nan
    assert monitor(ring) == {}
    pictures = Run(mnist_run.config)
    seen = Monitor.of(pictures)
    z, labels = pictures.draw(COUNT, seed=0)
    z[-1] = np.nan  # one of a thousand
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "draw", lambda count, seed: (z, labels))
        assert seen(pictures) == {}
    pictures.gan.average[:] = np.inf
    assert seen(pictures) == {}


def test_the_same_picture_again_and_again_has_no_distance(pictured):
    same = np.full((40, 28, 28, 1), 7, np.uint8)
    assert Monitor.of(Run(pictured(), data=Dataset("same", same))) is None

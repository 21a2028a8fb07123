"""What a study measures, against what can be worked out by hand."""

import numpy as np
import pytest

from mulligan.data import TOYS, Dataset, load, scale_samples
from mulligan.errors import UnsupportedError
from mulligan.metrics import bundled_judge, count_classes, frechet_distance, manifolds, moments, pca, sharpness
from mulligan.studies.measures import FIGURES, quality
from mulligan.training import Run, recipe


def test_points_on_the_modes_are_perfect(drawing, run_on):
    run, ring = run_on(None), TOYS["ring"]
    drawing(run, np.float32(ring.modes))
    found = quality(run, 800)
    assert (found["modes"], found["good"]) == (8.0, 1.0)
    assert found["distance"] == pytest.approx(0.0, abs=1e-6)
    drawing(run, np.float32(ring.modes[:2]))
    assert quality(run, 800)["kl"] == pytest.approx(np.log(4))  # two of eight
    assert quality(run, 800)["modes"] == 2.0
    drawing(run, np.float32(ring.modes[:3]) + np.float32([[0.5, 0.0]]))
    found = quality(run, 800)
    assert (found["modes"], found["good"]) == (0.0, 0.0)
    assert 0.3 < found["distance"] <= 0.5


def test_points_without_modes_are_refused():
    points = Dataset("mine", np.random.default_rng(0).random((50, 2), np.float32))
    with pytest.raises(UnsupportedError, match="got mine"):
        quality(Run(recipe("ring"), data=points), 100)


def test_held_out_pictures_are_the_best_fakes(pictures, drawing, run_on):
    run = run_on(pictures)
    real = np.asarray(pictures.test.images, np.float32) / 127.5 - 1.0
    drawing(run, real)
    same = quality(run, 100)
    assert [same[name] for name in ("fd", "fd_pca")] == pytest.approx([0.0, 0.0], abs=1e-3)
    assert (same["coverage"], same["recall"], same["sharpness"]) == (1.0, 1.0, 1.0)
    drawing(run, real[:1])
    one = quality(run, 100)
    assert min(one["fd"], one["fd_pca"]) > 50
    assert one["coverage"] < 0.2
    assert "classes" not in one  # no judge for noise


def test_digits_are_seen_through_the_judge_and_their_principal_components(drawing, run_on):
    all_of, n = load("mnist"), 200
    real, train = np.asarray(all_of.test.images[:n]), np.asarray(all_of.images[:400])
    test = Dataset("mnist", real, all_of.test.labels[:n], all_of.class_names)
    run = run_on(Dataset("mnist", train, all_of.labels[:400], all_of.class_names, test=test))
    fake = np.asarray(all_of.images[np.flatnonzero(all_of.labels < 5)[-n:]])
    drawing(run, scale_samples(fake, -1.0, 1.0))
    found = quality(run, n)
    judge, components = bundled_judge("mnist"), pca(train)
    (x, p), (y, _) = (judge.features_and_probabilities(images) for images in (fake, real))
    for name, a, b in (("fd", x, y), ("fd_pca", components(fake), components(real))):
        there = moments(b)
        assert found[name] == pytest.approx(100 * frechet_distance(there, moments(a)) / there.total_variance, rel=1e-6)
    near, classed = manifolds(y, x), count_classes(p)
    assert found["classes"] == classed.modes < 8
    assert (found["effective"], found["junk"]) == (classed.effective_modes, classed.junk)
    assert (found["coverage"], found["precision"], found["recall"]) == (near.coverage, near.precision, near.recall)
    assert found["sharpness"] == sharpness(fake, real)


def test_measuring_changes_nothing(pictures, run_on):
    runs = [run_on(pictures), run_on(pictures)]
    for i, run in enumerate(runs):
        run.advance()
        if i:
            first = quality(run, 64)
            assert quality(run, 64) == first
            assert first.keys() <= FIGURES.keys()
        run.advance()
    a, b = (run.gan.arrays() for run in runs)
    assert all(np.array_equal(a[name], b[name]) for name in a)

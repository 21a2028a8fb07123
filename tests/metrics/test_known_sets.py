"""Sets whose fault is known are ordered as they should be, under every map; the published table in small."""

from functools import cache

import numpy as np
import pytest
import scipy.ndimage

from mulligan.metrics import bundled_judge, evaluate_pictures, gist, pca, reference

N = 1000
MAPS = ("judge", "gist")


@pytest.fixture(scope="module")
def scored(digits):
    """Score every set under a map against N test pictures; the last 5000 training pictures are what could be copied."""
    rng = np.random.default_rng(1)
    order = rng.permutation(len(digits))  # the files are sorted by writer
    pictures, labels = digits.images[order], digits.labels[order]
    test = digits.test.images[rng.permutation(len(digits.test))[:N]]
    train, held = pictures[-5000:], pictures[:N]
    means = np.stack([pictures[labels == k].mean(axis=0) for k in range(10)]).astype(np.uint8)
    sets = {
        "held out": held,
        "one class missing": pictures[:5000][labels[:5000] != 3][:N],
        "half the classes": pictures[:5000][labels[:5000] < 5][:N],
        "a tenth, ten times": np.tile(held[: N // 10], (10, 1, 1, 1)),
        "blurred": scipy.ndimage.uniform_filter(held, (1, 3, 3, 1)),
        "class means": means[rng.integers(10, size=N)],
        "copies": train[:N],
        "quarter copies": np.concatenate([train[: N // 4], held[N // 4 :]]),
        "one repeated": np.tile(held[:1], (N, 1, 1, 1)),
        "noise": rng.integers(0, 256, held.shape).astype(np.uint8),
    }
    maps = {"judge": lambda: bundled_judge("mnist"), "gist": lambda: gist(train)}

    @cache
    def under(phi):
        against = reference(test, train, maps[phi](), pca(train))
        return {name: evaluate_pictures(images, against) for name, images in sets.items()}

    return under


@pytest.mark.parametrize("phi", MAPS)
def test_distances_order_the_faults(scored, phi):
    results = scored(phi)
    at = {name: found[phi]["fd"] for name, found in results.items()}
    assert at["held out"] < at["one class missing"] < at["half the classes"] < at["one repeated"]
    assert at["held out"] < at["blurred"] < at["class means"] < at["noise"]
    assert phi == "gist" or at["class means"] < at["one repeated"]  # gist: a mean is as wrong as a repeat


@pytest.mark.parametrize("phi", MAPS)
def test_held_out_pictures_are_near_their_floors(scored, phi):
    results = scored(phi)
    found = results["held out"][phi]
    assert 0.8 * found["fd_floor"] < found["fd"] < 1.5 * found["fd_floor"]
    assert found["coverage"] > found["coverage_ideal"] - 0.06
    for name in ("half the classes", "blurred", "class means", "one repeated", "noise"):
        assert results[name][phi]["fd"] > 2 * found["fd"], name


@pytest.mark.parametrize("phi", MAPS)
def test_recall_and_coverage_see_what_precision_does_not(scored, phi):
    results = scored(phi)
    found = {name: result[phi] for name, result in results.items()}
    for name in ("one class missing", "half the classes", "a tenth, ten times"):
        assert found[name]["precision"] > found["held out"]["precision"] - 0.07, name
    assert found["half the classes"]["recall"] < found["held out"]["recall"] - 0.15
    falling = [found[name]["coverage"] for name in ("held out", "one class missing", "half the classes")]
    assert sorted(falling, reverse=True) == falling
    assert found["a tenth, ten times"]["recall"] == 0.0
    for name in ("a tenth, ten times", "class means", "one repeated", "noise"):
        assert found[name]["coverage"] < 0.5, name
    for name in ("class means", "one repeated", "noise"):
        assert found[name]["recall"] < 0.05, name
    assert found["noise"]["precision"] == 0.0


def test_classes(scored):
    of = {name: result["classes"] for name, result in scored("judge").items()}
    classes = {"held out": 10, "one class missing": 9, "half the classes": 5, "one repeated": 1}
    assert {name: of[name]["modes"] for name in classes} == classes
    assert of["held out"]["effective_modes"] > 9.7 > of["one class missing"]["effective_modes"] > 8.8
    assert of["held out"]["junk"] < 0.01
    assert of["class means"]["modes"] == 10  # and nothing inside the classes, which coverage tells


def test_copies(scored):
    results = scored("judge")
    of = {name: result["copies"] for name, result in results.items()}
    honest = of["held out"]
    assert abs(honest["authpct"] - honest["authpct_real"]) < 5
    assert abs(honest["ct_z"]) < 3
    assert of["copies"]["authpct"] == 0.0
    assert of["copies"]["ct_z"] < of["quarter copies"]["ct_z"] < -3
    assert of["quarter copies"]["authpct"] < honest["authpct_real"] - 5
    assert of["noise"]["ct_z"] > 3
    # What FD, precision, recall and classes cannot see.
    assert results["copies"]["judge"]["fd"] < 1.5 * results["held out"]["judge"]["fd"]

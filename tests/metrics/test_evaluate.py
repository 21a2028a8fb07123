import json
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest

from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.metrics import (
    METRICS,
    Comparison,
    c2st,
    contrast,
    copying,
    diversity,
    evaluate_pictures,
    frechet_distance,
    frechet_infinity,
    gist,
    kid,
    manifolds,
    merge,
    moments,
    originals,
    pca,
    reference,
    sharpness,
    sliced_wasserstein,
    split_floor,
    within_class_variance,
)

N = 300


@pytest.fixture(scope="module")
def maps(digits):
    return [pca(digits.images[:2000], 16, name="pca64"), gist(digits.images[:500], 16)]


class Told:
    """A map that knows the classes of the pictures that it was told of."""

    def __init__(self, phi, images, probabilities):
        self.phi, self.name, self.sha256 = phi, phi.name, phi.sha256
        self.known = {image.tobytes(): p for image, p in zip(images, probabilities, strict=True)}

    def __call__(self, images):
        return self.phi(images)

    def features_and_probabilities(self, images):
        return self(images), np.stack([self.known[image.tobytes()] for image in images])


@pytest.fixture(scope="module")
def pupils(digits):
    """The digits of this file: the fakes are real ones."""
    fakes, reals = slice(3000, 3000 + N), slice(N)
    return digits.images[fakes], digits.labels[fakes], digits.test.images[reals], digits.test.labels[reals]


@pytest.fixture(scope="module")
def against(digits, maps, pupils):
    fakes, labels, reals, real_labels = pupils
    told = Told(maps[0], [*fakes, *reals], np.eye(10)[[*labels, *real_labels]])
    return reference(reals, digits.images[:2000], [told, maps[1]])


@pytest.fixture(scope="module")
def result(pupils, against):
    return evaluate_pictures(pupils[0], against, seed=4, data="mnist", cpu_seconds=1.5)


def test_the_form_that_the_interface_promises(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["n"], result["seeds"], result["data"], result["generator"]) == (N, [4], "mnist", "ema")
    assert result["cpu_seconds"] == 1.5
    promised = {"fd", "fd_floor", "kid", "precision", "recall", "density", "coverage", "coverage_ideal", "sha256"}
    assert promised <= result["pca64"].keys() == result["gist"].keys()
    of_classes = {"histogram", "kl", "kl_floor", "modes", "effective_modes", "junk", "within_class_variance"}
    assert of_classes <= result["classes"].keys()
    assert {"authpct", "authpct_real", "ct_z"} <= result["copies"].keys()
    assert isinstance(result["diversity"], float)
    assert isinstance(result["sharpness"], float)


def fd(a, b):
    return frechet_distance(moments(a), moments(b))


def test_each_figure_stands_in_its_place(digits, maps, against, result):
    fake, real = digits.images[3000 : 3000 + N], digits.test.images[:N]
    for phi in maps:
        x, y, found = phi(fake), phi(real), result[phi.name]
        unit = moments(y).total_variance / 100
        assert found["fd"] == pytest.approx(frechet_distance(moments(x), moments(y)) / unit, rel=1e-6)
        assert found["fd_floor"] == pytest.approx(split_floor(fd, y, N) / unit, rel=1e-9)
        assert found["sliced"] == pytest.approx(sliced_wasserstein(y, x, seed=4) / unit, rel=1e-9)
        floor = split_floor(partial(sliced_wasserstein, directions=200), y, N, splits=4)
        assert found["sliced_floor"] == pytest.approx(floor / unit, rel=1e-9)
        assert found["kid"] == pytest.approx(kid(y, x, seed=4).mean, rel=1e-9)
        near = manifolds(y, x)
        assert {name: found[name] for name in asdict(near)} == asdict(near)
        told = c2st(y, x, seed=4)
        assert (found["c2st"], found["c2st_z"]) == (told.accuracy, told.z)
        assert found["kid_sd"] == pytest.approx(kid(y, x, seed=4).sd, rel=1e-9)
        assert found["fd_infinity"] == pytest.approx(frechet_infinity(y, x, seed=4) / unit, rel=1e-6)
        assert found["sha256"] == phi.sha256
    x, y, labels = maps[0](fake), maps[0](real), (digits.labels[3000 : 3000 + N], digits.test.labels[:N])
    inside = within_class_variance(x, labels[0], y, labels[1], 10)
    assert result["classes"]["within_class_variance"] == pytest.approx(inside, rel=1e-9)
    assert result["diversity"] == diversity(fake, real, *labels, seed=4)
    assert result["sharpness"] == sharpness(fake, real)
    assert result["contrast"] == contrast(fake, real)
    copied = asdict(copying(x, originals(y, maps[0](digits.images[:2000]))))
    assert {name: result["copies"][name] for name in copied} == copied
    assert result["classes"]["histogram"] == (np.bincount(digits.labels[3000 : 3000 + N]) / N).tolist()
    assert result["classes"]["score"] > 9
    assert result["copies"]["by"] == "pca64"
    assert result["copies"]["n_train"] == 2000


def test_fd_infinity_takes_four_rows_for_each_feature(rng):
    for n, m, there in ((64, 64, True), (63, 64, False), (64, 63, False)):
        real, fake = rng.standard_normal((n, 16)), rng.standard_normal((m, 16))
        assert ("fd_infinity" in METRICS["fd_infinity"].compute(Comparison(real, fake))) is there


def test_the_same_again_to_the_last_digit(pupils, against, result):
    assert evaluate_pictures(pupils[0], against, seed=4, data="mnist", cpu_seconds=1.5) == result


def test_another_number_is_refused_or_marked(pupils, against):
    with pytest.raises(ConfigError, match="300 reals, got 100"):
        evaluate_pictures(pupils[0][:100], against)
    marked = evaluate_pictures(pupils[0][:100], against, unequal=True)
    assert (marked["n"], marked["n_real"]) == (100, N)
    of_reals = against.moments["pca64"]
    expected = 100 * split_floor(fd, against.features["pca64"], 100) / of_reals.total_variance
    expected *= (1 + 100 / N) / 2
    assert marked["pca64"]["fd_floor"] == pytest.approx(expected, rel=1e-12)


def test_without_classes(digits, maps):
    bare = reference(digits.test.images[:100], digits.images[:500], maps[1:])
    found = evaluate_pictures(digits.images[600:700], bare)
    assert "classes" not in found
    assert found["copies"]["by"] == "gist"
    assert 0.5 < found["diversity"] < 1.5


def test_a_map_that_knows_classes_is_asked_for_them(digits, maps):
    class Knowing(Told):
        def features_and_probabilities(self, images):
            bright = images.mean(axis=(1, 2, 3)) > 33
            return self(images), np.stack([bright, ~bright], axis=1).astype(np.float32)

    known = reference(
        digits.test.images[:100], digits.images[:500], [Knowing(maps[0], [], []), maps[1]], prior=np.array([3, 1])
    )
    found = evaluate_pictures(digits.images[600:700], known)
    share = np.mean(digits.images[600:700].mean(axis=(1, 2, 3)) > 33)
    assert found["classes"]["histogram"] == pytest.approx([share, 1 - share])
    expected = share * np.log(share / 0.75) + (1 - share) * np.log((1 - share) / 0.25)
    assert found["classes"]["kl"] == pytest.approx(expected, rel=1e-6)
    assert found["pca64"]["sha256"] == maps[0].sha256


def test_a_judge_that_is_sure_of_nothing(digits, maps):
    real, train = digits.test.images[:60], digits.images[:500]
    fakes = digits.images[600:660]
    unsure = Told(maps[1], [*real, *fakes], np.full((120, 10), 0.1))
    found = evaluate_pictures(fakes, reference(real, train, [unsure]))
    assert found["classes"]["junk"] == 1.0
    assert found["diversity"] == evaluate_pictures(fakes, reference(real, train, maps[1:]))["diversity"]


def test_a_judge_that_sees_only_the_first_class_in_the_reals(digits, maps):
    real, train, fakes = digits.test.images[:60], digits.images[:500], digits.images[600:660]
    label = np.arange(60) % 2
    told = Told(maps[1], [*real, *fakes], np.eye(10)[[*np.zeros(60, int), *label]])
    found = evaluate_pictures(fakes, reference(real, train, [told], prior=np.ones(10)), seed=3)
    assert found["diversity"] == diversity(fakes, real, label, np.zeros(60, int), seed=3)
    assert found["diversity"] != diversity(fakes, real, seed=3)


@pytest.mark.parametrize(
    ("shape", "blank", "left"),
    [
        ((2, 20, 1), False, {"contrast"}),
        ((6, 6, 3), False, {"sharpness", "contrast"}),
        ((7, 7, 1), False, {"diversity", "sharpness", "contrast"}),
        ((9, 8, 3), True, {"diversity", "contrast"}),  # each picture of one colour: no edge to compare with
    ],
)
def test_figures_that_the_reals_do_not_have_are_left_out(rng, shape, blank, left):
    size = (1, 1, shape[2]) if blank else shape
    real, train = (rng.integers(0, 256, (60, *size), dtype=np.uint8) + np.zeros(shape, np.uint8) for _ in "rt")
    against = reference(real, train, [pca(train)])
    noise = rng.integers(0, 256, (60, *shape), dtype=np.uint8)
    results = [evaluate_pictures(fakes, against) for fakes in (train, noise)]
    for result in results:
        assert {"diversity", "sharpness", "contrast"} & result.keys() == left
        assert all(isinstance(result[name], float) for name in left)
    assert merge(results).keys() == results[0].keys()  # the reals decide, so that draws can be put together


def test_what_was_asked_for(digits, maps, pupils):
    fakes, labels, reals, real_labels = pupils
    sure, p = np.eye(10)[labels], np.eye(10)[real_labels]
    unsure = np.concatenate([0.3 * sure[:60] + 0.07, sure[60:]])  # the first are junk, which yet shows one class most
    off = np.where(np.arange(N) < 30, (labels + 1) % 10, labels)
    for given, asked, right in ((sure, labels, 1.0), (unsure, off, 0.9)):
        against = reference(reals, digits.images[:500], [Told(maps[0], [*fakes, *reals], [*given, *p])])
        assert evaluate_pictures(fakes, against, asked=asked)["classes"]["label_accuracy"] == right
    with pytest.raises(ShapeError, match="300 fakes"):
        evaluate_pictures(fakes, against, asked=labels[:3])


def test_seeds_together(result):
    other = json.loads(json.dumps(result))
    other["seeds"], other["pca64"]["fd"], other["classes"]["histogram"][3] = [5], 100.0, 0.9
    third = json.loads(json.dumps(other))
    third["seeds"], third["pca64"]["fd"] = [6], 0.0
    merged = merge([result, other, third])
    assert merged["seeds"] == [4, 5, 6]
    assert merged["pca64"]["fd"] == {"median": result["pca64"]["fd"], "min": 0.0, "max": 100.0}
    assert merged["classes"]["histogram"][3] == {
        "median": 0.9,
        "min": result["classes"]["histogram"][3],
        "max": 0.9,
    }
    truths = merge([{**r, "held_out": True, "judge": {"accuracy": 0.99}} for r in (result, other)])
    assert (truths["held_out"], truths["judge"]) == (True, {"accuracy": 0.99})
    assert (merged["n"], merged["copies"]["n_train"], merged["data"]) == (N, 2000, "mnist")
    assert merged["pca64"]["sha256"] == result["pca64"]["sha256"]
    assert merged["sharpness"]["median"] == result["sharpness"]
    assert merge([result]) == result


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(n=7), "same 'n', got 300, 7"),
        (lambda r: r.update(data="other"), "same 'data', got mnist, other"),
        (lambda r: r["gist"].update(sha256="f"), "same 'gist.sha256'"),
        (lambda r: r["copies"].update(n_train=1), r"same 'copies\.n_train', got 2000, 1\."),
        (lambda r: r.pop("classes"), "same figures in 'metrics'"),
        (lambda r: r["pca64"].pop("fd"), "same figures in 'pca64'"),
    ],
)
def test_what_may_not_be_put_together(result, change, words):
    other = json.loads(json.dumps(result))
    change(other)
    with pytest.raises(ConfigError, match=words):
        merge([result, other])


def test_what_does_not_fit_is_refused(digits, maps, against):
    real = digits.test.images[:N]
    with pytest.raises(DataError, match="got 300"):
        reference(np.repeat(real[:1], N, axis=0), digits.images[:500], maps)
    with pytest.raises(ShapeError, match=r"\(28, 28, 1\), got \(20, 28, 1\)"):
        evaluate_pictures(real[:, :20], against)
    with pytest.raises(DataError, match="float64"):
        evaluate_pictures(real / 255.0, against)

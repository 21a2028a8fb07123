import json
from dataclasses import asdict

import numpy as np
import pytest

from mulligan.data import TOYS
from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.metrics import (
    count_classes,
    evaluate_pictures,
    evaluate_points,
    frechet_distance,
    gist,
    manifolds,
    merge,
    moments,
    noise_floor,
    pca,
    pixels,
    real_or_fake,
    reference,
    registry,
    sharpness,
)
from mulligan.metrics.copies import copying, originals
from mulligan.metrics.distances import split_floor

N = 300


@pytest.fixture(scope="module")
def maps(digits):
    return [gist(digits.images[:500], 16), pca(digits.images[:2000], 16, name="pca64")]


class Told:
    """A map that knows the classes of the pictures that it was told of."""

    def __init__(self, phi, images, probabilities):
        self.phi, self.name, self.sha256 = phi, "judge", phi.sha256
        self.known = {image.tobytes(): p for image, p in zip(images, probabilities, strict=True)}

    def __call__(self, images):
        return self.phi(images)

    def features_and_probabilities(self, images):
        return self(images), np.stack([self.known[image.tobytes()] for image in images])


@pytest.fixture(scope="module")
def pupils(digits):
    """The digits of this file: the fakes are real ones."""
    fakes, reals = slice(3000, 3000 + N), slice(N)
    return digits.images[fakes], digits.labels[fakes], digits.test.images[reals]


@pytest.fixture(scope="module")
def against(digits, maps, pupils):
    fakes, labels, reals = pupils
    return reference(reals, digits.images[:2000], Told(maps[0], fakes, np.eye(10)[labels]), maps[1])


@pytest.fixture(scope="module")
def result(pupils, against):
    return evaluate_pictures(pupils[0], against, seed=4, data="mnist")


def test_the_form_that_the_interface_promises(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["n"], result["n_real"], result["seeds"], result["data"]) == (N, N, [4], "mnist")
    promised = {"sha256", "fd", "fd_floor", "precision", "recall", "coverage", "coverage_ideal"}
    assert result["judge"].keys() == promised
    assert result["classes"].keys() == {"histogram", "modes", "effective_modes", "junk"}
    assert {"authpct", "authpct_real", "ct_z"} <= result["copies"].keys()
    assert isinstance(result["sharpness"], float)


def fd(a, b):
    return frechet_distance(moments(a), moments(b))


def test_each_figure_stands_in_its_place(digits, maps, pupils, result):
    fake, labels, real = pupils
    x, y = maps[0](fake), maps[0](real)
    unit = moments(y).total_variance / 100
    assert result["judge"]["fd"] == pytest.approx(fd(x, y) / unit, rel=1e-6)
    assert result["judge"]["fd_floor"] == pytest.approx(split_floor(fd, y, N) / unit, rel=1e-9)
    near = asdict(manifolds(y, x))
    assert {name: result["judge"][name] for name in near} == near
    assert result["judge"]["sha256"] == maps[0].sha256
    assert result["sharpness"] == sharpness(fake, real)
    x, y = maps[1](fake), maps[1](real)
    copied = asdict(copying(x, originals(y, maps[1](digits.images[:2000]))))
    assert result["copies"] == {"by": "pca64", "n_train": 2000, **copied}
    classes = asdict(count_classes(np.eye(10)[labels]))
    assert result["classes"] == {**classes, "histogram": list(classes["histogram"])}


def test_the_net_and_its_control_stand_side_by_side(digits, maps, pupils, monkeypatch):
    monkeypatch.setattr(registry, "FEWEST", N)
    monkeypatch.setattr(pixels, "STEPS", 48)
    fake, _, real = pupils
    against = reference(real, digits.images[:500], *maps)
    found = evaluate_pictures(fake, against, seed=1)
    assert "classes" not in found
    assert found["real_or_fake"] == real_or_fake(real, fake, seed=1)
    assert found["real_or_fake_floor"] == real_or_fake(real, against.others)
    rest = reference(digits.images[:500:2], digits.images[:500], maps[0], inside=np.arange(0, 500, 2)).others
    assert {x.tobytes() for x in rest} == {x.tobytes() for x in digits.images[1:500:2]}
    few = reference(real, digits.images[:199], maps[0])
    assert evaluate_pictures(fake, few)["real_or_fake_floor"] == 0.5
    fewer = evaluate_pictures(fake[:100], reference(real[:100], digits.images[:500], maps[0]))
    assert fewer["copies"]["by"] == "gist"
    assert "real_or_fake" not in fewer


def test_what_was_asked_for(digits, maps, pupils):
    fakes, labels, reals = pupils
    sure = np.eye(10)[labels]
    unsure = np.concatenate([0.3 * sure[:60] + 0.07, sure[60:]])  # the first are junk, which yet shows one class most
    off = np.where(np.arange(N) < 30, (labels + 1) % 10, labels)
    for given, asked, right in ((sure, labels, 1.0), (unsure, off, 0.9)):
        against = reference(reals, digits.images[:500], Told(maps[0], fakes, given))
        assert evaluate_pictures(fakes, against, asked=asked)["classes"]["label_accuracy"] == right


def test_seeds_together(result):
    other = json.loads(json.dumps(result))
    other["seeds"], other["judge"]["fd"], other["classes"]["histogram"][3] = [5], 100.0, 0.9
    third = json.loads(json.dumps(other))
    third["seeds"], third["judge"]["fd"] = [6], 0.0
    merged = merge([result, other, third])
    assert merged["seeds"] == [4, 5, 6]
    assert merged["judge"]["fd"] == {"median": result["judge"]["fd"], "min": 0.0, "max": 100.0}
    least = result["classes"]["histogram"][3]
    assert merged["classes"]["histogram"][3] == {"median": 0.9, "min": least, "max": 0.9}
    truths = merge([{**r, "held_out": True, "judge": {"accuracy": 0.99}} for r in (result, other)])
    assert (truths["held_out"], truths["judge"]) == (True, {"accuracy": 0.99})
    assert (merged["n"], merged["copies"]["n_train"], merged["data"]) == (N, 2000, "mnist")
    assert merged["judge"]["sha256"] == result["judge"]["sha256"]
    assert merge([result]) == result


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda r: r.update(n=7), "'n', got 300, 7"),
        (lambda r: r.update(data="other"), "'data', got mnist, other"),
        (lambda r: r["judge"].update(sha256="f"), "'judge.sha256'"),
        (lambda r: r["copies"].update(n_train=1), r"'copies\.n_train', got 2000, 1\."),
    ],
)
def test_what_may_not_be_put_together(result, change, fact):
    other = json.loads(json.dumps(result))
    change(other)
    with pytest.raises(ConfigError, match=fact):
        merge([result, other])


def test_what_does_not_fit_is_refused(digits, maps, against):
    real = digits.test.images[:N]
    with pytest.raises(DataError):
        reference(np.repeat(real[:1], N, axis=0), digits.images[:500], *maps)
    with pytest.raises(ShapeError):
        evaluate_pictures(real[:, :20], against)


@pytest.mark.parametrize("name", TOYS)
def test_fresh_samples_of_a_toy(name):
    fake, real = (TOYS[name].sample(1000, np.random.default_rng(seed)) for seed in (2, 1))
    found = evaluate_points(fake, real, data=name, seed=np.int64(3))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["points"]["fd"] < 6 * found["points"]["fd_floor"]
    assert found["points"]["coverage"] > found["points"]["coverage_ideal"] - 0.05
    assert ("modes" in found) == (name in ("ring", "grid"))
    if "modes" in found:
        assert found["modes"]["captured"] == len(TOYS[name].centres)
        assert found["modes"]["high_quality"] == pytest.approx(found["modes"]["high_quality_ideal"], abs=0.02)
        half = evaluate_points(np.resize(real[real[:, 0] < 0], (1000, 2)), real, data=name)
        assert half["modes"]["captured"] < len(TOYS[name].centres)
        assert half["points"]["recall"] < 0.7


def test_points_of_ones_own():
    cloud = np.random.default_rng(0).standard_normal((2000, 3))
    there = 1.5 * cloud + 1
    found = evaluate_points(cloud, there, seed=5)
    assert found.keys() == {"n", "n_real", "seeds", "data", "points"}
    unit = moments(there).total_variance / 100
    assert found["points"]["fd"] == pytest.approx(fd(there, cloud) / unit)
    assert found["points"]["fd_floor"] == pytest.approx(noise_floor(moments(there).cov, 2000, 2000) / unit)

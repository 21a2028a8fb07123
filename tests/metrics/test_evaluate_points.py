"""Points: what the toys' densities say, and the same distances as for pictures."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import norm

from mulligan.data import TOYS
from mulligan.data.sources.toys import Gaussians
from mulligan.metrics import (
    Comparison,
    divergences,
    evaluate_points,
    frechet_distance,
    kid,
    manifolds,
    moments,
    noise_floor,
)

N = 2000


@pytest.fixture(scope="module")
def real():
    return {name: toy.sample(N, np.random.default_rng(1)) for name, toy in TOYS.items()}


@pytest.mark.parametrize("name", TOYS)
def test_fresh_samples_of_the_toy_itself(name, real):
    fake = TOYS[name].sample(N, np.random.default_rng(2))
    found = evaluate_points(fake, real[name], data=name, seed=np.int64(3))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["points"]["fd"] < 6 * found["points"]["fd_floor"]
    assert found["points"]["coverage"] > found["points"]["coverage_ideal"] - 0.04
    assert found["log_density"]["fake"] == pytest.approx(found["log_density"]["real"], abs=0.1)
    assert ("modes" in found, "divergences" in found) == (name in ("ring", "grid"), name in ("jang", "aylien"))
    if "modes" in found:
        assert found["modes"]["captured"] == len(TOYS[name].centres)
        assert found["modes"]["high_quality"] == pytest.approx(found["modes"]["high_quality_ideal"], abs=0.01)
        assert found["modes"]["kl"] < 4 * found["modes"]["kl_floor"]
    if "divergences" in found:
        assert found["divergences"]["kl"] < 2 * found["divergences"]["kl_floor"]


@pytest.mark.parametrize("name", ["jang", "aylien"])
def test_divergences_are_those_of_the_toys_density_over_five_deviations(name, real):
    fake = TOYS[name].sample(N, np.random.default_rng(2)) * 1.1
    (mean,), std = TOYS[name].centres[0], TOYS[name].std
    expected = divergences(fake, norm(mean, std).pdf, mean - 5 * std, mean + 5 * std)
    assert evaluate_points(fake, real[name], data=name)["divergences"] == pytest.approx(asdict(expected), rel=1e-6)


def test_a_toy_of_two_modes_has_modes(monkeypatch):
    monkeypatch.setitem(TOYS, "pair", Gaussians(((-1.0, 0.0), (1.0, 0.0)), 0.1))
    left = np.array([[-1.0, 0.0], [-1.1, 0.0]])
    assert Comparison(left, left, data="pair").modes()["captured"] == 1


def test_what_is_missing_is_seen(real):
    left = real["ring"][real["ring"][:, 0] < 0]
    found = evaluate_points(np.resize(left, (N, 2)), real["ring"], data="ring")
    assert found["modes"]["captured"] < 8
    assert found["points"]["recall"] < 0.7
    moved = evaluate_points(real["jang"] + 1, real["jang"], data="jang")
    assert moved["divergences"]["kl"] == pytest.approx(0.5, abs=0.1)  # KL(N(0,1)‖N(−1,1)) = 1/2
    assert moved["log_density"]["fake"] < moved["log_density"]["real"] - 0.3


def test_points_of_ones_own(real):
    cloud = np.random.default_rng(0).standard_normal((N, 3))
    there = 1.5 * cloud + 1
    found = evaluate_points(cloud, there, seed=5, cpu_seconds=2)
    assert found.keys() == {"n", "n_real", "seeds", "data", "generator", "cpu_seconds", "points"}
    assert (found["seeds"], found["cpu_seconds"]) == ([5], 2.0)
    unit = moments(there).total_variance / 100
    assert found["points"]["fd"] == pytest.approx(frechet_distance(moments(there), moments(cloud)) / unit)
    assert found["points"]["fd_floor"] == pytest.approx(noise_floor(moments(there).cov, N, N) / unit)
    assert found["points"]["kid"] == pytest.approx(kid(there, cloud, seed=5).mean)
    near = asdict(manifolds(there, cloud))
    assert {name: found["points"][name] for name in near} == near

"""`mulligan evaluate`, and what `train` says of quality."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from mulligan import evaluate
from mulligan.metrics.features import judge
from mulligan.training import read_run

SMALL = ("--threads", "1", "--set", "batch_size=16", "--set", "generator.layers={kind='mlp_generator',hidden=[8]}")
SMALLER = ("--set", "discriminator.layers={kind='mlp_discriminator',hidden=[8]}")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path_factory.mktemp("cache") / name))
    monkeypatch.setattr(judge, "STEPS", 20)


@pytest.fixture
def cloud(here):
    """Points of one's own, two hundred of them held out."""
    points = np.random.default_rng(0).standard_normal((500, 2)).astype(np.float32)
    np.savez("cloud.npz", images=points[:300], test_images=points[300:])
    return ("ring", "--data", "cloud.npz", "--out", "r")


@pytest.fixture
def trained(mulligan, cloud):
    code, out, err = mulligan("train", *cloud, "--steps", 20, "--set", "evaluate_every=10", "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_a_run_is_watched_and_measured(mulligan, cloud, here):
    code, out, err = mulligan("train", *cloud, "--steps", 20, "--set", "evaluate_every=10")
    assert code == 0
    assert [line.split(":")[0] for line in err.splitlines() if "distance to real" in line] == ["step 10", "step 20"]
    assert "floor or best" in out
    kept = read_run(here / "r").metrics
    assert (kept["n"], kept["seeds"], kept["held_out"]) == (200, [0], True)


def test_evaluate_keeps_metrics_in_the_folder_of_a_run(trained, mulligan, here):
    assert [line["step"] for line in trained if line["event"] == "evaluated"] == [10, 20]
    assert trained[-1]["metrics"] == read_run(here / "r").metrics
    code, out, err = mulligan("evaluate", "r", "--count", 100, "--seeds", 2)
    assert code == 0
    assert "seed 1, 100 samples" in err
    assert "Coverage" in out
    kept = read_run(here / "r").metrics
    assert (kept["n"], kept["seeds"]) == (100, [0, 1])
    assert set(kept["points"]["fd"]) == {"median", "min", "max"}
    code, out, _ = mulligan("evaluate", "r", "--count", 100, "--seeds", 2, "--json")
    assert json.loads(out) == kept


def test_no_evaluate(mulligan, cloud, here):
    code, out, err = mulligan("train", *cloud, "--steps", 10, "--no-evaluate")
    assert code == 0
    assert "distance to real" not in out + err
    assert not (here / "r" / "metrics.json").exists()
    assert "evaluate_every = 0" in (here / "r" / "config.toml").read_text()
    assert mulligan("resume", "r", "--steps", 20)[0] == 0
    assert not (here / "r" / "metrics.json").exists()


def test_figures_against_other_data_do_not_take_the_place_of_the_runs_own(trained, mulligan, here):
    own = (here / "r" / "metrics.json").read_bytes()
    points = np.random.default_rng(1).standard_normal((300, 2)).astype(np.float32)
    np.savez("other.npz", images=points[:200], test_images=points[200:])
    code, out, err = mulligan("evaluate", "r", "--data", "other.npz", "--seeds", 1)
    assert code == 0
    assert "100 samples of step 20 against 100 held-out ones of other.npz" in out
    assert err.splitlines()[-1] == (
        f"not kept: {os.path.join('r', 'metrics.json')} is of the run's own data, {here / 'cloud.npz'}. "
        "To keep these figures: --json > FILE"
    )
    assert (here / "r" / "metrics.json").read_bytes() == own
    code, out, _ = mulligan("evaluate", "r", "--data", "cloud.npz", "--count", 100, "--seeds", 1)
    assert code == 0
    assert out.splitlines()[-1].startswith(f"kept in {os.path.join('r', 'metrics.json')} and ")
    assert "cloud.npz" in (here / "r" / "report.html").read_text("utf-8")


def test_pictures_of_ones_own(mulligan, data, here):
    code, out, err = mulligan("train", "mlp", "--data", data, "--steps", 4, "--out", "r", *SMALL, *SMALLER)
    assert code == 0, err
    assert re.search(r"\d+ samples .*against \d+ that the generator has seen of .*, in edges and colours\.", out)
    assert "judge" not in out  # it would have to be trained
    code, out, err = mulligan("evaluate", "r", "--seeds", 1)
    assert code == 0, err
    assert "training a judge" in err
    assert "in a judge's features" in out


def test_a_generator_alone(mulligan, model, data):
    code, out, err = mulligan("evaluate", model, "--data", data, "--seeds", 2)
    assert code == 0, err
    assert "kept in" not in out


def test_a_run_on_too_few_pictures_says_that_it_is_not_evaluated(mulligan, here):
    np.savez("few.npz", images=np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8))
    code, out, err = mulligan("train", "mlp", "--data", "few.npz", "--steps", 2, "--threads", 1, "--out", "run")
    assert code == 0
    assert "\n12 samples to learn from: G soon learns so few by heart" in err.partition("step 2 of 2")[0]
    assert re.search(r"not evaluated: .*few.npz must have 20 samples .*, got 6", err)
    assert "metrics" not in out


@pytest.fixture
def made(here):
    """Grey pictures of 8×8 in a folder, and reals of the same kind in a file."""
    pictures = np.random.default_rng(1).integers(0, 256, (160, 8, 8), dtype=np.uint8)
    np.savez("real.npz", images=pictures[:60], test_images=pictures[60:100])
    (here / "fakes" / "a").mkdir(parents=True)
    for i, picture in enumerate(pictures[100:]):
        Image.fromarray(picture).save(here / "fakes" / "a" / f"{i:02d}.png")
    np.save("fakes.npy", pictures[100:])
    return pictures


def test_samples_of_any_program_are_measured(mulligan, made):
    asked = ("--data", "real.npz", "--seeds", 1, "--json")
    code, out, err = mulligan("evaluate", "--fakes", "fakes", *asked)
    assert code == 0, err
    found = json.loads(out)
    facts = [found[name] for name in ("n", "n_real", "step", "held_out")]
    assert facts == [40, 40, 0, True]
    assert found == json.loads(mulligan("evaluate", "--fakes", "fakes.npy", *asked)[1])
    assert found == evaluate(made[100:], "real.npz", seeds=1)
    assert not {"weights", "generator"} & {*err.split()}
    assert evaluate(made[100:], made[:60], seeds=1)["n_real"] == 30  # two arrays; half of the data is held out
    assert found["gist"]["fd"] < 1.5 * found["gist"]["fd_floor"]  # noise beside noise


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fakes", "fakes"), "--fakes with --data"),
        ((), "needs a MODEL"),
        (("r", "--fakes", "fakes", "--data", "real.npz"), "--fakes with --data"),
        (("--fakes", "fakes", "--data", "mnist"), r"shape \(8, 8, 1\), got \(28, 28, 1\)"),
        (("--fakes", "colour", "--data", "real.npz"), r"shape \(8, 8, 3\), got \(8, 8, 1\)"),
        (("--fakes", "mixed", "--data", "real.npz"), "one size, got 8×8 .* and 8×9"),
        (("--fakes", "empty", "--data", "real.npz"), "must hold pictures .*, got none"),
        (("--fakes", "nowhere", "--data", "real.npz"), "no file named 'nowhere'"),
        (("--fakes", "few", "--data", "real.npz"), "20 samples or more, as many as are compared, got 3"),
        (("--fakes", "fakes", "--data", "real.npz", "--count", 61), "61 samples or more"),
    ],
)
def test_samples_that_cannot_be_measured_are_refused(refused, made, here, words, said):
    colour, sizes = np.zeros((8, 8, 3), np.uint8), [(8, 8), (8, 9)]
    colour[0, 0] = 255, 0, 0
    for folder, pictures in {
        "colour": [colour] * 30, "mixed": [np.zeros(s, np.uint8) for s in sizes], "empty": [], "few": list(made[:3]),
    }.items():  # fmt: skip
        (here / folder).mkdir()
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(here / folder / f"{i}.png")
    err = refused("evaluate", *words)
    assert re.search(said, err), err

"""`mulligan.evaluate` on small pictures: which reals, which weights, which figures."""

import json

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan.data import Dataset
from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.game import Latent
from mulligan.game.architectures import MLPGenerator
from mulligan.metrics import Evaluator, pca
from mulligan.metrics.features import judge
from mulligan.models.evaluate import evaluate, evaluate_finished
from mulligan.nn import Network, stream
from mulligan.nn.layers import Sequential
from mulligan.output.generator import Generator, GeneratorSpec
from mulligan.training import Recorder, Run, with_overrides

NAMES = ("left", "right")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.setattr(judge, "STEPS", 60)


def pictures(n, seed, name="own", test=None, labelled=True):
    """Pictures of 8×8 that are bright on the left or, a third of them, on the right; sorted, as files often are."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.random(n) < 1 / 3).astype(np.int64)
    images = rng.integers(0, 60, (n, 8, 8, 1))
    images[labels == 0, :, :4] += 150
    images[labels == 1, :, 4:] += 150
    return Dataset(name, images.astype(np.uint8), labels if labelled else None, NAMES if labelled else (), test)


@pytest.fixture(scope="module")
def own():
    return pictures(200, 0, test=pictures(80, 1))


def generator(shape=(8, 8, 1), classes=2, **spec):
    build = MLPGenerator((8,), output=None) if len(shape) == 1 else MLPGenerator((12,))
    layers = build.build(shape, classes)
    theta = Network(Sequential(layers), (5,)).initialise(stream(3, "init.g")).theta
    return Generator(GeneratorSpec(layers, Latent(5), shape, classes=classes, **spec), 3 * theta)


class Perfect(Generator):
    """Draws unseen pictures of the data, of the classes that it is asked for."""

    def images(self, count, seed=0, labels=None):
        pool, asked = pictures(5000, 1000 + seed), self.labels(count, seed)
        side = [iter(np.flatnonzero(pool.labels == k)) for k in range(2)]
        return pool.images[[next(side[k]) for k in asked]]


@pytest.fixture
def perfect():
    made = generator(class_names=NAMES, class_counts=(2, 1))
    return Perfect(made.spec, made.theta)


def test_a_perfect_generator_is_near_every_floor(perfect, own):
    found = evaluate(perfect, own, seeds=[2])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["n"], found["n_real"], found["seeds"], found["data"], found["held_out"]) == (80, 80, [2], "own", True)
    assert found["judge"]["fd"] < 3 * found["judge"]["fd_floor"]
    assert len(found["judge"]["sha256"]) == 64
    assert found["classes"]["label_accuracy"] == 1.0
    assert found["classes"]["histogram"][0] == pytest.approx(2 / 3, abs=0.15)
    assert found["judge"]["accuracy"] == 1.0


def test_the_same_again_and_several_draws(own):
    made = generator(class_names=NAMES)
    several = evaluate(made, own, seeds=(3, 5))
    assert evaluate(made, own, seeds=(3, 5)) == several
    assert json.loads(json.dumps(evaluate(made, own, seeds=np.array([3, 5])))) == several  # NumPy's numbers
    first, second = evaluate(made, own, seeds=[3]), evaluate(made, own, seeds=[5])
    assert several["seeds"] == [3, 5]
    both = sorted([first["judge"]["fd"], second["judge"]["fd"]])
    assert both[0] < both[1]
    assert [several["judge"]["fd"][key] for key in ("min", "max")] == both
    assert [evaluate(made, own, seeds=2)["seeds"], first["seeds"]] == [[0, 1], [3]]


def test_whose_classes(own):
    for made in (generator(classes=2), generator(classes=0), generator(class_names=("a", "b"))):
        assert "label_accuracy" not in evaluate(made, own, seeds=1)["classes"]
    assert 0 <= evaluate(generator(class_names=NAMES), own, seeds=1)["classes"]["label_accuracy"] <= 1


def test_without_labels_there_are_no_classes(own):
    bare = Dataset("bare", own.images, test=Dataset("t", own.test.images))
    found = evaluate(generator(), bare, seeds=1)
    assert "classes" not in found
    assert "judge" not in found
    assert "gist" in found


def test_which_reals(own):
    whole = Evaluator.of(own)
    assert whole.real is own.test.images
    assert whole.count == 80
    some = Evaluator.of(own, 40)
    assert np.array_equal(some.real, Evaluator.of(own, 40).real)
    bright_left = (some.real[:, :, :4].mean(axis=(1, 2, 3)) > 100).mean()
    assert 0.4 < bright_left < 0.9  # the first forty would all be of one class
    assert whole.against.originals.train.shape[0] == 200


FEW = pictures(30, 0, "few")


@pytest.mark.parametrize(
    ("data", "count", "fact"),
    [
        (pictures(60, 0, test=pictures(80, 1)), 81, "from 20 to 80, .* got 81"),
        (pictures(60, 0, test=pictures(80, 1)), 19, "from 20 to 80, .* got 19"),
        (pictures(121, 0), 61, "from 20 to 60, .* got 61"),
        (FEW, 20, "few must have 20 .* got 15"),
        (pictures(30, 0, "few", test=pictures(15, 1)), None, "few must have 20 .* got 15"),
    ],
)
def test_too_few_reals_are_refused(data, count, fact):
    with pytest.raises(ConfigError, match=fact):
        Evaluator.of(data, count)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_is_read_as_the_generator_draws(tmp_path, channels):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (20, 24, 4 - channels), np.uint8).squeeze()).save(folder / f"{i}.png")
    mine = generator((32, 32, channels), classes=0, data=str(folder))
    mine.save(tmp_path / "mine.safetensors")
    for given in ({}, {"data": folder}, {"data": str(folder)}):
        assert evaluate(tmp_path / "mine.safetensors", **given, seeds=1)["n"] == 20


def test_without_a_test_part_one_half_stands_in():
    data = pictures(121, 0)
    evaluator = Evaluator.of(data)
    assert (evaluator.count, len(evaluator.against.originals.train), evaluator.held_out) == (60, 121, False)
    flat = {row.tobytes() for row in evaluator.real}
    assert len(flat) == 60
    assert evaluator.score(generator(), 0)["held_out"] is False


class Copier(Generator):
    """Hands out the pictures that it has seen."""

    def images(self, count, seed=0, labels=None):
        return pictures(300, 0).images[np.random.default_rng(99 + seed).permutation(300)[:count]]


@pytest.mark.parametrize("count", [None, 100])
def test_copies_are_found_where_nothing_was_held_out(perfect, count):
    evaluator = Evaluator.of(pictures(300, 0, labelled=False), count)
    half = np.random.default_rng(0).permutation(300)[150:]
    assert evaluator.against.near.sha256 == pca(pictures(300, 0).images[half]).sha256  # not by the reals
    copied = evaluator.score(Copier(perfect.spec, perfect.theta))["copies"]
    assert copied["n_train"] == 300
    assert copied["authpct"] == 0.0
    new = evaluator.score(perfect)["copies"]
    assert 30 < new["authpct_real"] < 80
    assert abs(new["authpct"] - new["authpct_real"]) < 15
    as_ever = (-14.9744, 0.61298) if count is None else (-12.2157, 0.71469)  # of the same reals and cells
    assert (copied["ct_z"], new["ct_z"]) == pytest.approx(as_ever, abs=1e-4)


def test_points_and_toys():
    made = generator((2,), 0, output_range=(-2.0, 2.0), data_range=(-2.0, 2.0), data="ring")
    found = evaluate(made, seeds=2, count=500)  # of its own data
    assert (found["data"], found["n"], found["held_out"]) == ("ring", 500, True)
    assert found["modes"]["kl_floor"]["min"] > 0
    assert found["points"]["fd"]["min"] < found["points"]["fd"]["max"]  # two draws are two
    assert "judge" not in found


def test_both_weights_of_a_run(tmp_path, own):
    config = mulligan.recipe(
        "mlp",
        steps=12,
        threads=1,
        batch_size=16,
        sample_every=0,
        generator={"layers": {"kind": "mlp_generator", "hidden": [8]}},
        discriminator={"layers": {"kind": "mlp_discriminator", "hidden": [8]}},
    )
    path = tmp_path / "own.npz"
    np.savez(path, images=own.images, labels=own.labels, test_images=own.test.images, test_labels=own.test.labels)
    run = Run(with_overrides(config, {"data": {"name": str(path)}}))
    list(Recorder(tmp_path / "r").record(run))
    found = evaluate(tmp_path / "r", seeds=1)
    assert found["step"] == 12
    assert evaluate(tmp_path / "r", seeds=2)["step"] == 12  # a fact, with no range
    assert Evaluator.of(run.data).score(run.generator()) == found
    assert found["judge"]["fd"] != evaluate(run.generator(average=False), run.data, seeds=1)["judge"]["fd"]
    assert evaluate(tmp_path / "r" / "checkpoints" / "step-000012", seeds=1) == found
    assert evaluate(run, seeds=1) == found
    assert evaluate(tmp_path / "r" / "generator.safetensors", seeds=1) == found
    path.rename(tmp_path / "away.npz")
    with pytest.raises(DataError, match=r"own\.npz.*config\.toml"):
        evaluate(tmp_path / "r", seeds=1)
    config = tmp_path / "r" / "config.toml"
    config.write_text(config.read_text().replace("own.npz", "away.npz"))
    again = evaluate(tmp_path / "r", seeds=1)
    assert again["judge"] == found["judge"]


@pytest.mark.parametrize(
    ("options", "error", "fact"),
    [
        ({"data": FEW}, ShapeError, r"\(2,\), got \(8, 8, 1\) of few"),
        ({"data": "ring", "seeds": 0}, ConfigError, "seeds"),
        ({}, ConfigError, "--data mnist"),  # this generator does not name its data
    ],
)
def test_what_cannot_be_compared_is_refused(options, error, fact):
    with pytest.raises(error, match=fact):
        evaluate(generator((2,), 0), **options)


def test_stacked_digits_are_read_one_by_one():
    from mulligan.data import load
    from mulligan.data.sources.mnist import stack

    digits = load("mnist")
    rng = np.random.default_rng(0)

    def split(part, n):
        triples = rng.integers(len(part), size=(n, 3))
        labels = np.asarray(part.labels)[triples] @ np.array([100, 10, 1])
        names = tuple(f"{k:03d}" for k in range(1000))
        return stack(part.images, triples), labels, names

    test = Dataset("t", *split(digits.test, 60))
    data = Dataset("stacked-mnist", *split(digits, 100), test)
    fakes, asked, names = split(digits.test, 60)

    class Stacker(Generator):
        def images(self, count, seed=0, labels=None):
            return fakes[:]

        def labels(self, count, seed=0):
            return asked

    made = generator((28, 28, 3), 1000, class_names=names)
    found = Evaluator.of(data).score(Stacker(made.spec, made.theta))
    assert found["modes"]["captured"] == pytest.approx(len(set(asked)), abs=2)
    assert found["modes"]["n"] == 60
    assert "classes" not in found


def test_a_toy_is_measured_where_numpy_raises_whatever_it_finds():
    points = mulligan.data.load("ring").images
    data = Dataset("ring", points[:300], None, (), Dataset("ring (test)", points[300:500]))
    run = Run(mulligan.recipe("ring", steps=1, threads=1), data=data)
    with np.errstate(all="raise"):
        assert evaluate_finished(run)["step"] == 0

"""Which judge a data set gets, and whether the bundled ones are what they say."""

import hashlib
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mulligan.metrics.features.judge as judges
from mulligan.data import DATASETS, Dataset, load
from mulligan.errors import DataError
from mulligan.metrics import judge_for
from mulligan.metrics.features.judge import accuracy_of, bundled_judge_for

sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "shipped"))
import judge as command  # the script that made the bundled judges

FOLDER = Path(judges.__file__).parent / "judges"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, and few steps."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(judges, "STEPS", 60)
    return tmp_path / "mulligan" / "judges"


def two_kinds(n, seed=0):
    """Pictures of 8×8 that are bright on the left or on the right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    images = rng.integers(0, 60, (n, 8, 8, 1))
    images[labels == 0, :, :4] += 150
    images[labels == 1, :, 4:] += 150
    return images.astype(np.uint8), labels


@pytest.fixture
def own():
    images, labels = two_kinds(90)
    return Dataset("own", images, labels, ("left", "right"))


@pytest.mark.parametrize("name", command.SHIPPED)
def test_the_shipped_judge_is_as_right_as_it_says(name):
    found = judges.bundled_judge(name)
    assert found.accuracy >= {"mnist": 0.992, "fashion-mnist": 0.91, "pixel-faces": 0.95}[name]
    path = FOLDER / f"{name}.safetensors"
    assert path.stat().st_size < 1_000_000
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        data = load(name)
    except DataError:
        pytest.skip(f"{name} is not on this machine")
    images = np.asarray(data.test.images)
    assert accuracy_of(found.network, images, data.test.labels, **found.heads) == found.accuracy


def test_heads_learn_side_by_side_and_are_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "available_cores", lambda: 1)
    images, sides = two_kinds(400)
    shades = np.arange(400) % 3
    images = (images // (1 + shades)[:, None, None, None]).astype(np.uint8)
    network = judges.train(images, np.column_stack([sides, shades]), [2, 3], epochs=40, batch_size=50, shift=0)
    assert accuracy_of(network, images, sides, shade=3) > 0.97
    assert np.square(network.theta).mean() == pytest.approx(0.00781, rel=2e-3)  # judges of the same data are alike
    judges.save(network, tmp_path / "j.safetensors", 1.0, "own", {"shade": 3})
    found = judges.read(tmp_path / "j.safetensors")
    assert (found.classes, found.heads) == (2, {"shade": 3})
    assert found.probabilities(images).shape == (400, 2)
    np.testing.assert_allclose(found.probabilities(images).sum(axis=1), 1.0, rtol=1e-5)


def test_every_shipped_judge_can_be_remade():
    assert {path.stem for path in FOLDER.iterdir()} == command.SHIPPED.keys() <= DATASETS.keys()


def test_a_shipped_one_must_fit(digits):
    assert judge_for(digits) is judges.bundled_judge("mnist")
    assert bundled_judge_for(Dataset("mnist", digits.images[:50, :20], digits.labels[:50], digits.class_names)) is None
    assert bundled_judge_for(Dataset("mnist", digits.images[:50], digits.labels[:50] % 2, ("even", "odd"))) is None
    assert bundled_judge_for(Dataset("../mnist", digits.images[:50], digits.labels[:50], digits.class_names)) is None
    assert bundled_judge_for(Dataset("mnist", digits.images[:50])) is None


def test_a_judge_of_ones_own(own, cache, caplog):
    caplog.set_level(logging.INFO)
    found = judge_for(own)
    assert len(caplog.messages) == 2
    assert "of 9 held-out pictures" in caplog.messages[1]
    images, labels = two_kinds(200, seed=1)
    assert accuracy_of(found.network, images, labels) > 0.97
    (kept,) = cache.iterdir()
    assert found.sha256 == hashlib.sha256(kept.read_bytes()).hexdigest()


def test_it_is_trained_once(own, cache, caplog):
    first = judge_for(own)
    caplog.set_level(logging.INFO)
    caplog.clear()
    again = judge_for(own, train=False)
    assert (again.sha256, caplog.messages) == (first.sha256, [])
    images, labels = two_kinds(91)
    for other in (Dataset("own", images, labels, ("left", "right")), Dataset("own", *two_kinds(90, 3), ("a", "b"))):
        assert judge_for(other, train=False) is None
    assert judge_for(Dataset("own", own.images, 1 - own.labels, ("a", "b")), train=False) is None
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert judge_for(own, train=False) is None
    assert judge_for(own).sha256 == first.sha256


def test_it_never_sees_the_test_part(own, monkeypatch):
    seen = []
    monkeypatch.setattr(judges, "BATCH", 8)
    monkeypatch.setattr(
        "mulligan.metrics.features.judge.train", lambda images, *_, epochs, **__: seen.append((images, epochs))
    )
    monkeypatch.setattr("mulligan.metrics.features.judge.accuracy_of", lambda *_: 1 / 0)
    first, rest = (Dataset("own", own.images[part], own.labels[part], own.class_names) for part in np.s_[:60, 60:])
    for data, count in ((replace(first, test=rest), 60), (own, 81), (own.limited(19), 18)):
        with pytest.raises(ZeroDivisionError):
            judge_for(data)
        assert len(seen[-1][0]) == count
        assert seen[-1][1] * (count // 8) >= 60  # never fewer steps, and never none, however much data there is


def test_what_a_judge_is_trained_on_is_moved_and_mirrored_sideways(monkeypatch):
    seen, as_input = [], judges.as_input

    class Halves:
        def update(self, mean, theta, step, part):
            mean[part] = 0.5

    monkeypatch.setattr(judges, "as_input", lambda images: seen.append(as_input(images)) or seen[-1])
    monkeypatch.setattr(judges, "EMA", lambda **_: Halves())
    images = np.zeros((64, 8, 8, 1), np.uint8)
    images[:, 2, 2] = 255
    network = judges.train(images, np.arange(64) % 2, 2, epochs=4, batch_size=32, shift=1, flip=True)
    places = {(int(row), int(column)) for _, row, column, _ in np.argwhere(np.concatenate(seen) > 0)}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3, 4, 5, 6)}
    assert len(np.concatenate(seen)) == 4 * 64  # the last batch, too
    assert (network.theta == 0.5).all()  # the average is what is kept


def test_a_cache_that_cannot_be_written_costs_no_figures(own, cache):
    cache.parent.mkdir()
    cache.write_text("in the way")
    assert judge_for(own).accuracy == 1.0


def test_without_labels_there_is_none(own):
    assert judge_for(Dataset("own", own.images)) is None
    assert judge_for(Dataset("own", own.images, 0 * own.labels, ("all",))) is None

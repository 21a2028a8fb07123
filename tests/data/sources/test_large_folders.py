"""Folders larger than memory: decoded once into a file of the cache, the same pictures as a small folder has."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.data.sources import pictures
from mulligan.errors import DataError

COUNT = 60


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "mulligan" / "pictures"


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(COUNT // 2):
            picture = rng.integers(0, 256, (20, 28, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "own" / name / f"{i:03d}.png")
    return tmp_path / "own"


@pytest.fixture
def few(monkeypatch):
    """Ten pictures may stay in memory."""
    monkeypatch.setattr(pictures, "IN_MEMORY", 10 * 28 * 28 * 3)


def test_the_same_pictures_decoded_once(folder, cache, monkeypatch):
    whole = load(folder)
    monkeypatch.setattr(pictures, "IN_MEMORY", 10 * 28 * 28 * 3)
    large = load(folder)
    assert isinstance(large.images, np.memmap)
    assert (large.images == whole.images).all()
    assert large.labels.tolist() == whole.labels.tolist()
    assert str(cache) in large.note
    assert (large.limited(20).images == whole.limited(20).images).all()
    next(cache.glob("*.json")).unlink()  # as a kill between the two leaves it
    assert (load(folder).images == whole.images).all()
    monkeypatch.setattr(pictures, "read_picture", None)
    assert (load(folder).images == whole.images).all()


def test_the_file_is_of_these_pictures_read_so(folder, few, cache):
    load(folder)
    assert len([*cache.iterdir()]) == 2  # and what is broken
    assert load(folder, 32).shape == (32, 32, 3)
    first = folder / "a" / "000.png"
    Image.new("RGB", (28, 28), (9, 8, 200)).save(first)
    os.utime(first, ns=(1, 1))
    assert (load(folder).images[0] == [9, 8, 200]).all()
    assert len([*cache.iterdir()]) == 6


def test_decoding_needs_little_memory(few, tmp_path, peak_of):
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)).save(picture, "bmp")
    for name, count in (("large", 20), ("larger", 1000)):
        (tmp_path / name).mkdir()
        for i in range(count):
            (tmp_path / name / f"{i}.bmp").write_bytes(picture.getvalue())
    load(tmp_path / "large")  # imports what it needs
    assert peak_of(load, tmp_path / "larger") < 1000 * 28 * 28 * 3


def test_broken_pictures_are_left_out(folder, few):
    for name in ("004", "029"):
        path = folder / "a" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:500])
    for _ in range(2):  # decoded, and found again
        data = load(folder)
        assert np.bincount(data.labels).tolist() == [28, 30]
        assert data.note.endswith("004.png, a/029.png")
    (folder / "b" / "004.png").write_bytes(b"no picture")
    (folder / "b" / "005.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="4 of 60 are broken"):
        load(folder)


def test_a_cache_that_cannot_be_written_says_so(folder, few, cache):
    cache.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(DataError, match=r"could not be written .*data\.size"):
        load(folder)


def test_some_decide_about_colour(folder, few):
    assert load(folder).shape == (28, 28, 3)
    assert load(folder, colour="grey").shape == (28, 28, 1)
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert load(folder).shape == (28, 28, 1)
    assert load(folder, colour="rgb").shape == (28, 28, 3)

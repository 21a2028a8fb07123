"""Folders larger than memory: the same pictures as a small folder has, and no more than what may be kept."""

import gc
import os
import re
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

from mulligan.data import Sampler, load
from mulligan.data.sources import Reading, picture_file, streamed
from mulligan.data.sources.streamed import StreamedPictures
from mulligan.errors import DataError
from mulligan.training import Recorder, Run, recipe, resume, with_overrides

COUNT = 60


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(COUNT // 2):
            picture = rng.integers(0, 256, (20, 28, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "pictures" / name / f"{i:03d}.png")
    return tmp_path / "pictures"


@pytest.fixture
def few(monkeypatch):
    """Ten pictures may stay in memory."""
    monkeypatch.setattr(streamed, "IN_MEMORY", 10 * 28 * 28 * 3)


@pytest.fixture
def both(folder, monkeypatch):
    whole = load(folder)
    monkeypatch.setattr(streamed, "IN_MEMORY", 10 * 28 * 28 * 3)
    return whole, load(folder)


def test_the_same_pictures(both):
    whole, stream = both
    assert not whole.streamed
    assert stream.streamed
    assert stream.shape == whole.shape
    assert stream.labels.tolist() == whole.labels.tolist()
    images = np.asarray(whole.images)
    assert (stream.images[:] == images).all()
    assert (stream.images[7] == images[7]).all()
    assert (stream.images[-1] == images[-1]).all()
    assert (stream.images[np.array([5, 3, 5])] == images[[5, 3, 5]]).all()
    with pytest.raises(IndexError):
        stream.images[COUNT]
    assert (stream.limited(20).images[:] == whole.limited(20).images).all()
    assert stream.limited(20).streamed
    assert stream.limited(20).labels.tolist() == [0] * 10 + [1] * 10  # the folders' first files, not those of `a` alone
    assert "read from disk as needed" in stream.note


@pytest.mark.parametrize("ahead", [False, True])
def test_every_batch_of_three_epochs(both, ahead):
    whole, stream = both
    sampler = Sampler(COUNT, 7, np.random.default_rng(1))
    one, other = np.empty((2, 7, 28, 28, 3), np.uint8)
    for _ in range(3 * COUNT // 7):
        indices = sampler.next_indices()
        assert (whole.take(indices, one) == stream.take(indices, other)).all()
        if ahead:
            stream.ahead(sampler.coming(3))
    assert stream.images.used == 10


def test_memory_is_bounded(few, tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8))
    picture.save(tmp_path / "0.bmp")
    content = (tmp_path / "0.bmp").read_bytes()
    for i in range(1000):
        (tmp_path / f"{i}.bmp").write_bytes(content)
    data, out = load(tmp_path), np.empty((20, 28, 28, 3), np.uint8)
    sampler = Sampler(len(data), 20, np.random.default_rng(0))
    data.take(sampler.next_indices(), out)
    data.ahead(sampler.coming(4))
    gc.collect()
    tracemalloc.start()
    for _ in range(100):
        data.take(sampler.next_indices(), out)
        data.ahead(sampler.coming(4))
        assert len(data.images.coming) <= 80
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.images.kept.nbytes == 10 * 28 * 28 * 3
    assert peak < 80 * 28 * 28 * 3 * 3  # the batches ahead, and what Pillow needs for one


def test_the_helper_has_it_ready(both, monkeypatch):
    _, stream = both
    indices = np.arange(20, 30)
    stream.ahead(indices)
    begun = dict(stream.images.coming)
    for future in begun.values():
        future.result()
    monkeypatch.setattr(streamed, "read_picture", None)  # nothing is decoded in this thread
    stream.take(indices, np.empty((10, 28, 28, 3), np.uint8))
    assert stream.images.coming == {}
    stream.ahead(np.arange(20, 29))
    assert stream.images.coming == {}  # they are kept, beside the one that was looked at for its colour
    stream.ahead(np.arange(40, 50))
    stream.ahead(np.arange(45, 55))  # 40 to 44 were begun for nothing
    assert set(stream.images.coming) == set(range(45, 55))


def test_the_helper_keeps_odd_metadata_to_itself(few, tmp_path):
    cut_off = b"Exif\0\0II*\0\x08\0\0\0\x05\0"
    for i in range(20):
        Image.new("RGB", (20, 30), (100 + i, 0, 0)).save(tmp_path / f"{i:02d}.jpg", exif=cut_off)
    images = load(tmp_path).images
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        images.ahead(np.arange(20))
        for future in list(images.coming.values()):
            future.result()
    assert len(images.coming) > 0
    assert said == []


def test_headers_are_looked_at_first(folder, few):
    (folder / "a" / "004.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"004\.png: cannot be read"):
        load(folder)
    data = load(folder, skip_broken=True)
    assert len(data) == COUNT - 1
    assert np.bincount(data.labels).tolist() == [29, 30]
    assert "1 broken picture skipped: a/004.png" in data.note


def test_a_file_that_is_cut_off_is_found_when_it_is_needed(folder, few):
    last = folder / "a" / "029.png"
    whole = last.read_bytes()
    last.write_bytes(whole[: len(whole) // 2])
    data = load(folder, colour="rgb")
    for ahead in (False, True):
        if ahead:
            data.ahead(np.array([29]))
        with pytest.raises(DataError, match=r"029\.png: cannot be read"):
            data.take(np.array([29]), np.empty((1, 28, 28, 3), np.uint8))
    data = load(folder, colour="rgb", skip_broken=True)
    with pytest.warns(UserWarning, match=r"000\.png replaces it"):
        found = data.images[29]
    assert (found == picture_file.read_picture(folder / "a" / "000.png", Reading())).all()  # of the same class


def test_a_stand_in_is_of_the_class_where_pictures_are_left_out(folder, few):
    (folder / "a" / "004.png").write_bytes(b"no picture")
    for name in ("000", "009"):
        cut_off = folder / "b" / f"{name}.png"
        cut_off.write_bytes(cut_off.read_bytes()[:900])
    data, expected = load(folder, skip_broken=True), picture_file.read_picture(folder / "b" / "001.png", Reading())
    for part, row in ((data, 29), (data.limited(20), 19)):
        assert part.labels[row] == 1
        with pytest.warns(UserWarning, match=r"001\.png replaces it"):
            assert (part.images[row] == expected).all()


def test_colour_is_judged_by_some(folder, few):
    assert load(folder).shape == (28, 28, 3)
    assert load(folder, colour="grey").shape == (28, 28, 1)
    first = folder / "a" / "000.png"
    Image.open(first).convert("L").save(first)
    assert load(folder).shape == (28, 28, 3)
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    data = load(folder)
    assert data.shape == (28, 28, 1)
    assert (data.images[3] == picture_file.read_picture(folder / "a" / "003.png", Reading())[..., :1]).all()


def test_all_at_once_is_refused_and_a_part_is_given(both):
    whole, stream = both
    with pytest.raises(DataError, match="got 60 of 28×28×3"):
        np.asarray(stream.images)
    part = stream.in_memory()
    assert not part.streamed
    assert len(part) == 10
    rows = [int(np.flatnonzero((np.asarray(whole.images) == image).all(axis=(1, 2, 3)))[0]) for image in part.images]
    assert rows == sorted(set(rows))
    assert part.labels.tolist() == whole.labels[rows].tolist()
    assert whole.in_memory() is whole


def test_the_digest_is_of_names(folder, few):
    first, second = load(folder).images.digest, load(folder).images.digest
    assert first == second
    assert load(folder, 32).images.digest != first
    (folder / "a" / "000.png").rename(folder / "a" / "zzz.png")
    assert load(folder).images.digest != first


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_a_file_whose_name_is_no_text_has_a_digest(folder, few):
    digest = load(folder).images.digest
    os.rename(folder / "a" / "003.png", os.fsencode(folder / "a") + b"/003\xe9.png")
    assert load(folder).images.digest != digest


def test_the_two_splits_agree_about_colour(tmp_path, few):
    for part, mode in (("train", "RGB"), ("test", "L")):
        (tmp_path / part).mkdir()
        for i in range(12):
            Image.new("RGB", (28, 28), (10 * i, 5, 5)).convert(mode).save(tmp_path / part / f"{i}.png")
    data = load(tmp_path)
    assert data.streamed
    assert data.test.streamed
    assert data.shape == data.test.shape == (28, 28, 3)
    assert not data.in_memory().test.streamed


@pytest.mark.parametrize("threads", [1, 2])  # two are processes where the system can: forked beside the helper thread
def test_a_run_is_the_same_streamed_or_not(folder, monkeypatch, threads):
    changes = [
        "generator.layers={kind='mlp_generator',hidden=[4]}",
        "discriminator.layers={kind='mlp_discriminator',hidden=[4]}",
    ]
    changes += [f"data.name='{folder}'", "batch_size=8", f"threads={threads}", "steps=20", "evaluate_every=0"]
    config = with_overrides(recipe("quick"), changes)

    def played(part=None):
        run = Run(config)
        with run.gan:
            for _ in range(20):
                run.advance()
                if run.step == part:
                    arrays = {name: array.copy() for name, array in run.gan.arrays().items()}
                    run = Run.restore(config, arrays, run.state())
        return run.gan.g.network.theta.tobytes()

    expected = played()
    monkeypatch.setattr(streamed, "IN_MEMORY", 10 * 28 * 28 * 3)
    assert Run(config).data.streamed
    assert played() == expected
    assert played(part=9) == expected
    with pytest.raises(DataError, match="all pictures at once"):
        Run(with_overrides(config, ["data.labels=clusters", "data.clusters=3"]))


def test_a_picture_that_vanishes_costs_no_step(folder, few, tmp_path):
    words = ["steps=40", "batch_size=6", "threads=1", "sample_every=0", "evaluate_every=0"]
    words += [
        "save_every=30",
        "report_every=1",
        "generator.layers.hidden=[4]",
        "generator.layers.channels=[2, 2]",
        "discriminator.layers.channels=[2, 2]",
    ]
    config = with_overrides(recipe("pictures"), [*words, f"data.name={folder}"])
    whole = Recorder(tmp_path / "whole")
    list(whole.record(Run(config)))
    broken, moved, run = Recorder(tmp_path / "broken"), tmp_path / "moved", Run(config)
    events = broken.record(run)
    while next(events).step < 8:
        pass
    folder.rename(moved)
    said = r"Put it back.* To leave it out, begin a new run.* saved at step \d+; go on with: mulligan resume"
    with pytest.raises(DataError, match=said) as caught:
        list(events)
    assert "emove" not in str(caught.value)  # the run would be refused on what is left
    step = int(re.search(r"saved at step (\d+)", str(caught.value))[1])
    assert 8 <= step == run.step < 30
    moved.rename(folder)
    again = resume(tmp_path / "broken")
    assert again.step == step
    list(broken.record(again))
    for name, array in resume(tmp_path / "whole").gan.arrays().items():
        assert again.gan.arrays()[name].tobytes() == array.tobytes(), name
    assert broken.folder.events.read_bytes() == whole.folder.events.read_bytes()


def test_negative_steps_and_masks_select(both):
    whole, stream = both
    images = np.asarray(whole.images)
    assert (stream.images[::-7] == images[::-7]).all()
    mask = np.arange(COUNT) % 9 == 0
    assert (stream.images[mask] == images[mask]).all()
    assert isinstance(stream.images, StreamedPictures)

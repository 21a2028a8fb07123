"""Pictures with transparency: four channels, the colours times alpha, as training, metrics and files need them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mulligan.data import from_arrays, load
from mulligan.data.sources import pictures
from mulligan.errors import ConfigError
from mulligan.output.pictures import read_png, save_png, straight
from mulligan.training import Recorder, Run, recipe, resume, with_overrides

RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (12, 28, 28, 4), dtype=np.uint8)
RGBA[:, :9, :, 3] = 0
RGBA[:, 20:, :, 3] = 255
TIMES = np.rint(RGBA[..., :3] * (RGBA[..., 3:] / 255.0))
WANTED = np.concatenate([TIMES, RGBA[..., 3:]], axis=-1)


def save(folder, count=12, opaque=0, ending="png", **options):
    folder.mkdir(exist_ok=True)
    for i in range(count):
        image = Image.fromarray(RGBA[i % 12])
        (image if i >= opaque else image.convert("RGB")).save(folder / f"{i:02}.{ending}", **options)
    return folder


@pytest.mark.parametrize(("ending", "options"), [("png", {}), ("webp", {"lossless": True, "exact": True})])
def test_colours_are_multiplied_by_alpha(tmp_path, ending, options):
    data = load(save(tmp_path, ending=ending, **options), 28)
    assert data.shape == (28, 28, 4)
    assert data.decided == {"alpha": "keep", "resize": "smooth", "size": 28}
    assert "centred on transparency; RGB with transparency" in data.note
    np.testing.assert_allclose(data.images, WANTED, atol=1)
    small = np.asarray(load(tmp_path, 16).images)
    assert (small[..., :3] <= small[..., 3:]).all()  # resizing overshoots


def test_resizing_never_mixes_in_what_cannot_be_seen(tmp_path):
    hidden = np.zeros((56, 56, 4), np.uint8)
    hidden[..., 0] = 255  # red under transparency
    hidden[14:42, 14:42] = [0, 200, 0, 255]
    Image.fromarray(hidden).save(tmp_path / "a.png")
    wide = Image.fromarray(hidden[:28])
    wide.save(tmp_path / "b.png")
    square, wide = np.asarray(load(tmp_path, resize="smooth").images)
    assert square[..., 0].max() == 0
    assert (square[..., :3] <= square[..., 3:]).all()
    assert not wide[:7, :, 3].any()  # centred on transparency


@pytest.mark.parametrize(("opaque", "channels"), [(0, 4), (27, 4), (28, 3)])
def test_a_tenth_of_the_pictures_decides(tmp_path, opaque, channels):
    data = load(save(tmp_path, 30, opaque))
    assert data.shape[2] == channels
    assert data.decided["alpha"] == ("keep" if channels == 4 else "black")


@pytest.mark.parametrize(("alpha", "ground"), [("black", (0, 0, 0)), ("white", (255,) * 3), ("#1020fF", (16, 32, 255))])
def test_a_background_is_put_under_what_is_transparent(tmp_path, alpha, ground):
    data = load(save(tmp_path / "files"), alpha=alpha)
    np.testing.assert_allclose(data.images, TIMES + (1 - RGBA[..., 3:] / 255.0) * ground, atol=1.01)
    Image.fromarray(np.full((14, 28, 3), 7, np.uint8)).save(tmp_path / "files" / "wide.png")
    assert (np.asarray(load(tmp_path / "files", alpha=alpha).images)[-1, 0] == ground).all()
    np.save(tmp_path / "a.npy", RGBA)
    in_memory = load(tmp_path / "a.npy", alpha=alpha)
    np.testing.assert_allclose(in_memory.images, data.images, atol=1)


def test_grey_has_no_alpha(tmp_path):
    assert load(save(tmp_path), colour="grey").shape[2] == 1
    with pytest.raises(ConfigError, match="alpha must be a background"):
        load(tmp_path, colour="grey", alpha="keep")


def test_arrays_may_be_multiplied_already():
    once = np.asarray(from_arrays(RGBA).images)
    np.testing.assert_allclose(once, WANTED, atol=1)
    assert (np.asarray(from_arrays(once).images) == once).all()
    assert (np.asarray(from_arrays(np.moveaxis(RGBA, 3, 1)).images) == once).all()


def test_files_and_memory_hold_the_same(tmp_path):
    kept = np.asarray(from_arrays(RGBA).images)
    save_png(tmp_path / "a.png", kept[0])
    assert (read_png(tmp_path / "a.png") == kept[0]).all()
    every = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).astype(np.uint8)
    every = every[every[..., 0] <= every[..., 1]][:, [0, 0, 0, 1]][None]
    save_png(tmp_path / "b.png", every)
    assert (read_png(tmp_path / "b.png") == every).all()  # each colour with each alpha that it can have
    assert straight(np.uint8([[9, 0, 200, 0], [200, 64, 0, 128]])).tolist() == [[0, 0, 0, 0], [255, 128, 0, 128]]


def test_a_large_folder_keeps_alpha(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    small = np.asarray(load(save(tmp_path / "mine")).images)
    monkeypatch.setattr(pictures, "IN_MEMORY", 28 * 28 * 4 * 5)
    assert (load(tmp_path / "mine").images == small).all()


def test_pictures_that_show_nothing_or_one_thing_are_told(tmp_path, caplog):
    for i in range(3):
        Image.new("RGBA", (28, 28), (255, 0, 0, 0)).save(tmp_path / f"{i}.png")
    assert load(tmp_path).note.endswith("; all 3 are the same picture")
    assert "every picture is the same" in caplog.text
    assert load(tmp_path, alpha="white").note.endswith("; all 3 are the same picture")


def test_a_run_keeps_what_was_decided(tmp_path):
    small = {"steps": 4, "batch_size": 4, "save_every": 2, "evaluate_every": 0, "threads": 1}
    small |= {f"{player}.layers.hidden": [4] for player in ("generator", "discriminator")}
    config = with_overrides(recipe("mlp"), {"data.name": str(save(tmp_path / "mine")), "data.limit": 0, **small})
    config = replace(config, data=replace(config.data, labels="none"))
    for each in Recorder(tmp_path / "run").record(Run(config)):
        del each
    data = resume(tmp_path / "run").config.data
    assert (data.alpha, data.resize) == ("keep", "smooth")

"""Palettes, and sheets for game engines."""

import json

import numpy as np
import pytest
from PIL import Image

from mulligan.output.pictures.sprites import palette_of, save_sheet, snapped

RNG = np.random.default_rng(0)
FOUR = np.uint8([[0, 0, 0], [250, 20, 20], [20, 250, 20], [240, 240, 240]])


def noisy(n=5, side=8):
    """Pictures of four colours and noise, a quarter of whose pixels are nearly transparent."""
    which = RNG.integers(0, 4, (n, side, side))
    colours = np.clip(FOUR[which].astype(int) + RNG.integers(-9, 10, (n, side, side, 3)), 0, 255)
    alpha = np.where(RNG.random((n, side, side, 1)) < 0.25, 100, 200)
    return (
        np.concatenate([np.rint(colours * alpha / 255), alpha], axis=-1).astype(np.uint8),
        which,
        alpha[..., 0] == 200,
    )


def test_each_pixel_gets_the_nearest_colour():
    images, which, seen = noisy()
    found = snapped(images, FOUR)
    assert (found[seen][:, :3] == FOUR[which[seen]]).all()
    assert (found[seen][:, 3] == 255).all()
    assert not found[~seen].any()
    assert (snapped(found, FOUR) == found).all()


def test_few_colours_are_all_kept_and_many_are_reduced():
    images = noisy(40)[0]
    assert (palette_of(snapped(images, FOUR), 4) == FOUR[[0, 2, 3, 1]]).all()
    few = palette_of(images, 4)
    assert few.shape == (4, 3)
    np.testing.assert_allclose(sorted(few.tolist()), sorted(FOUR.tolist()), atol=25)
    grey = np.uint8([[[[3], [3], [90], [200]]]])
    assert palette_of(grey, 8).tolist() == [[3], [90], [200]]
    assert snapped(grey, np.uint8([[0], [255]])).ravel().tolist() == [0, 0, 0, 255]


@pytest.mark.parametrize("classes", [(), ("walk", "idle", "walk", "run", "idle")])
def test_a_sheet_and_where_its_pictures_are(tmp_path, classes):
    images = snapped(noisy()[0], FOUR)
    beside = save_sheet(tmp_path / "s.png", images, classes)
    told = json.loads(beside.read_text("utf-8"))
    with Image.open(tmp_path / told["meta"]["image"]) as sheet:
        assert sheet.size == tuple(told["meta"]["size"].values()) == (24, 16)
        pixels = np.asarray(sheet)
    order = [1, 4, 3, 0, 2] if classes else range(5)
    for frame, i in zip(told["frames"], order, strict=True):
        x, y, w, h = frame["frame"].values()
        assert (pixels[y : y + h, x : x + w] == images[i]).all()
        assert frame["spriteSourceSize"] == {"x": 0, "y": 0, "w": 8, "h": 8}
        assert (frame["sourceSize"], frame["rotated"], frame["trimmed"]) == ({"w": 8, "h": 8}, False, False)
    assert not pixels[8:, 16:].any()  # the place that is left over
    tags = {tag["name"]: (tag["from"], tag["to"]) for tag in told["meta"]["frameTags"]}
    assert tags == ({"idle": (0, 1), "run": (2, 2), "walk": (3, 4)} if classes else {})

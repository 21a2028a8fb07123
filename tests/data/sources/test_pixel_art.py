"""Pixel art is recognised by its size and its few colours, and keeps hard edges when it is resized."""

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.data.sources.pictures import is_pixel_art
from mulligan.errors import ConfigError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (9, 4), dtype=np.uint8)
COLOURS[:, 3] = 255
COLOURS[0] = 0
ART = COLOURS[RNG.integers(0, 9, (16, 16))]
SMOOTH = np.asarray(Image.fromarray(ART).resize((64, 64), Image.Resampling.LANCZOS))


def save(folder, *pictures):
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    ("picture", "is_art"),
    [
        (ART, True),
        (ART[..., :3], True),
        (np.where(ART[..., 3:] > 0, COLOURS[1], COLOURS[0]), True),  # one colour, and what lies around it
        (ART.repeat(20, axis=0).repeat(20, axis=1), True),  # enlarged by a whole factor
        (np.kron(ART, np.ones((9, 9, 1), np.uint8))[:143, :141], False),  # a large drawing in few colours
        (SMOOTH, False),
        (RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8), False),
        (np.full((16, 16, 3), 9, np.uint8), False),  # nothing is to be seen
        (ART[:2, :2], False),  # too small to have few colours
    ],
)
def test_what_is_pixel_art(picture, is_art):
    assert is_pixel_art(picture) == is_art


@pytest.mark.parametrize(("smooth", "resize"), [(1, "pixels"), (2, "smooth")])
def test_three_quarters_of_the_pictures_decide(tmp_path, smooth, resize):
    data = load(save(tmp_path, *[SMOOTH] * smooth, *[ART] * 3))
    assert data.decided["resize"] == resize
    assert ("as pixel art" in data.note) == (resize == "pixels")


@pytest.mark.parametrize(("size", "factor", "margin"), [(16, 1, 0), (32, 2, 0), (40, 2, 4), (24, 1, 4), (96, 6, 0)])
def test_it_grows_by_whole_factors(tmp_path, size, factor, margin):
    (found,) = np.asarray(load(save(tmp_path, ART), size).images)
    wanted = np.zeros((size, size, 4), np.uint8)
    wanted[margin : size - margin, margin : size - margin] = ART.repeat(factor, axis=0).repeat(factor, axis=1)
    assert (found == wanted).all()


def test_it_shrinks_by_means(tmp_path):
    means = ART[..., None].reshape(8, 2, 8, 2, 4).astype(float).mean(axis=(1, 3))
    (found,) = np.asarray(load(save(tmp_path, np.pad(ART, ((8, 8), (8, 8), (0, 0)))), 16).images)
    assert np.abs(found[4:12, 4:12] - means).max() <= 1


@pytest.mark.parametrize(
    ("sides", "colours", "size"),
    [
        ([16], 9, 16),
        ([20], 9, 24),
        ([48], 9, 48),
        ([64], 9, 32),
        ([16] * 9 + [48], 9, 16),
        ([16] * 5 + [32] * 5, 9, 32),
        ([48], 256, 32),
        ([20], 256, 24),
    ],
)
def test_the_size_fits_the_pictures(tmp_path, sides, colours, size):
    palette = RNG.integers(0, 256, (colours, 3), dtype=np.uint8)
    data = load(save(tmp_path, *[palette[RNG.integers(0, colours, (side - 4, side))] for side in sides]))
    assert data.shape[:2] == (size, size)
    assert data.decided["size"] == size


def test_enlarged_pixel_art_gets_the_size_that_it_had(tmp_path):
    assert (load(save(tmp_path, ART.repeat(10, axis=0).repeat(10, axis=1))).images[0] == ART).all()


def test_smoothing_can_be_asked_for(tmp_path):
    smooth = np.asarray(load(save(tmp_path, ART), 64, resize="smooth").images)
    assert len(np.unique(smooth.reshape(-1, 4), axis=0)) > 100
    with pytest.raises(ConfigError, match="resize must be"):
        load(tmp_path, resize="sharp")

import numpy as np
import pytest
from PIL import Image, ImageSequence

from mulligan.errors import ConfigError
from mulligan.output.pictures import save_animation

GREYS = [np.roll(np.arange(256, dtype=np.uint8), 17 * i).reshape(16, 16) for i in range(5)]
FAINT = [np.full((8, 8), 120 + i, np.uint8) for i in range(4)]
COLORS = list(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8))


def read(path):
    with Image.open(path) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        return frames, image.info


@pytest.mark.parametrize("ending", ["gif", "png", "apng", "GIF"])
@pytest.mark.parametrize("frames", [GREYS, FAINT, [f[..., None] for f in GREYS]], ids=["all", "faint", "channel"])
def test_the_file_holds_the_exact_grey_levels(tmp_path, ending, frames):
    path = tmp_path / f"a.{ending}"
    save_animation(path, iter(frames), duration=120)
    found, info = read(path)
    assert len(found) == len(frames)
    for was, is_ in zip(frames, found, strict=True):
        assert (is_ == was.reshape(*was.shape[:2], 1)).all()
    assert info["loop"] == 0  # for ever
    assert info["duration"] == 120
    with Image.open(path) as image:
        assert [frame.load() and frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [120] * len(
            frames
        )


def test_colours_are_exact_without_loss(tmp_path):
    path = tmp_path / "a.png"
    save_animation(path, COLORS)
    for was, is_ in zip(COLORS, read(path)[0], strict=True):
        assert (is_ == was).all()


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_each_frame_keeps_what_is_transparent(tmp_path, ending):
    frames = [np.zeros((8, 8, 4), np.uint8) for _ in range(3)]
    for i, frame in enumerate(frames):
        frame[i : i + 3, 2:5] = [250, 30 * i, 10, 255]
        frame[7, i] = [30, 0, 60, 120]  # multiplied by its alpha
    save_animation(tmp_path / f"a.{ending}", frames)
    with Image.open(tmp_path / f"a.{ending}") as image:
        found = [np.asarray(frame.convert("RGBA").convert("RGBa")) for frame in ImageSequence.Iterator(image)]
    for was, is_ in zip(frames, found, strict=True):
        wanted = np.where(was[..., 3:] < 128, 0, was) if ending == "gif" else was  # in a GIF a pixel is seen or not
        assert (is_ == wanted).all()


def test_another_ending_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(ConfigError):
        save_animation(tmp_path / "a.mp4", GREYS)
    assert list(tmp_path.iterdir()) == []

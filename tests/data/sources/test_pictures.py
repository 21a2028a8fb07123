import os
import sys

import numpy as np
import pytest
from PIL import Image

from mulligan.data import from_arrays, load
from mulligan.data.sources import load_unresized, picture_file, pictures
from mulligan.data.sources.picture_file import read_picture, tiles
from mulligan.data.sources.pictures import fit_pictures
from mulligan.data.sources.reading import Reading
from mulligan.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (28, 28), dtype=np.uint8)
RGB = RNG.integers(0, 256, (28, 28, 3), dtype=np.uint8)


def save(path, array, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)


def test_a_folder_without_labels(tmp_path):
    save(tmp_path / "b.png", GREY)
    save(tmp_path / "a.bmp", GREY.T.copy())
    data = load(tmp_path)
    assert (np.asarray(data.images)[..., 0] == [GREY.T, GREY]).all()  # ordered by path, 28×28 untouched
    assert data.labels is None
    assert data.name == str(tmp_path)
    assert data.note == "resized to fit 28×28, centred on black; grey"


def test_sub_folders_are_classes(tmp_path):
    save(tmp_path / "dog" / "1.png", RGB)
    save(tmp_path / "cat" / "deep" / "2.png", RGB)
    save(tmp_path / "cat" / "1.png", GREY)
    data = load(tmp_path)
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.labels.dtype == np.int64
    assert data.shape == (28, 28, 3)
    assert (np.asarray(data.images)[0] == GREY[..., None]).all()
    assert (np.asarray(data.images)[2] == RGB).all()
    assert "RGB" in data.note


def test_linked_folders_count_like_others_and_never_lead_round(tmp_path):
    save(tmp_path / "elsewhere" / "deep" / "1.png", RGB)
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere" / "deep")
    folder = tmp_path / "folder"
    save(folder / "dog" / "1.png", GREY)
    save(folder / "dog" / "x" / "2.png", GREY)
    (folder / "cat").symlink_to(tmp_path / "elsewhere")
    (folder / "dog" / "up").symlink_to("..")
    (folder / "dog" / "x" / "y").symlink_to(folder / "dog")
    data = load(folder)
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [0, 0, 1, 1]


def test_three_hundred_folders_inside_one_another_are_read_in_a_moment(tmp_path, monkeypatch):
    save(tmp_path.joinpath("folder", *["x"] * 300, "1.png"), RGB)
    calls = []
    for name in ("stat", "lstat"):
        call = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, call=call, **named: calls.append(args) or call(*args, **named))
    assert len(load(tmp_path / "folder")) == 1
    assert len(calls) < 2000


def test_train_and_test_are_splits(tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        for name in "ab":
            for i in range(count):
                save(tmp_path / part / name / f"{i}.png", GREY)
    save(tmp_path / "test" / "a" / "colour.png", RGB)
    data = load(tmp_path)
    assert (len(data), len(data.test), data.classes) == (6, 5, 2)
    assert data.shape == data.test.shape == (28, 28, 3)
    save(tmp_path / "train" / "c" / "0.png", GREY)
    with pytest.raises(DataError, match="train and test must have the same sub-folders"):
        load(tmp_path)


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Train", "Test"), ("train", "val"), ("train",)])
def test_other_splits_are_taken_for_classes_and_said(tmp_path, parts):
    for part in parts:
        save(tmp_path / part / "cat" / "0.png", GREY)
    save(tmp_path / parts[0] / "dog" / "1.png", GREY)
    data = load(tmp_path)
    assert data.class_names == tuple(sorted(parts))
    assert f"{', '.join(sorted(parts))} became classes: only train and test together" in data.note
    save(tmp_path / "horse" / "2.png", GREY)
    assert "taken for" not in load(tmp_path).note


def test_what_is_left_out_of_either_split_is_said(tmp_path):
    for part in ("train", "test"):
        save(tmp_path / part / "0.png", GREY)
    for i in range(20):
        save(tmp_path / "test" / f"{i}.png", GREY)
    (tmp_path / "test" / "broken.png").write_bytes(b"no picture")
    note = load(tmp_path).note
    assert note.endswith("; 1 broken picture left out: broken.png")
    assert note.startswith("train: resized to fit 28×28, centred on black; grey; test")


@pytest.mark.parametrize("size", [28, 32, 48, 64])
def test_pictures_are_fitted_and_centred(tmp_path, size):
    save(tmp_path / "wide.png", np.full((50, 100), 200, np.uint8))
    save(tmp_path / "high.png", np.full((8, 2), 200, np.uint8))
    save(tmp_path / "line.png", np.full((1, 900), 200, np.uint8))
    high, line, wide = np.asarray(load(tmp_path, size).images)[..., 0]
    quarter = size // 4
    assert (wide[quarter : size - quarter] == 200).all()
    assert not wide[:quarter].any()
    assert not wide[size - quarter :].any()
    left = (size - quarter) // 2
    assert (high[:, left : left + quarter] == 200).all()
    assert not np.delete(high, np.s_[left : left + quarter], axis=1).any()
    assert (line[(size - 1) // 2] == 200).all()
    assert np.count_nonzero(line) == size


@pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
def test_pictures_that_are_only_measured_keep_their_size(tmp_path, shape):
    picture = GREY[: shape[0], : shape[1]]
    save(tmp_path / "a.png", picture)
    assert (np.asarray(load_unresized(tmp_path).images)[0, ..., 0] == picture).all()


def test_a_transparent_palette_colour_is_black(tmp_path):
    image = Image.fromarray(GREY // 128).convert("P")
    image.putpalette([250, 0, 0, 0, 250, 0])
    image.save(tmp_path / "p.png", transparency=0)
    found = read_picture(tmp_path / "p.png", Reading(28))
    assert (found[GREY < 128] == 0).all()
    assert (found[GREY >= 128] == [0, 250, 0]).all()


def test_sixteen_bits_are_scaled(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    for ending in ("png", "tif", "pgm"):
        save(tmp_path / f"a.{ending}", deep)
        assert (read_picture(tmp_path / f"a.{ending}", Reading(28))[..., 0] == GREY).all(), ending
    save(tmp_path / "b.png", np.full((28, 28), 300, np.uint16))
    assert (read_picture(tmp_path / "b.png", Reading(28)) == 1).all()


def test_twelve_bits_in_files_of_sixteen_are_refused(tmp_path, monkeypatch):
    for row in range(3):
        save(tmp_path / f"{row}.png", GREY.astype(np.uint16) * 16)
    for enough in (1 << 28, 1):  # in memory, and in a file
        monkeypatch.setattr(pictures, "IN_MEMORY", enough)
        with pytest.raises(DataError, match=r"from 0 to 16 are all nearly black if white is 255.*12 bits times 16"):
            load(tmp_path)


def test_palette_cmyk_and_one_bit_are_converted(tmp_path):
    save(tmp_path / "one.png", (GREY > 99), "1")
    assert (read_picture(tmp_path / "one.png", Reading(28))[..., 0] == (GREY > 99) * 255).all()
    image = Image.fromarray(GREY)
    image = image.convert("P")
    image.save(tmp_path / "p.gif")
    assert (read_picture(tmp_path / "p.gif", Reading(28))[..., 0] == GREY).all()
    flat = np.full((28, 28, 3), [200, 40, 90], np.uint8)
    save(tmp_path / "cmyk.tif", flat, "CMYK")
    np.testing.assert_allclose(read_picture(tmp_path / "cmyk.tif", Reading(28)), flat, atol=2)


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.fromarray(np.full((28, 28), level, np.uint8)) for level in (50, 100, 150)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "a.gif", Reading(28)) == 50).all()


def test_a_big_jpeg_is_read_at_a_fraction_of_its_size(tmp_path):
    ramp = np.linspace(0, 255, 2000).astype(np.uint8)
    save(tmp_path / "a.jpg", np.tile(ramp, (1000, 1)), quality=95)
    found = read_picture(tmp_path / "a.jpg", Reading(28))[7:21, :, 0]
    np.testing.assert_allclose(found, np.tile(np.linspace(4.5, 250.5, 28), (14, 1)), atol=4)


def test_a_large_picture_is_made_smaller_and_a_bomb_is_refused(tmp_path, monkeypatch, caplog):
    large = np.kron(RGB, np.ones((40, 40, 1), np.uint8))
    save(tmp_path / "a.png", large)
    expected = read_picture(tmp_path / "a.png", Reading(28))
    monkeypatch.setattr(picture_file, "LARGE", large.shape[0] ** 2 - 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", large.shape[0] ** 2 - 1)  # from twice as many on Pillow raises
    np.testing.assert_allclose(read_picture(tmp_path / "a.png", Reading(28)), expected, atol=60)
    assert "a.png: 1 million pixels" in caplog.text
    assert load(tmp_path).shape == (32, 32, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", large.shape[0] ** 2 // 2 - 1)
    with pytest.raises(DataError, match="bomb"):
        read_picture(tmp_path / "a.png", Reading(28))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pictures_without_known_black_and_white_are_refused(tmp_path, dtype):
    save(tmp_path / "a.tif", GREY.astype(dtype))
    with pytest.raises(DataError, match=r"a\.tif: pictures must have 8 or 16 bits a value, got mode"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", "cut"])
def test_one_in_twenty_pictures_may_be_broken_and_is_left_out(tmp_path, content, caplog):
    for i in range(38):
        save(tmp_path / "y" / f"{i:02}.png", RGB)
    for name in "ab":
        save(tmp_path / "x" / f"{name}.png", GREY)
    whole = (tmp_path / "x" / "b.png").read_bytes()
    broken = whole[: len(whole) // 2] if content == "cut" else content
    for name in ("x/b.png", "y/05.png"):
        (tmp_path / name).write_bytes(broken)
    data = load(tmp_path)
    assert data.labels.tolist() == [0] + [1] * 37
    assert (np.asarray(data.images)[:2] == [np.dstack([GREY] * 3), RGB]).all()
    names = f"{os.path.join('x', 'b.png')}, {os.path.join('y', '05.png')}"
    assert data.note.endswith(f"2 broken pictures left out: {names}")
    assert caplog.messages == [f"{tmp_path}: {data.note.rpartition('; ')[2]}"]
    (tmp_path / "y" / "37.png").write_bytes(broken)
    with pytest.raises(DataError, match=r"37\.png: cannot be read.* 3 of 40 are broken"):
        load(tmp_path)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are text there")
def test_a_class_whose_name_is_no_text_is_refused(tmp_path):
    save(tmp_path / "a.png", GREY)
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    os.rename(tmp_path / "a.png", folder + b"/a.png")
    with pytest.raises(DataError, match=r"caf\\udce9"):
        load(tmp_path)


def test_other_and_hidden_files_are_left_out(tmp_path):
    save(tmp_path / "a.PNG", GREY)
    save(tmp_path / ".hidden" / "b.png", GREY)
    for name in (".DS_Store", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert len(load(tmp_path)) == 1


def test_pictures_beside_and_inside_sub_folders_are_ambiguous(tmp_path):
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "cat" / "b.png", GREY)
    with pytest.raises(DataError, match=r"beside \(a\.png\) and inside sub-folders \(cat\)"):
        load(tmp_path)


def test_a_small_jpeg_keeps_its_detail(tmp_path):
    stripes = np.tile(np.repeat([0, 255], 4), 14).astype(np.uint8)
    wide = np.full(1000, 200, np.uint8)  # an eighth of it would be two rows high, the whole is one
    for line, height in ((stripes, 112), (wide, 53)):
        for ending in ("jpg", "png"):
            save(tmp_path / f"a.{ending}", np.tile(line, (height, 1)), quality=95)
        jpeg, png = (read_picture(tmp_path / f"a.{ending}", Reading(28)) for ending in ("jpg", "png"))
        np.testing.assert_allclose(jpeg, png, atol=3)


def test_colour_can_be_chosen(tmp_path):
    colours = RGB.copy()
    colours[0, 0] = 139, 97, 0  # 98.49998, the last below a half
    save(tmp_path / "a.png", colours)
    save(tmp_path / "b.png", GREY)
    luma = np.asarray(Image.fromarray(colours).convert("L"))
    grey = load(tmp_path, colour="grey")
    assert grey.shape == (28, 28, 1)
    assert (np.asarray(grey.images)[..., 0] == [luma, GREY]).all()
    assert load(tmp_path).shape == (28, 28, 3)
    (tmp_path / "a.png").unlink()
    assert load(tmp_path).shape == (28, 28, 1)
    assert load(tmp_path, colour="rgb").shape == (28, 28, 3)
    with pytest.raises(ConfigError, match="auto, grey or rgb"):
        load(tmp_path, colour="blue")


def test_pictures_in_memory_get_channels_and_a_sheet_is_cut_into_whole_tiles():
    data, pixels = from_arrays(RGB[None], name="a"), RGB[None]
    assert (fit_pictures(data, Reading(alpha="keep")).images == np.insert(pixels, 3, 255, -1)).all()
    grey = fit_pictures(data, Reading(colour="grey"))
    assert (fit_pictures(grey, Reading(colour="rgb")).images == np.repeat(grey.images, 3, axis=-1)).all()
    places = [(row, column) for row in (1, 6) for column in (1, 7, 13)]
    sheet = np.random.default_rng(0).integers(0, 256, (14, 18, 3), dtype=np.uint8)
    for height in (11, 14):  # of a third row one pixel is missing
        cut = tiles(Image.fromarray(sheet[:height]), Reading(tile="4x3+2+1").grid)
        assert [np.asarray(tile).tolist() for tile in cut] == [sheet[r : r + 3, c : c + 4].tolist() for r, c in places]
    assert Reading().grid is None


def test_a_phone_s_jpeg_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8  # the camera was held by its other side
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30] = 255
    save(tmp_path / "a.jpg", picture, quality=95, exif=exif)
    upright = read_picture(tmp_path / "a.jpg", Reading(28))
    assert upright.shape == (28, 28, 3)
    assert upright[20:26, 8:20].min() > 240  # what was left is below
    assert upright[2:8].max() < 15


def test_kinds_that_are_not_read_are_named(tmp_path):
    (tmp_path / "IMG_1.HEIC").touch()
    with pytest.raises(DataError, match=r"Convert the HEIC files to JPEG or PNG"):
        load(tmp_path)
    save(tmp_path / "a.png", GREY)
    assert load(tmp_path).note.endswith("; HEIC files left out: convert them to JPEG or PNG")

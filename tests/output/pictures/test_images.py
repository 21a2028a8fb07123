import io
import re

import numpy as np
import pytest
from PIL import Image

from mulligan.errors import ShapeError
from mulligan.output.pictures import grid, save_png, terminal_picture, to_uint8, wants_color

GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLORS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def test_to_uint8_has_a_fixed_scale():
    faint = np.array([0.49999, 0.5, 0.50001], np.float32)
    assert to_uint8(faint, 0.0, 1.0).tolist() == [127, 128, 128]  # 127.4987, 127.5 (to even), 127.5026: no stretching
    assert to_uint8(np.array([-9.0, -1.0, 0.2, 1.0, 9.0])).tolist() == [0, 0, 153, 255, 255]
    assert to_uint8(np.array([0.0, 17.4, 17.6, 300.0]), 0.0, 255.0).tolist() == [0, 17, 18, 255]


def test_to_uint8_holds_colours_to_the_alpha_that_they_are_multiplied_by():
    pixel = np.array([1.0, 0.2, -1.0, 0.2])
    assert to_uint8(pixel.reshape(1, 1, 1, 4)).tolist() == [[[[153, 153, 0, 153]]]]
    assert to_uint8(pixel).tolist() == [255, 153, 0, 153]  # not a picture with alpha


def test_to_uint8_refuses_what_has_no_grey_level():
    with pytest.raises(ShapeError, match="NaN"):
        to_uint8(np.array([0.0, np.nan]))
    assert to_uint8(np.array([-np.inf, np.inf])).tolist() == [0, 255]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "columns", "pad", "rows"), [(6, 3, 2, 2), (7, 3, 0, 3), (1, 4, 1, 1), (5, None, 2, 2)])
def test_a_grid_holds_every_picture_in_its_place(n, columns, pad, rows, channels):
    images = np.random.default_rng(0).integers(0, 256, (n, 4, 5, channels), dtype=np.uint8)
    sheet = grid(images, columns, pad)
    columns = columns or 3
    assert sheet.shape == (rows * (4 + pad) + pad, columns * (5 + pad) + pad, channels)
    covered = np.zeros(sheet.shape, bool)
    for i in range(n):
        y, x = pad + i // columns * (4 + pad), pad + i % columns * (5 + pad)
        assert (sheet[y : y + 4, x : x + 5] == images[i]).all()
        covered[y : y + 4, x : x + 5] = True
    assert (sheet[~covered] == 32).all()
    assert (grid(images[..., 0], columns, pad) == grid(images[..., :1], columns, pad)).all()


@pytest.mark.parametrize(
    ("shape", "dtype"), [((0, 4, 4, 1), "u1"), ((2, 4, 4, 2), "u1"), ((4, 4), "u1"), ((2, 4, 4, 1), "f8")]
)
def test_a_grid_of_something_else_is_refused(shape, dtype):
    with pytest.raises(ShapeError):
        grid(np.zeros(shape, dtype))


@pytest.mark.parametrize("array", [GREYS, GREYS[..., None], COLORS, GREYS.T])
def test_a_png_holds_the_exact_values_and_its_metadata(tmp_path, array):
    path = tmp_path / "p.png"
    save_png(path, array, {"seed": "7", "größe": "16 × 16"})
    with Image.open(path) as image:
        assert image.text == {"Software": "Mulligan", "seed": "7", "größe": "16 × 16"}
        assert (np.asarray(image) == array.squeeze()).all()
    first = path.read_bytes()
    save_png(path, array, {"seed": "7", "größe": "16 × 16"})
    assert path.read_bytes() == first


def test_half_blocks_carry_every_pixel():
    text = terminal_picture(COLORS, color=True)
    found = re.findall(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", text)
    cells = np.array(found, int).reshape(3, 5, 2, 3)  # row of cells, column, upper and lower, RGB
    assert (cells.transpose(0, 2, 1, 3).reshape(6, 5, 3) == COLORS).all()
    assert all(line.endswith("\x1b[0m") for line in text.splitlines())


def test_what_is_transparent_lies_on_squares_of_two_greys():
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[0, 0] = [100, 0, 0, 255]
    picture[0, 1] = [50, 0, 0, 127]
    wanted = np.full((8, 8, 3), 102, np.uint8)
    wanted[:4, 4:] = wanted[4:, :4] = 153
    wanted[0, :2] = [[100, 0, 0], [50 + 51, 51, 51]]
    assert terminal_picture(picture, color=True) == terminal_picture(wanted, color=True)
    assert terminal_picture(picture, color=False) == terminal_picture(picture[..., :3], color=False)


def test_an_odd_height_ends_on_black():
    text = terminal_picture(np.full((3, 1), 200, np.uint8), color=True)
    assert text.count("\n") == 2
    assert "38;2;200;200;200;48;2;0;0;0m" in text


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        (np.uint8([[0, 255], [128, 26]]), "  @@\n++..\n"),
        (255 * np.eye(3, dtype=np.uint8)[None], "::++..\n"),  # red, green and blue: 0.299, 0.587, 0.114
        (np.full((2, 40), 255, np.uint8), 2 * ("@" * 80 + "\n")),
        (np.repeat(np.uint8([[255], [0], [255], [255]]), 64, axis=1), "=" * 64 + "\n" + "@" * 64 + "\n"),  # 127.5
    ],
    ids=["shades", "colours", "80 columns", "wide"],
)
def test_ascii_when_colours_are_off(picture, text):
    assert terminal_picture(picture, color=False) == text


@pytest.mark.parametrize(
    ("tty", "encoding", "variables", "expected"),
    [
        (True, "utf-8", {}, True),
        (False, "utf-8", {}, False),
        (True, "ascii", {}, False),
        (True, "cp437", {}, True),  # which has the half block
        (True, None, {}, False),
        (True, "utf-8", {"NO_COLOR": "1"}, False),
        (True, "utf-8", {"TERM": "dumb"}, False),
        (True, "utf-8", {"TERM_PROGRAM": "Apple_Terminal"}, False),
        (True, "utf-8", {"TERM_PROGRAM": "Apple_Terminal", "COLORTERM": "truecolor"}, True),
    ],
)
def test_colour_only_where_it_is_wanted(monkeypatch, tty, encoding, variables, expected):
    class Stream(io.StringIO):
        def isatty(self):
            return tty

    Stream.encoding = encoding
    for name in ("NO_COLOR", "TERM_PROGRAM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_color(Stream()) is expected

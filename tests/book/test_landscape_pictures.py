"""The pictures of the optimisers' page: fixed views, colours where they belong, and files that say what they show."""

import sys

import numpy as np
import pytest
from PIL import Image

from experiments import landscape_pictures as pictures
from experiments.landscapes import LANDSCAPES, Beale, Saddle, race
from mulligan.nn.optimizers import OPTIMIZERS


def test_the_corners_of_the_view_are_the_corners_of_the_picture():
    beale = Beale()
    corners = np.array([[beale.x[0], beale.y[1]], [beale.x[1], beale.y[0]]])
    assert pictures.to_pixels(beale, corners, 200, 100) == pytest.approx(np.array([[0, 0], [200, 100]]))


@pytest.mark.parametrize("landscape", LANDSCAPES.values(), ids=LANDSCAPES)
def test_the_lowest_ground_is_the_darkest(landscape):
    ground = pictures.background(landscape, 130, 100)
    x, y = pictures.to_pixels(landscape, np.array(landscape.minima[-1:]), 130, 100)[0].astype(int)
    bands = {tuple(colour) for colour in ground.reshape(-1, 3).tolist()}
    darkest = min(bands, key=sum)
    assert tuple(ground[y, x].tolist()) in {darkest, tuple(level + 14 for level in darkest)}  # or between two lines
    assert (ground[..., 2] >= 80).all()  # light enough for every colour of a way


def test_the_background_is_the_right_way_up():
    ground = pictures.background(Saddle(), 130, 100).astype(int).sum(axis=2)
    top, bottom = Saddle().value(np.zeros(2), np.array(Saddle().y[::-1]))
    assert top > bottom
    assert ground[0, 65] > ground[-1, 65]


def test_every_optimiser_has_a_colour_of_its_own():
    assert pictures.COLOURS.keys() == OPTIMIZERS.keys()
    assert len(set(pictures.COLOURS.values())) == len(OPTIMIZERS)


def near(picture, colour, tolerance=40):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return (np.abs(picture.astype(int) - wanted).max(axis=2) < tolerance).sum()


def test_the_still_shows_every_way_in_a_panel_of_its_own():
    sheet = pictures.still("saddle", panel=(150, 117))
    assert sheet.dtype == np.uint8
    height, width = (117 + 22 + 6), (150 + 6)
    assert sheet.shape == (3 * height + 6, 5 * width + 6, 3)
    for i, (name, colour) in enumerate(pictures.COLOURS.items()):
        top, left = i // 5 * height, i % 5 * width
        assert near(sheet[top : top + height, left : left + width], colour) > 20, name
    assert np.array_equal(sheet, pictures.still("saddle", panel=(150, 117)))


def test_the_animation_has_one_view():
    shown = list(pictures.frames(stride=40, last=80, panel=(160, 125)))
    assert len(shown) == 3
    assert len({frame.shape for frame in shown}) == 1
    head, middle = 24, 160 + 8
    first, last = (frame[head : head + 125] for frame in (shown[0], shown[-1]))
    still = (first == last).all(axis=2).mean()
    assert 0.5 < still < 0.98  # ways were drawn; the ground did not move
    assert near(shown[-1][:, :middle], pictures.COLOURS["adam"]) > near(shown[0][:, :middle], pictures.COLOURS["adam"])
    assert np.array_equal(shown[0][-60:], shown[-1][-60:])  # the key


def test_a_way_that_leaves_all_bounds_is_drawn_as_far_as_it_goes():
    path = np.array([[1.0, 1.5], [1e5, -1e5], [np.nan, np.nan]])
    image = Image.fromarray(pictures.background(Beale(), 100, 80))
    pictures.draw_way(image, Beale(), path, "#ff0000", dots=False)
    assert near(np.asarray(image), "#ff0000") > 10


@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_table_has_a_line_for_each(name):
    head, *lines = pictures.table(name).splitlines()
    assert head.split()[:2] == ["optimiser", "lr"]
    assert [line.split()[0] for line in lines] == list(OPTIMIZERS)
    by_name = {line.split()[0]: line.split()[1:] for line in lines}
    one = race(name)["extragradient"]
    assert by_name["extragradient"][:3] == [f"{one.lr:g}", str(one.arrived), str(2 * one.arrived)]
    if name == "beale":
        assert by_name["adadelta"][1:3] == ["—", "—"]


def test_the_command_writes_three_files(tmp_path, monkeypatch, capsys):
    few = list(pictures.frames(stride=100, last=100, panel=(120, 94)))
    monkeypatch.setattr(pictures, "frames", lambda: few)
    monkeypatch.setattr(sys, "argv", ["landscape_pictures", str(tmp_path)])
    pictures.main()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "optimisers-beale.png",
        "optimisers-saddle.png",
        "optimisers.gif",
    ]
    with Image.open(tmp_path / "optimisers.gif") as animation:
        assert animation.n_frames == 2
    assert "extragradient" in capsys.readouterr().out

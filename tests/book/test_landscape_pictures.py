"""The pictures of the optimisers' page: fixed views, colours where they belong, and files that say what they show."""

import sys

import pytest
from PIL import Image

from experiments import landscape_pictures as pictures
from experiments.landscapes import LANDSCAPES, race
from mulligan.nn.optimizers import OPTIMIZERS


def test_every_optimiser_has_a_colour_of_its_own():
    assert pictures.COLOURS.keys() == OPTIMIZERS.keys()
    assert len(set(pictures.COLOURS.values())) == len(OPTIMIZERS)


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

import numpy as np
import pytest
from PIL import Image

from experiments.jang_film import BLUE, HEIGHT, WIDTH, decision, density_of, film, frame, main
from mulligan.training import Run, recipe


def test_the_film_shows_the_run_from_its_first_to_its_last_step(tmp_path):
    run = film(tmp_path / "jang.gif", steps=30, frames=4)
    assert run.step == 30
    with Image.open(tmp_path / "jang.gif") as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.n_frames == 4


def test_the_film_from_the_command_line(tmp_path, capsys):
    main([str(tmp_path / "jang.gif"), "--steps", "2", "--frames", "2"])
    assert "after 2 steps mean" in capsys.readouterr().out
    with Image.open(tmp_path / "jang.gif") as image:
        assert image.n_frames == 2


def test_a_frame_has_the_three_lines():
    run = Run(recipe("jang", steps=10, threads=1))
    picture = frame(run)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    blue = np.argwhere((picture == BLUE).all(axis=2))
    peak = blue[blue[:, 0] > 40][:, 0].min()  # below the legend: N(−1, 1) is 0.399 at −1
    assert abs(peak - (HEIGHT - 28 - 0.399 * (HEIGHT - 56))) < 4
    x = np.linspace(-5, 5, 11, dtype=np.float32)[:, None]
    assert decision(run, x).min() >= 0.0099
    assert decision(run, x).max() <= 0.9901
    places, height = density_of(run)
    assert np.sum(height * (places[1] - places[0])) == pytest.approx(1.0, rel=1e-4)  # beside N(−1, 1), as a density

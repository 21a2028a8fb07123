"""What a notebook shows of a generator and of a data set."""

import base64
import io
import re

import numpy as np
from PIL import Image

import mulligan
from mulligan.data import from_arrays, load
from mulligan.models import BUNDLED


def test_a_generator_shows_a_grid_of_its_samples():
    generator = mulligan.load(BUNDLED)
    picture = Image.open(io.BytesIO(generator._repr_png_()))
    assert picture.size[0] == picture.size[1] > 400
    assert len(np.unique(np.asarray(picture))) > 50


def test_a_data_set_shows_its_pictures_and_its_facts():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
    html = from_arrays(pictures, name="a<b")._repr_html_()
    assert "5 × 6×7×3 uint8" in html
    assert "a<b" not in html
    found = re.search(r"base64,([^\"]+)", html)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    np.testing.assert_array_equal(sheet[:, 7:14], pictures[1])


def test_points_show_their_facts():
    assert load("ring")._repr_html_().startswith("<p>Dataset(")

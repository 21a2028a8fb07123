"""What a notebook shows of a generator, a data set and a run."""

import base64
import io
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan.models import BUNDLED


def test_a_generator_shows_a_grid_of_its_samples():
    generator = mulligan.load(BUNDLED)
    picture = Image.open(io.BytesIO(generator._repr_png_()))
    assert picture.size[0] == picture.size[1] > 400
    assert len(np.unique(np.asarray(picture))) > 50


def picture_in(html):
    found = re.search(r"base64,([^\"]+)", html)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("recipe", ["ring", "classic"])
def test_a_run_shows_how_far_it_is_and_its_samples(recipe):
    run = mulligan.Run(mulligan.recipe(recipe, steps=50, threads=1))
    run.advance()
    html = run._repr_html_()
    assert f"Run({recipe} on " in html
    assert 'max="50" value="1"' in html
    assert len(np.unique(picture_in(html))) > 1


@pytest.fixture
def notebook(monkeypatch):
    """Pretend to be the kernel of a notebook; return what its outputs showed, one list for each."""
    outputs = []

    def display(page, display_id):
        assert display_id
        outputs.append([page])
        return SimpleNamespace(update=outputs[-1].append)

    kernel = SimpleNamespace(kernel=True)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    return outputs


def test_fit_and_a_loop_of_ones_own_redraw_one_output(notebook, capsys):
    config = mulligan.recipe("ring", steps=40, threads=1, report_every=10, sample_every=20)
    for _ in range(2):  # also twice in one cell
        mulligan.fit("ring", recipe=config)
    list(mulligan.train(mulligan.Run(config)))
    assert len(notebook) == 3
    assert capsys.readouterr() == ("", "")
    for pages in notebook:
        last = pages[-1]
        assert 'max="40" value="40"' in last
        assert "ring on ring: 50,000 samples of 2" in last
        assert "steps/s" in last
        assert len(np.unique(picture_in(last))) > 1


def test_no_progress_shows_nothing(notebook, capsys):
    mulligan.fit("ring", recipe="ring", steps=2, progress=False)
    assert notebook == []
    assert capsys.readouterr() == ("", "")

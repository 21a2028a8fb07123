"""Pictures from seeds: what the command line draws, and what is a copy."""

from dataclasses import replace

import numpy as np
import pytest

from mulligan.errors import UnsupportedError
from mulligan.models import bundled
from mulligan.web import drawing


def test_a_seed_gives_what_the_terminal_draws(image):
    generator = bundled()
    for seed, class_ in ((42, None), (7, "3")):
        found = drawing.draw(generator, seed=seed, class_=class_)
        label = None if class_ is None else 3
        assert np.array_equal(image(found["png"]), generator.images(1, seed, label)[0, ..., 0])
        assert found["class"] == (int(generator.labels(1, seed)[0]) if label is None else 3)


def test_a_walk_begins_and_ends_at_its_seeds(image):
    generator = bundled()
    found = drawing.walk(generator, from_=1, to=2, frames=5, class_="8")
    assert len(found["frames"]) == 5
    for place, seed in ((0, 1), (-1, 2)):
        assert np.array_equal(image(found["frames"][place]), generator.images(1, seed, 8)[0, ..., 0])


def test_each_end_of_a_walk_is_of_its_own_class(image):
    generator = bundled()
    assert generator.label_of(42) != generator.label_of(1009)
    last = image(drawing.walk(generator, from_=42, to=1009, frames=3)["frames"][-1])
    assert np.array_equal(last, generator.images(1, 1009)[0, ..., 0])


def test_what_is_held_out_is_measured_for_comparison(digits):
    x = np.asarray(digits.images).reshape(40, -1) / 255.0
    usual = drawing.measure_held_out(digits)
    held = np.asarray(digits.test.images).reshape(40, -1) / 255.0
    nearest = [np.linalg.norm(x - h, axis=1).min() for h in held]
    assert [usual["n"], usual["low"], usual["high"]] == pytest.approx([40, *np.quantile(nearest, [0.05, 0.95])])


def test_a_copy_is_called_one(digits, monkeypatch):
    class Copier:
        spec = type("Spec", (), {"is_picture": True, "shape": (8, 8, 1)})()

        def __init__(self, picture):
            self.picture = picture

        def label_of(self, seed, word):
            return None

        def class_name(self, label):
            return ""

        def images(self, *asked):
            return self.picture[None]

    copy = drawing.nearest(Copier(digits.images[7]), digits, seed=1)
    assert (copy["verdict"], copy["index"]) == ("near copy", 7)
    hardly = np.clip(digits.images[7].astype(int) + 9, 0, 255).astype(np.uint8)
    assert drawing.nearest(Copier(hardly), digits, seed=1)["verdict"] == "near copy"  # 9 of 255 grey levels
    other = drawing.nearest(Copier(digits.test.images[7]), digits, seed=1)
    assert other["verdict"] == "not a copy"
    few = replace(digits, images=np.asarray(digits.images[:12]), labels=digits.labels[:12], test=None)
    alone = drawing.nearest(Copier(digits.images[7]), few, seed=1)
    assert alone["verdict"] == "not known"  # it has nothing to go by, so it calls nothing original
    with pytest.raises(UnsupportedError):
        drawing.nearest(Copier(digits.images[7]), None, seed=1)

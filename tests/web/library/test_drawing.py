"""Pictures from seeds: what the command line draws, and what is a copy."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from mulligan.data import load
from mulligan.errors import ShapeError, UnsupportedError
from mulligan.models import bundled
from mulligan.output.generator import directions
from mulligan.web.library import drawing


def test_a_seed_gives_what_the_terminal_draws(image):
    generator = bundled()
    for seed, class_ in ((42, None), (7, "3")):
        found = drawing.draw(generator, seed=seed, class_=class_)
        label = None if class_ is None else 3
        assert np.array_equal(image(found["png"]), generator.images(1, seed, label)[0, ..., 0])
        assert found["class"] == (int(generator.labels(1, seed)[0]) if label is None else 3)


def test_a_picture_is_steered(image):
    generator = bundled()
    found = drawing.draw(generator, seed=42, psi=0.5, along=[2.0, 0.0, -1.5])
    z = np.float32(0.5) * generator.z(1, 42) + np.float32([2.0, 0.0, -1.5]) @ directions(generator)[:3]
    steered = generator.decode(z, generator.label_of(42))[0, ..., 0]
    assert np.abs(image(found["png"]) - steered).max() <= 1
    near = drawing.nearest(generator, load("mnist"), seed=42, psi=0.5, along=[2.0, 0.0, -1.5])
    assert near["png"] == found["png"] != drawing.draw(generator, seed=42)["png"]


def test_the_nearest_to_a_picture_is_found(image):
    generator = bundled()
    given = generator.images(1, 7, 3)
    picture = base64.b64encode(given.tobytes()).decode()
    found = drawing.inverted(generator, picture=picture)
    assert (found["class"], found["error"] < 15) == (3, True)
    assert found["error"] == pytest.approx(np.sqrt(np.square(image(found["png"]) - given[0, ..., 0] / 1.0).mean()))
    assert drawing.inverted(generator, picture=picture, class_="8")["error"] > found["error"]
    with pytest.raises(ShapeError, match="picture must be 784 bytes, 28×28×1, got 3"):
        drawing.inverted(generator, picture="AAAA")


def test_a_walk_begins_and_ends_at_its_seeds(image):
    generator = bundled()
    found = drawing.walk(generator, from_=1, to=2, frames=5, class_="8")
    assert len(found["frames"]) == 5
    for place, seed in ((0, 1), (-1, 2)):
        assert np.array_equal(image(found["frames"][place]), generator.images(1, seed, 8)[0, ..., 0])


def test_the_plane_has_its_seeds_in_the_corners(image):
    generator, seeds = bundled(), [42, 7, 13, 1009]
    grid = image(drawing.plane(generator, seeds=seeds, side=3, class_="5")["png"])
    cells = [(0, 0), (0, 2), (2, 0), (2, 2)]
    for (row, column), seed in zip(cells, seeds):
        cell = grid[2 + 30 * row : 30 + 30 * row, 2 + 30 * column : 30 + 30 * column]
        assert np.abs(cell.astype(int) - generator.images(1, seed, 5)[0, ..., 0]).max() <= 1
    middle = drawing.plane(generator, seeds=seeds, at=(0.5, 0.5), class_="5")
    assert np.abs(image(middle["png"]).astype(int) - grid[32:60, 32:60]).max() <= 1


def test_each_end_and_each_corner_is_of_its_own_class(image):
    generator, seeds = bundled(), [42, 7, 13, 1009]
    assert len({generator.label_of(seed) for seed in seeds}) > 2
    last = image(drawing.walk(generator, from_=42, to=1009, frames=3)["frames"][-1])
    assert np.array_equal(last, generator.images(1, 1009)[0, ..., 0])
    for seed, (down, across) in zip(seeds, [(0, 0), (0, 1), (1, 0), (1, 1)]):
        corner = image(drawing.plane(generator, seeds=seeds, at=(across, down))["png"])
        assert np.abs(corner.astype(int) - generator.images(1, seed)[0, ..., 0]).max() <= 1


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_plane_keeps_what_training_has_seen(distribution):
    generator = bundled()
    generator.spec = replace(generator.spec, latent=replace(generator.spec.latent, distribution=distribution))
    seeds, ticks = [1, 2, 3, 4], np.linspace(0, 1, 9)
    z = drawing.mixed(generator, seeds, np.tile(ticks, 9), np.repeat(ticks, 9))
    corners = np.stack([generator.z(1, seed)[0] for seed in seeds])
    assert np.allclose(z[[0, 8, 72, 80]], corners, atol=1e-6)
    if distribution == "uniform":
        assert np.abs(z).max() <= 1.0
        assert np.allclose(z[40], corners.mean(axis=0), atol=1e-6)
    else:
        lengths, ends = np.linalg.norm(z, axis=1), np.linalg.norm(corners, axis=1)
        assert 0.85 * ends.min() < lengths.min()
        assert lengths.max() < 1.15 * ends.max()


def test_what_is_held_out_is_measured_for_comparison(digits):
    x = np.asarray(digits.images).reshape(40, -1) / 255.0
    usual = drawing.held_out(digits)
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
    assert "Learned" in other["text"]
    few = replace(digits, images=np.asarray(digits.images[:12]), labels=digits.labels[:12], test=None)
    alone = drawing.nearest(Copier(digits.images[7]), few, seed=1)
    assert alone["verdict"] == "not known"  # it has nothing to go by, so it calls nothing original
    assert "too few pictures" in alone["text"]
    with pytest.raises(UnsupportedError):
        drawing.nearest(Copier(digits.images[7]), None, seed=1)

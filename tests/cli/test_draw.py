import json

import numpy as np
import pytest
from PIL import Image

from mulligan.models import bundled, load
from mulligan.output.pictures import terminal_picture


def picture(text):
    """The part of stdout that is the picture."""
    return text.rpartition("seed ")[0]


def test_a_number_becomes_a_picture(mulligan, model):
    code, out, err = mulligan("draw", "42", "--model", model)
    image = load(model).images(1, 42)[0]
    assert (code, err) == (0, "")
    assert picture(out) == terminal_picture(image, color=False)
    name = load(model).class_name(int(load(model).labels(1, 42)[0]))
    assert out.endswith(f"seed 42, class {name}\n")
    assert mulligan("draw", "42", "--model", model)[1] == out
    assert mulligan("draw", "43", "--model", model)[1] != out


def test_a_class_may_be_asked_for_by_number_and_name(mulligan, model):
    code, by_number, _ = mulligan("draw", "1", "--class", "2", "--model", model)
    assert code == 0
    assert by_number.endswith("seed 1, class cow\n")
    assert mulligan("draw", "1", "--class", "cow", "--model", model)[1] == by_number
    assert mulligan("draw", "1", "--class", "hen", "--model", model)[1] != by_number


def test_a_generator_without_classes(mulligan, here, tiny_generator, refused):
    tiny_generator(classes=0).save("plain.safetensors")
    assert "trained without labels" in refused("draw", "1", "--class", "3", "--model", "plain.safetensors")
    code, out, err = mulligan("draw", "1", "--model", "plain.safetensors")
    assert (code, err) == (0, "")
    assert out.endswith("seed 1\n")
    assert json.loads(mulligan("draw", "1", "--model", "plain.safetensors", "--json")[1])["class"] is None


def test_a_file_gets_the_exact_pixels(mulligan, model, refused):
    code, out, err = mulligan("draw", "5", "--model", model, "--out", "deep/five.png")
    assert (code, err) == (0, "")
    assert out.endswith(": deep/five.png\n")
    with Image.open("deep/five.png") as image:
        assert np.array_equal(np.asarray(image), load(model).images(1, 5)[0, ..., 0])
        assert image.text["seed"] == "5"
    assert "Try --out five.png" in refused("draw", "5", "--model", model, "--out", "five.jpg")


def test_json_holds_all(mulligan, model):
    document = json.loads(mulligan("draw", "5", "--class", "dog", "--model", model, "--json", "--out", "five.png")[1])
    assert document["pixels"] == load(model).images(1, 5, 1)[0, ..., 0].tolist()
    del document["pixels"]
    assert document == {"seed": 5, "class": 1, "class_name": "dog", "out": "five.png"}


def test_colour_where_the_terminal_has_it(mulligan, model, monkeypatch):
    monkeypatch.setattr("mulligan.output.pictures.wants_color", lambda stream: True)
    out = mulligan("draw", "1", "--model", model)[1]
    assert picture(out) == terminal_picture(load(model).images(1, 1)[0], color=True)


@pytest.mark.parametrize(("name", "shape"), [("mnist", (28, 28, 1)), ("pixel-faces", (16, 16, 3))])
def test_the_generators_that_come_with_it(name, shape, mulligan, here):
    generator = bundled(name)
    assert generator.spec.shape == shape
    code, out, _ = mulligan("draw", "42", "--model", name, "--out", "face.png")
    assert (code, out.count("\n")) == (0, shape[0] + 1)
    if name == "mnist":
        assert picture(mulligan("draw", "42")[1]) == picture(out)
        ink = generator.images(50, 1, labels=1).mean() / generator.images(50, 1, labels=0).mean()
        assert 0.2 < ink < 0.7  # ones have less ink than zeros
    else:
        corners = generator.images(200, 1)[:, [0, 15], [0, 0]].reshape(-1, 3)
        assert (corners > 240).all(axis=1).mean() > 0.9  # drawn on white
    (here / name).mkdir()
    assert mulligan("draw", "42", "--model", name)[0] == 2  # a folder of that name goes first

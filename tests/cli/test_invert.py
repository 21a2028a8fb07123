"""`mulligan invert`, and walks along a direction."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan.models import load


def test_a_picture_and_a_folder(mulligan, model, here):
    pictures = load(model).images(3, 5)[..., 0]
    Path("own").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(f"own/{i}.png")
    code, out, err = mulligan("invert", "own/0.png", "--model", model, "--steps", 20)
    assert (code, err) == (0, "")
    assert out.startswith("error ")
    with Image.open("inverted.png") as sheet:
        assert sheet.size == (3 * 10 + 2, 8 + 4)
    code, out, _ = mulligan("invert", "own", "--model", model, "--steps", 5, "--class", "cow", "--json")
    found = json.loads(out)
    assert (len(found["errors"]), found["classes"]) == (3, ["cow"] * 3)
    assert np.shape(found["z"]) == (3, 5)


def test_a_walk_along_a_direction(mulligan, model, here, tiny_generator):
    code, out, _ = mulligan("walk", model, "--from", 1, "--direction", 0, "--frames", 4)
    assert (code, "through seed 1 along 0" in out) == (0, True)
    with Image.open("walk.gif") as walk:
        assert walk.n_frames > 1
    tiny_generator(shape=(2,), classes=0).save("points.safetensors")
    for name, words, said in [
        (model, (), "got neither"),
        (model, ("--to", 2, "--direction", 0), "got both"),
        ("points.safetensors", ("--direction", 0), "must be pictures"),
    ]:
        code, _, err = mulligan("walk", name, "--from", 1, *words)
        assert (code, said in err) == (2, True), err


def test_truncated_samples(mulligan, model):
    assert mulligan("sample", model, "--psi", 0.5, "--count", 4, "--out", "s.npz")[0] == 0
    made = load(model)
    with np.load("s.npz") as saved:
        np.testing.assert_array_equal(saved["samples"], made.images(4, psi=0.5)[..., 0])
        np.testing.assert_array_equal(saved["z"], 0.5 * made.z(4))

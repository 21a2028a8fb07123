import numpy as np
import pytest

from mulligan.data import load
from mulligan.data.sources import faces, mnist
from mulligan.data.sources.faces import LAYERS, load_pixel_faces
from mulligan.errors import DataError


def test_seventy_thousand_different_faces_are_there():
    data = load("pixel-faces")
    assert data.images.shape == (60_000, 16, 16, 3)
    assert data.test.images.shape == (10_000, 16, 16, 3)
    assert data.images.dtype == np.uint8
    rows = {face.tobytes() for face in data.images}
    assert len(rows) >= 59_999  # one pair differs only in what a hat hides
    assert not rows & {face.tobytes() for face in data.test.images}


def test_the_class_is_the_haircut_or_another_attribute():
    data = load("pixel-faces")
    assert data.classes == 45
    assert data.class_names[:2] == ("long01", "long02")
    assert np.bincount(data.labels).min() > 1200
    assert load_pixel_faces("glasses").class_names[0] == "none"
    assert abs(np.mean(load_pixel_faces("glasses").labels > 0) - 0.20) < 0.01  # as the package draws them
    assert abs(np.mean(load_pixel_faces("hat").labels > 0) - 0.05) < 0.005
    attributes = {"hair colour": 11, "skin colour": 8, "clothing": 23, "eyes": 12, "mouth": 23, "beard": 9, "hat": 11}
    assert {name: load_pixel_faces(name).classes for name in attributes} == attributes


def test_a_face_has_the_colours_of_its_attributes():
    data, colour = load("pixel-faces"), load_pixel_faces("hair colour")
    bare = (load_pixel_faces("hat").labels == 0) & (data.labels == data.class_names.index("long13"))
    bare &= load_pixel_faces("accessories").labels == 0
    wanted = np.array([list(bytes.fromhex(name[1:])) for name in colour.class_names])
    assert (data.images[bare, 2, 4] == wanted[colour.labels[bare]]).all()


def test_parts_are_laid_over_each_other_by_their_transparency():
    arrays = {}
    for name in LAYERS:
        arrays[f"{name}.parts"] = np.array(["none", "one"])
        arrays[f"{name}.part"] = arrays[f"{name}.colour"] = np.zeros(3, np.uint8)
        tiles = arrays[f"{name}.tiles"] = np.zeros((2, 1, 16, 16, 4), np.uint8)
        tiles[..., 3] = 255
        tiles[1, 0, 5, 6] = (200, 100, 50, 0) if name == "skin" else (0, 0, 0, 127)
    arrays["glasses.tiles"][1, 0, 7, 7] = (0, 0, 0, 127)
    arrays["skin.part"] = np.ones(3, np.uint8)
    arrays["glasses.part"] = np.array([0, 1, 1], np.uint8)
    images = faces.paint(arrays)
    assert images[0, 5, 6].tolist() == [200, 100, 50]
    assert images[1, 5, 6].tolist() == [100, 50, 25]
    assert images[2, 7, 7].tolist() == [127, 127, 127]
    assert (images[:, 0] == 255).all()


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b""])
def test_a_damaged_file_is_refused(damage):
    with pytest.raises(DataError, match="SHA-256"):
        faces.unpack(damage(mnist.read_bundled("pixel-faces.xz")))

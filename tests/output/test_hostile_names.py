"""Descriptions hold the names that a run brings along as they are; a folder of the user's disk is not told."""

import json

import numpy as np
import pytest

from mulligan.nn import layers as nn
from mulligan.output.export import facts


def test_descriptions_hold_them_as_they_are(make, tmp_path):
    name = "a\n\x0c\x85\u2028\u202e\x00\x1b[31m'</script>{{model}} ]]>\\"
    layers = [nn.OneHot(2), nn.Dense(16), nn.Tanh(), nn.Reshape((4, 4, 1))]
    hostile = make(layers, 3, recipe=name, class_names=(name, "b"))
    hostile.export(tmp_path / "made.npz")
    with np.load(tmp_path / "made.npz", allow_pickle=False) as file:
        told = json.loads(str(file["description"]))
    assert (told["recipe"], told["classes"][0]) == (hostile.spec.recipe, hostile.spec.class_names[0])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("/home/annika/pictures/cats.npz", "cats.npz"),
        ("C:\\Users\\annika\\cats\\", "cats"),
        ("./cats/", "cats"),
        ("mnist", "mnist"),
        ("", ""),
        ("/", ""),
    ],
)
def test_the_data_has_a_name_and_no_folder(make, data, name):
    made = make([nn.Dense(16), nn.Reshape((4, 4, 1))], 3, data=data)
    assert made.spec.data_name == facts(made)["data"] == name
    assert str(made).startswith(f"Generator(own on {name}:" if name else "Generator(own:")


@pytest.mark.parametrize("to", ["torch", "html"])
def test_no_export_holds_a_folder_of_the_disk(make, tmp_path, to):
    made = make([nn.Dense(16), nn.Reshape((4, 4, 1))], 3, data="/home/annika/cats.npz")
    text = made.export(tmp_path / "made", to)[0].read_bytes()
    assert b"annika" not in text
    assert b"cats.npz" in text

"""Names that a run brings along are words in every export, and never code; a folder of the user's disk is not told."""

import ast
import json
import runpy
from html.parser import HTMLParser

import numpy as np
import pytest
from markupsafe import escape

from mulligan.nn import layers as nn
from mulligan.output.export import FORMATS

BOMB = "import builtins; builtins.went_off = True"
NAMES = [
    f"a\n{BOMB}",
    f"a\n\r{BOMB}",
    f"a\r{BOMB}\n",
    f"a\x0c\n{BOMB}\x0b{BOMB}\x1c{BOMB}\x85{BOMB}\u2028{BOMB}",
    f'"""\n{BOMB}\n"""',
    f"'''\\\n{BOMB}",
    "ends in a backslash\\",
    "{facts} {} %s {{0}} {z}",
    f"\u202e{BOMB}\x00\x1b[31m",
    "</script><script>went_off = 1</script><!-- --> &amp; {{model}} ]]>",
]


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def hostile(request, make):
    """Make a small generator, all of whose names are the same."""
    layers = [nn.OneHot(2), nn.Dense(16), nn.Tanh(), nn.Reshape((4, 4, 1))]
    name = request.param
    return make(layers, 3, recipe=name, data=f"/home/annika/{name}".replace("</", "<"), class_names=(name, "b"))


def test_a_torch_module_is_only_its_own_code(hostile, make, tmp_path):
    torch = pytest.importorskip("torch")
    hostile.export(tmp_path / "made.py")
    source = (tmp_path / "made.py").read_bytes().decode()
    harmless = make(hostile.spec.layers, 3, recipe="r", data="d", class_names=("a", "b"))
    harmless.export(tmp_path / "plain" / "made.py")
    assert ast.dump(ast.parse(source)) == ast.dump(ast.parse((tmp_path / "plain" / "made.py").read_text("utf-8")))
    assert all(c == "\n" or c.isprintable() for c in source)
    made = runpy.run_path(str(tmp_path / "made.py"))["Generator"].load()
    with torch.no_grad():
        found = made(torch.from_numpy(hostile.z(3)), torch.from_numpy(hostile.labels(3)))
    assert np.abs(found.numpy() - hostile.sample(3)).max() < 1e-5
    assert not hasattr(__import__("builtins"), "went_off")


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.model, self.inside = [], "", False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = ("id", "model") in attrs

    def handle_data(self, data):
        self.model += data if self.inside else ""

    def handle_endtag(self, tag):
        self.inside = False


def test_a_page_holds_them_as_words(hostile, make, tmp_path):
    hostile.export(tmp_path / "made.html")
    found, plain = Tags(), Tags()
    text = (tmp_path / "made.html").read_bytes().decode()
    found.feed(text)
    make(hostile.spec.layers, 3, recipe="r", data="d", class_names=("a", "b")).export(tmp_path / "plain.html")
    plain.feed((tmp_path / "plain.html").read_text("utf-8"))
    assert found.tags == plain.tags
    assert json.loads(found.model)["recipe"] == hostile.spec.recipe
    assert escape(hostile.spec.recipe) in text


def test_descriptions_hold_them_as_they_are(hostile, tmp_path):
    hostile.export(tmp_path / "made.npz")
    with np.load(tmp_path / "made.npz", allow_pickle=False) as file:
        told = json.loads(str(file["description"]))
    assert (told["recipe"], told["classes"][0]) == (hostile.spec.recipe, hostile.spec.class_names[0])
    onnx = pytest.importorskip("onnx")
    hostile.export(tmp_path / "made.onnx")
    props = {p.key: p.value for p in onnx.load(tmp_path / "made.onnx").metadata_props}
    assert props["recipe"] == hostile.spec.recipe
    assert json.loads(props["classes"])[0] == hostile.spec.class_names[0]


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
@pytest.mark.parametrize("to", FORMATS)
def test_the_data_has_a_name_and_no_folder(make, tmp_path, to, data, name):
    pytest.importorskip({"onnx": "onnx", "torch": "torch"}.get(to, "numpy"))
    made = make([nn.Dense(16), nn.Reshape((4, 4, 1))], 3, data=data)
    if to == "npz":
        made.export(tmp_path / "made.npz")
        with np.load(tmp_path / "made.npz") as file:
            text = str(file["description"])
    else:
        text = made.export(tmp_path / "made", to)[0].read_bytes().decode("utf-8", "replace")
    assert "annika" not in text
    assert name in text
    assert made.spec.data_name == name
    assert str(made).startswith(f"Generator(own on {name}:" if name else "Generator(own:")

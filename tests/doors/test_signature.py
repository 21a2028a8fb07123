"""A file is known by its signature: what Mulligan writes has it, what only mentions Mulligan does not."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from mulligan.doors.write import is_ours
from mulligan.models import bundled
from mulligan.output.export import FORMATS, export
from mulligan.output.pictures import save_animation, save_png
from mulligan.output.pictures.sprites import save_sheet

PICTURES = np.zeros((3, 8, 8, 1), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]


@pytest.mark.parametrize(
    "name", ["a.png", "b.gif", "b.png", "b.apng", "b.webp", "s.png", *map("e{}".format, FORMATS.values())]
)
def test_what_mulligan_writes_is_known(name, tmp_path):
    path = tmp_path / name
    if name == "a.png":
        save_png(path, PICTURES[0], {"seed": "3"})
    elif name[0] == "b":
        save_animation(path, PICTURES)
    elif name[0] == "s":
        save_sheet(path, PICTURES)
    else:
        export(bundled(), path)
    files = [*tmp_path.iterdir()]
    assert len(files) == 1 + (name in ("s.png", "e.py"))
    assert all(map(is_ours, files))


@pytest.mark.parametrize(
    "ending", [".png", ".gif", ".webp", ".npz", ".onnx", ".html", ".py", ".json", ".safetensors", ".txt"]
)
def test_a_word_is_no_signature(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    path.touch()
    assert is_ours(path)
    path.write_text("<p>Mulligan</p> # Written by Mulligan.")
    assert not is_ours(path)
    if ending == ".json":
        for text in ("{", "[]", '{"meta": []}', '{"meta": {"app": "other"}}', '"Mulligan"'):
            path.write_text(text)
            assert not is_ours(path)
        path.write_text(json.dumps({"written_by": "Mulligan"}))
        assert is_ours(path)
    if ending == ".safetensors":
        path.write_bytes(save({"W": np.zeros(2)}, {"format": "pt"}))
        assert not is_ours(path)


def test_a_script_that_its_user_has_changed_is_his(tmp_path):
    module, _ = export(bundled(), tmp_path / "a.py")
    module.write_bytes(module.read_bytes() + b"# my line\n")
    assert not is_ours(module)

import json
from pathlib import Path

import numpy as np
import pytest

from mulligan.models import load


def test_each_format_named_after_the_model(mulligan, model):
    for to, names in {
        "html": ["tiny.html"],
        "npz": ["tiny.npz"],
        "torch": ["tiny.py", "tiny.weights.safetensors"],
    }.items():
        code, out, err = mulligan("export", model, "--to", to)
        assert (code, err) == (0, "")
        assert out == "".join(f"{name}: {Path(name).stat().st_size:,} bytes\n" for name in names)
    assert load(model).classes == 4  # untouched


@pytest.mark.parametrize(("name", "module"), [("2nd-try", "_2nd_try"), ("näher", "näher")])
def test_a_module_is_named_so_that_python_can_import_it(mulligan, here, model, name, module):
    Path(model).rename(f"{name}.safetensors")
    code, out, _ = mulligan("export", f"{name}.safetensors", "--to", "torch")
    assert (code, out.partition(":")[0]) == (0, f"{module}.py")


def test_the_ending_names_the_format_and_json_says_what_was_written(mulligan, model):
    code, out, err = mulligan("export", model, "--out", "deep/er/g.npz", "--json")
    assert (code, err) == (0, "")
    size = Path("deep/er/g.npz").stat().st_size
    assert json.loads(out) == {"model": model, "to": "npz", "files": [{"path": "deep/er/g.npz", "bytes": size}]}
    with np.load("deep/er/g.npz") as file:
        assert "description" in file


def test_a_name_without_an_ending_gets_it(mulligan, model):
    assert mulligan("export", model, "--to", "npz", "--out", "g")[1].startswith("g.npz: ")


def test_without_a_model_the_bundled_generator(mulligan, here):
    code, out, _ = mulligan("export", "--to", "npz")
    assert (code, out[:20]) == (0, "mulligan-mnist.npz: ")
    assert mulligan("export", "--to", "torch")[1].startswith("mulligan_mnist.py: ")


def test_points_have_no_page_but_all_else(mulligan, here, tiny_generator, refused):
    tiny_generator(classes=0, shape=(2,)).save("points.safetensors")
    assert "got points of shape (2,)" in refused("export", "points.safetensors", "--to", "html")
    for to in ("npz", "torch"):
        assert mulligan("export", "points.safetensors", "--to", to)[0] == 0

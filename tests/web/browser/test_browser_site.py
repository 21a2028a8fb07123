"""The site: all that the lab needs, and nothing that loads from elsewhere but the stated runtime."""

import io
import json
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import mulligan
from mulligan.cli import main
from mulligan.data import load
from mulligan.errors import DataError
from mulligan.models import FACES
from mulligan.museum import EXHIBITS
from mulligan.web.browser.site import DIGITS, HELD, PLAYER, RUNTIME, WORKER, build, digits, engine_zip

SOURCE = Path(mulligan.__file__).parent


def names(content):
    return set(zipfile.ZipFile(io.BytesIO(content)).namelist())


def test_the_engine_holds_what_a_browser_needs_and_no_more():
    content = engine_zip()
    assert content == engine_zip()
    assert len(content) < 1_100_000
    inside = names(content)
    assert {"mulligan/web/browser/lab.py", "mulligan/recipes/ring.toml"} <= inside
    assert {"tomli_w/__init__.py", "threadpoolctl.py", "jinja2/__init__.py", "markupsafe/__init__.py"} <= inside
    assert not any(name.startswith(("mulligan/cli", "mulligan/data/bundled")) for name in inside)
    assert {f"mulligan/museum/played/{name}.json" for name in EXHIBITS} <= inside


def test_the_digits_are_some_of_mnist_and_none_twice():
    mnist = load("mnist")
    with np.load(io.BytesIO(digits())) as file:
        images, labels = file["images"], file["labels"]
    assert images.shape == (DIGITS + HELD, 28, 28, 1)
    where = {image.tobytes(): label for image, label in zip(np.asarray(mnist.images), mnist.labels, strict=True)}
    assert [where[image.tobytes()] for image in images] == labels.tolist()
    assert len({image.tobytes() for image in images}) == len(images)
    assert np.bincount(labels[:DIGITS]).min() > 400


def test_the_folder_is_the_playgrounds_page(tmp_path):
    (tmp_path / "site" / "book").mkdir(parents=True)
    build(tmp_path / "site", force=True)
    about = json.loads((tmp_path / "site" / "site.json").read_text())
    assert about == {"runtime": RUNTIME, "version": mulligan.__version__, "book": True, "written_by": "Mulligan"}
    assert re.search(r"pyodide/v\d+\.\d+\.\d+/full/$", RUNTIME)
    page = SOURCE / "web" / "page"
    packed = json.loads(zlib.decompress((tmp_path / "site" / "page.bin").read_bytes()))
    assert packed.keys() == {path.name for path in page.glob("*/*") if path.suffix in (".js", ".css")} | {*PLAYER}
    assert list(packed)[:2] == ["tokens.css", "frame.css"]  # in the order of the page
    for name, text in packed.items():
        named = set(re.findall(r'\b(?:from|import)\s*\(?"([\w./-]+)"', text))
        assert named <= {f"page/{other}" for other in packed}, name
    index = (tmp_path / "site" / "index.html").read_text()
    assert re.findall(r'(?:src|href)="([^#"]+)"', index) == ["mark.svg", "load.js"]
    assert 'data-lab="site.json"' in index
    for name in ("story.bin", "card.png", "vendor/LICENSE-preact.txt"):
        assert (tmp_path / "site" / name).read_bytes() == (page / name).read_bytes()


def test_it_names_no_other_address():
    for path in [*(SOURCE / "web" / "browser" / name for name in WORKER), SOURCE / "web" / "page" / "js" / "lab.js"]:
        assert not re.search(rb"https?://", path.read_bytes()), path.name


def test_a_runtime_is_put_beside(tmp_path):
    runtime = tmp_path / "rt"
    runtime.mkdir()
    with pytest.raises(DataError, match=r"pyodide\.mjs"):
        build(tmp_path / "site", runtime)
    assert not (tmp_path / "site").exists()
    (runtime / "pyodide.mjs").write_text("x")
    build(tmp_path / "site", runtime)
    assert (tmp_path / "site" / "pyodide" / "pyodide.mjs").read_text() == "x"
    assert json.loads((tmp_path / "site" / "site.json").read_text())["runtime"] == "pyodide/"
    build(tmp_path / "site", runtime)  # again, over itself


def test_the_command_says_how_to_look(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["site", "lab"]) == 0
    said = capsys.readouterr().out
    assert "http.server" in said
    assert RUNTIME in said
    assert (tmp_path / "lab" / "mulligan" / "models" / FACES.name).read_bytes() == FACES.read_bytes()
    assert not (tmp_path / "runs").exists()

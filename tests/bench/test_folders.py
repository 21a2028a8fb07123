"""The sets of own pictures: the table names fixed packages, and a package becomes a folder of pictures. No network."""

import importlib.util
import io
import re
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "folders.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of an installed package")
PAGE = SCRIPT.parent.parent / "docs" / "benchmarks" / "folders.md"
RED, CLEAR = (255, 0, 0, 255), (0, 0, 0, 0)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("folders", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lay_out(script, tmp_path, monkeypatch):
    """Lay out a set whose one package holds the given pictures."""

    def laid(pictures, read, count):
        def fetch(package, place):
            assert package == "made-up@1.0.0"
            for name, image in pictures.items():
                (place / "art").mkdir(exist_ok=True)
                image.save(place / "art" / f"{name}.png")

        monkeypatch.setattr(script, "fetch", fetch)
        folder = script.Folder(("made-up@1.0.0",), "**/art/*.png", read, count, "CC0 1.0, nobody")
        return script.lay_out("made-up", folder, tmp_path)

    return laid


def opened(folder):
    return [Image.open(io.BytesIO(path.read_bytes())) for path in sorted(folder.iterdir())]


def test_each_set_names_fixed_packages_and_is_on_the_page(script):
    for name, folder in script.FOLDERS.items():
        assert 200 <= folder.count <= 6000
        row, *_, licence = re.findall(rf"^\| {name} \|.*", PAGE.read_text(), re.MULTILINE)
        assert f"| {folder.count:,} |" in row
        assert all(re.fullmatch(r"@?[a-z0-9./+-]+(@[0-9.]+|=[0-9][^ ]*)", package) for package in folder.packages)
        assert f"`{folder.packages[0]}`" in row
        assert licence == f"| {name} | {folder.licence} |"


def test_pictures_lie_there_as_they_are_and_once(script, lay_out, tmp_path):
    half = Image.new("RGBA", (8, 8), CLEAR)
    half.paste(RED, (0, 0, 8, 4))
    pictures = {"a": half, "b": half, "large": half.resize((9, 9)), "c": Image.new("RGB", (8, 8))}
    folder = lay_out(pictures, partial(script.as_it_is, side=8), count=2)
    kept, opaque = opened(folder)
    assert kept.mode == "RGBA"
    assert kept.tobytes() == half.tobytes()
    assert opaque.mode == "RGB"
    assert (tmp_path / "made-up.txt").read_text() == "CC0 1.0, nobody\nmade-up@1.0.0\n"
    assert script.described("made-up", sorted(folder.iterdir())) == "| made-up | 2 | 8×8 | 50% |"


def test_a_sheet_is_cut_and_empty_tiles_are_left_out(script, lay_out):
    sheet = Image.new("RGBA", (8, 8), CLEAR)
    sheet.paste(RED, (4, 0, 8, 4))
    sheet.putpixel((0, 7), RED)
    full, dot = opened(lay_out({"sheet": sheet}, partial(script.cut, side=4), count=2))
    assert full.getcolors() == [(16, RED)]
    assert sorted(dot.getcolors()) == [(1, RED), (15, CLEAR)]

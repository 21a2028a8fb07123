"""The engine under the real Pyodide, in node.

The runtime is a folder: that of ``MULLIGAN_PYODIDE``, or the npm package of the version that the page loads, fetched
once into pytest's cache. The npm package has no NumPy, so that with it the files are compiled and their imports tried;
with a folder that has NumPy's wheel (a full release of Pyodide), the ring is trained.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mulligan
from mulligan.web.browser.ring import Ring
from mulligan.web.browser.site import RUNTIME, engine_zip

HERE = Path(__file__).parent
VERSION = re.search(r"/v([\d.]+)/", RUNTIME)[1]
MINUTES = 5


@pytest.fixture(scope="module")
def runtime(request):
    """The folder with Pyodide's files."""
    if shutil.which("node") is None:
        pytest.skip("there is no node here")
    if given := os.environ.get("MULLIGAN_PYODIDE"):
        return Path(given).resolve()
    kept = request.config.cache.mkdir(f"pyodide-{VERSION}")
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
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("engine") / "engine.zip"
    path.write_bytes(engine_zip())
    return path


def node(script, *words):
    found = subprocess.run(
        ["node", HERE / script, *map(str, words)], capture_output=True, text=True, check=False, timeout=60 * MINUTES
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout.splitlines()[-1])


def standard_imports():
    """Give Python's own modules that the files which the ring loads import at their top."""
    code = "import sys, mulligan.web.browser.ring; print(*(m for m in sys.modules if m.split('.')[0] == 'mulligan'))"
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
def test_the_ring_trains_there_as_it_does_here(runtime, archive):
    if not list(runtime.glob("numpy-*.whl")):
        pytest.skip(f"{runtime} has no NumPy (the npm package ships none); set MULLIGAN_PYODIDE to a full release")
    engine = Path(mulligan.__file__).parent / "web" / "browser" / "engine.mjs"
    found = node("ring.mjs", runtime, archive, engine, 20)
    ring = Ring(seed=7)
    assert found["told"] == ["Loading Python", "Loading NumPy", "Loading Mulligan"]
    assert found["kinds"] == ["Float32Array", "Float32Array"]
    assert (found["size"], found["total"]) == (ring.size, ring.total)
    assert np.array(found["reals"], np.float32) == pytest.approx(ring.reals.ravel(), abs=1e-6)
    assert np.array(found["heat"]) == pytest.approx(ring.heat(), abs=1e-5)
    assert np.array(found["fakes"]) == pytest.approx(ring.fakes().ravel(), abs=1e-5)
    assert found["before"] == pytest.approx(ring.train(1), rel=1e-5)
    # Adam with β₁ = 0 begins with steps of the gradient's sign, which turn where rounding does: nearly the same run
    assert found["losses"] == pytest.approx(ring.train(20), rel=2e-2)
    assert found["step"] == 21
    assert (found["end"], found["over"]) == (3, {})

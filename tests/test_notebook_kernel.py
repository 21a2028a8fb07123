"""`fit` and runs in the kernel of a real notebook."""

import asyncio
import os
import re
from copy import deepcopy
from itertools import chain
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra docs")
nbclient = pytest.importorskip("nbclient", reason="notebooks need the extra docs")
pytest.importorskip("ipykernel", reason="notebooks need the extra docs")

SOURCE = Path(__file__).parents[1] / "src"
LONG = 120
"""Seconds that a busy machine may take."""


def test_the_stop_button_keeps_what_was_learned(tmp_path, monkeypatch):
    for name, value in {"PYTHONPATH": SOURCE, "IPYTHONDIR": tmp_path, "JUPYTER_RUNTIME_DIR": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    cells = ("import mulligan\ngenerator = mulligan.fit('ring', recipe='ring', steps=10**6)", "generator")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    client = nbclient.NotebookClient(notebook, timeout=LONG, kernel_name="python3")
    stopped, then = notebook.cells

    async def play():
        async with client.async_setup_kernel():
            fit = asyncio.ensure_future(client.async_execute_cell(stopped, 0))
            for _ in range(20 * LONG):
                if any('alt="samples"' in html(output) for output in stopped.outputs):
                    break
                await asyncio.sleep(0.05)
            await client.km.interrupt_kernel()
            await fit
            await client.async_execute_cell(then, 1)

    asyncio.run(play())
    assert [output["output_type"] for output in stopped.outputs] == ["display_data"]
    assert re.search(r"stopped after step \d+: the generator has learned until then", html(stopped.outputs[0]))
    assert then.outputs[0]["data"]["image/png"]


def html(output):
    return output.get("data", {}).get("text/html", "")


@pytest.fixture
def one_core():
    """Give a kernel one core: beside another process of tests, workers on two would wait for each other."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if cores:
        os.sched_setaffinity(0, {cores[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % len(cores)]})
    yield
    if cores:
        os.sched_setaffinity(0, cores)


@pytest.mark.slow
@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("path", sorted((SOURCE.parent / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_shows_what_a_run_of_it_shows(path, monkeypatch):
    if path.stem.startswith("06"):
        pytest.importorskip("torch", reason="it watches a GAN in torch")
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    now = nbclient.NotebookClient(deepcopy(stored), timeout=1200, kernel_name="python3").execute()
    shown = [
        [{*chain(*(o.get("data", ()) for o in cell.get("outputs", ())))} for cell in nb.cells] for nb in (stored, now)
    ]
    assert shown[0] == shown[1]

"""Write the lab's folder for any file server: the playground's page, and Mulligan, which runs in it.

This module downloads nothing. A browser loads Python itself (Pyodide, with NumPy and Pillow) from its public address
when it opens the page, or from a copy beside the page.
"""

import importlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import mulligan
from mulligan.data import load
from mulligan.doors.write import KEY, PROGRAM, atomic_write, check_folder
from mulligan.errors import DataError, RunError
from mulligan.models import bundled
from mulligan.nn.rng import stream
from mulligan.output.export import html
from mulligan.web.browser.lab import DIGITS, HELD

RUNTIME = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
"""Where a browser finds Pyodide. The tests run Mulligan under the same version."""
PAGE = Path(mulligan.__file__).parent / "web" / "page"
PLAYER = ("chance.js", "network.js")
"""The player's arithmetic, in which the story's first figures compute too."""
WORKER = ("worker.mjs", "engine.mjs", "products.wasm", "load.js", "offline.js")
"""Scripts that only a site has, and the worker's products."""
_LEFT = ("cli/", "studies/", "web/page/", "web/browser/load.js", "web/browser/offline.js", "data/bundled/")
_LIBRARIES = ("tomli_w", "threadpoolctl", "jinja2", "markupsafe")  # only their Python files
_KEPT = (".py", ".toml", ".html", ".css", ".js", ".json")
_LATER = ("models/mnist.safetensors", "models/pixel-faces.safetensors", "metrics/features/judges/mnist.safetensors")


def build(out: Path, runtime: Path | None = None, *, force: bool = False) -> list[Path]:
    """Write the site's folder, and return the written files.

    `runtime` is a folder with Pyodide (``pyodide.mjs`` and the files that it loads, the wheels of NumPy and Pillow) for
    ``pyodide/``. The page links to the built book if that is in ``book/`` already.
    """
    if runtime is not None and not (runtime / "pyodide.mjs").exists():
        raise DataError(f"{runtime} must hold a release of Pyodide, but it holds no pyodide.mjs. Try another folder.")
    check_folder(out, "site.json", force=force)
    about = {"runtime": RUNTIME if runtime is None else "pyodide/", "version": mulligan.__version__, KEY: PROGRAM}
    atomic_write(out / "site.json", json.dumps(about | {"book": (out / "book").is_dir()}).encode())
    index = (PAGE / "index.html").read_text("utf-8").replace("<html", '<html data-lab="site.json"', 1)
    one_script = '<script src="load.js" defer></script>\n</head>'  # loads the page's styles and modules
    contents = {
        **{path.name: path.read_bytes() for path in PAGE.glob("*.*")},
        "index.html": _PARTS.sub("", index).replace("</head>", one_script).encode(),
        "page.bin": page_bin(),
        "forger.bin": html.in_bytes(bundled()),
        "engine.zip": engine_zip(),
        "digits.npz": digits(),
        **{f"mulligan/{name}": (PAGE.parents[1] / name).read_bytes() for name in _LATER},
        **{name: (Path(__file__).parent / name).read_bytes() for name in WORKER},
        **{f"vendor/{path.name}": path.read_bytes() for path in PAGE.glob("vendor/LICENSE*")},
    }
    for name, content in contents.items():
        _put(out, Path(name), content)
    if runtime is not None:
        for path in filter(Path.is_file, runtime.rglob("*")):
            _put(out, "pyodide" / path.relative_to(runtime), path.read_bytes())
    return [out / name for name in ("site.json", *contents)]


def _put(out: Path, name: Path, content: bytes) -> None:
    """Write a file of the site. No link may lead it out of the site."""
    link = next((out / folder for folder in name.parents[:-1] if (out / folder).is_symlink()), None)
    if link is not None:
        raise RunError(f"{link} must be a folder of the site, got a link. Delete it, or choose another OUT.")
    atomic_write(out / name, content)


_PARTS = re.compile(r'<link rel="stylesheet" href="(.*)">\n|<script type="module".*>\n')


def page_bin() -> bytes:
    """Pack the page's styles and modules into one file. Modules name each other as ``page/NAME``."""
    styles = filter(None, _PARTS.findall((PAGE / "index.html").read_text("utf-8")))
    files = [*(PAGE / name for name in styles), *sorted(PAGE.glob("*/*.js")), *(html.PAGE / name for name in PLAYER)]
    import_of = re.compile(r'((?:from|import)\s*\(?)"\.{1,2}/(?:\w+/)?([\w.-]+\.js)"')
    texts = {file.name: import_of.sub(r'\1"page/\2"', file.read_text("utf-8")) for file in files}
    return zlib.compress(json.dumps(texts).encode(), 9)


def digits() -> bytes:
    """Return an .npz file with random digits of MNIST, for training and held out."""
    mnist = load("mnist")
    assert mnist.labels is not None
    rows = np.sort(stream(0, "site").permutation(len(mnist))[: DIGITS + HELD])
    rows = np.concatenate([rows[HELD:], rows[:HELD]])
    packed, images = io.BytesIO(), np.asarray(mnist.images[rows])
    np.savez_compressed(packed, images=images, labels=mnist.labels[rows].astype(np.uint8))
    return packed.getvalue()


def engine_zip() -> bytes:
    """Pack the files that Python loads in the browser: the package without its terminal parts, and missing modules.

    The same files give the same bytes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(_list_files()):
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _list_files() -> Iterator[tuple[str, Path]]:
    root = Path(mulligan.__file__).parent
    for path in root.rglob("*.*"):
        name = path.relative_to(root).as_posix()
        if name.endswith(_KEPT) and not name.startswith(_LEFT):
            yield f"mulligan/{name}", path
    for library in _LIBRARIES:
        file = Path(importlib.import_module(library).__file__ or "")
        if file.name != "__init__.py":
            yield file.name, file
        else:
            yield from (
                (f"{library}/{path.relative_to(file.parent).as_posix()}", path) for path in file.parent.rglob("*.py")
            )

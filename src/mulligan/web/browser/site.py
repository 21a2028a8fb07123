"""Put the page of the ring into one folder that any file server can serve.

    python -m mulligan.web.browser.site site/
    python -m http.server -d site/ --bind 127.0.0.1 8765

The page loads Python (Pyodide, with NumPy) from the public address in `RUNTIME`, so it needs the network once. With
``--runtime FOLDER`` it loads it from a copy of Pyodide's files beside the page. Everything else is in the folder.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import mulligan
from mulligan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIME = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
"""Where a browser finds Pyodide. The tests run Mulligan under the same version."""
PAGE = ("index.html", "ring.css", "page.mjs", "worker.mjs", "engine.mjs", "products.wasm")
"""The page's own files."""
_NEEDED = ("__init__.py", "errors.py", "lazy.py", "nn/", "game/", "data/", "web/__init__.py", "web/browser/")


def build(out: Path, wheel: Path | None = None, runtime: Path | None = None) -> list[Path]:
    """Write the page's folder.

    Parameters
    ----------
    out : Path
        The folder; made where it is missing, and files of these names in it are replaced.
    wheel : Path, optional
        The wheel from which the engine is taken; by default the package that is running.
    runtime : Path, optional
        A folder with Pyodide's files (``pyodide.mjs`` and what it loads, NumPy's and threadpoolctl's wheels), copied to
        ``pyodide/`` beside the page.

    Returns
    -------
    list of Path
        The files that were written, without those of the runtime.

    Raises
    ------
    DataError
        When `wheel` is not a wheel of this package, or `runtime` holds no Pyodide.
    """
    engine = engine_zip(wheel)
    if runtime is not None and not (runtime / "pyodide.mjs").exists():
        raise DataError(
            f"{runtime} holds no pyodide.mjs; it must be a folder with Pyodide's files. Unpack a release of Pyodide "
            "there, or leave --runtime out: the page then loads it from its public address."
        )
    out.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    contents = {name: (here / name).read_bytes() for name in PAGE}
    contents["engine.zip"] = engine
    address = RUNTIME if runtime is None else "./pyodide/"
    contents["site.json"] = json.dumps({"runtime": address, "version": mulligan.__version__}).encode()
    for name, content in contents.items():
        (out / name).write_bytes(content)
    if runtime is not None:
        shutil.copytree(runtime, out / "pyodide", dirs_exist_ok=True)
    return [out / name for name in contents]


def engine_zip(wheel: Path | None = None) -> bytes:
    """Pack the Python files that the ring needs, and no others: 0.2 MB of the wheel's 12.

    Parameters
    ----------
    wheel : Path, optional
        By default the package that is running.

    Returns
    -------
    bytes
        A zip file with the folder ``mulligan/``; the same bytes for the same files.

    Raises
    ------
    DataError
        When `wheel` is not a wheel of this package.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_sources(wheel)):
            if name.endswith(".py") and name.startswith(_NEEDED):
                archive.writestr(zipfile.ZipInfo(f"mulligan/{name}"), content, zipfile.ZIP_DEFLATED)
        if not archive.namelist():
            raise DataError(f"{wheel} holds no package 'mulligan'. Build the wheel: pip wheel --no-deps -w dist .")
    return packed.getvalue()


def _sources(wheel: Path | None) -> Iterator[tuple[str, bytes]]:
    if wheel is None:
        root = Path(mulligan.__file__).parent
        yield from ((path.relative_to(root).as_posix(), path.read_bytes()) for path in root.rglob("*.py"))
        return
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("mulligan/"):
                    yield name.removeprefix("mulligan/"), archive.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{wheel} cannot be read as a wheel ({error}). Build one: pip wheel --no-deps -w dist ."
        ) from error


def main() -> None:
    """Write the page's folder, and say how to look at it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder")
    parser.add_argument("--wheel", type=Path, help="take the engine from this wheel; default: the running package")
    parser.add_argument("--runtime", type=Path, help="put this copy of Pyodide beside the page")
    words = parser.parse_args()
    try:
        build(words.out, words.wheel, words.runtime)
    except DataError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{words.out} cannot be written ({error.strerror}). Name another folder.")
    print(f"{words.out} is ready: python -m http.server -d {words.out} --bind 127.0.0.1 8765")


if __name__ == "__main__":
    main()

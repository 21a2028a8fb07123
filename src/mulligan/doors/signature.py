"""Know the files that Mulligan wrote, by a signature in each: only those are overwritten without a question.

Every kind of file that a command writes has a place for the name of its program. A word in a text is no signature.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from mulligan.doors.read import find_json, read_header
from mulligan.errors import DataError

PROGRAM = "Mulligan"
KEY = "written_by"
"""The key of `PROGRAM` in JSON, and in the metadata of safetensors files."""
HTML = '<meta name="generator" content="Mulligan'
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Mulligan"/>'
"""The signature of a WebP picture."""
_ZIP = PROGRAM.encode()
_SIGNATURES = {
    ".png": b"\0\0\0\x11tEXtSoftware\0Mulligan", ".gif": b"!\xfe\x08Mulligan\0", ".webp": XMP, ".html": HTML.encode(),
    ".onnx": b"\x12\x08mulligan", ".npz": len(_ZIP).to_bytes(2, "little") + _ZIP,
}  # fmt: skip
_SIGNATURES[".apng"] = _SIGNATURES[".png"]
_NEAR = 1 << 16  # bytes from the beginning and from the end, between which a signature stands
_PYTHON = "# Written by Mulligan. SHA-256 of the other lines: "


def is_ours(path: Path) -> bool:
    """Tell whether Mulligan wrote a file. An empty file counts too: nobody loses it."""
    kind, size = path.suffix.lower(), path.stat().st_size
    if not size:
        return True
    if kind == ".json":
        table = find_json(path) or {}
        meta = table.get("meta")
        return table.get(KEY) == PROGRAM or (isinstance(meta, dict) and meta.get("app") == PROGRAM)
    if kind == ".safetensors":
        try:
            return read_header(path)[0].get(KEY) == PROGRAM
        except DataError:
            return False
    with path.open("rb") as file:
        if kind == ".py":
            first = file.readline(len(_PYTHON) + 80)
            return first == _python_line(file.read())
        beginning = file.read(_NEAR)
        file.seek(max(0, size - _NEAR))
        return kind in _SIGNATURES and _SIGNATURES[kind] in beginning + file.read()


def sign_python(source: str) -> bytes:
    """Return a Python source with its signature, which an edit invalidates."""
    content = source.encode()
    return _python_line(content) + content


def _python_line(content: bytes) -> bytes:
    return f"{_PYTHON}{hashlib.sha256(content).hexdigest()}\n".encode()


def write_npz(file: IO[bytes], arrays: Mapping[str, Any], *, compress: bool = False) -> None:
    """Write arrays as a signed .npz file. The signature is the archive's comment."""
    import numpy as np  # late: most commands check files without it

    (np.savez_compressed if compress else np.savez)(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = _ZIP

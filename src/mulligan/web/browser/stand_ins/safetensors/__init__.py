"""The safetensors format, for which Pyodide has no library: a length, a header in JSON, the bytes of the arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "U64": "<u8",
    "I32": "<i4",
    "U32": "<u4",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}


class SafetensorError(Exception):
    """The bytes are not of this format."""


class safe_open:
    """A file, read whole."""

    def __init__(self, path: str | Path, framework: str):
        packed = Path(path).read_bytes()
        try:
            end = 8 + int.from_bytes(packed[:8], "little")
            self._header: dict[str, Any] = json.loads(packed[8:end])
            self._body = packed[end:]
        except ValueError as error:
            raise SafetensorError(str(error)) from error

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def metadata(self) -> dict[str, str] | None:
        """Return the texts of the header."""
        return self._header.get("__metadata__")

    def keys(self) -> list[str]:
        """Return the arrays' names."""
        return [name for name in self._header if name != "__metadata__"]

    def get_tensor(self, name: str) -> NDArray[Any]:
        """Return one array."""
        try:
            entry = self._header[name]
            start, end = entry["data_offsets"]
            return np.frombuffer(self._body[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
        except (KeyError, ValueError, TypeError) as error:
            raise SafetensorError(f"{name}: {error}") from error

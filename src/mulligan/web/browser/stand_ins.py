"""What a run needs of modules that Pyodide lacks: safetensors, SciPy, file locks. It stands under all their names."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOCK_EX, LOCK_NB = 2, 4
_NAMES = ["F64", "F32", "F16", "I64", "U64", "I32", "U32", "I8", "U8", "BOOL"]
DTYPES = dict(zip(_NAMES, ["<f8", "<f4", "<f2", "<i8", "<u8", "<i4", "<u4", "|i1", "|u1", "|b1"], strict=True))


class SafetensorError(Exception):
    """The bytes are not of this format."""


def read(packed: bytes) -> tuple[dict[str, str] | None, dict[str, NDArray[Any]]]:
    """Return the texts of the header and the arrays."""
    try:
        end = 8 + int.from_bytes(packed[:8], "little")
        header, body, arrays = json.loads(packed[8:end]), packed[end:], {}
        metadata = header.pop("__metadata__", None)
        for name, entry in header.items():
            part = body[slice(*entry["data_offsets"])]
            arrays[name] = np.frombuffer(part, DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
        return metadata, arrays
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SafetensorError(str(error)) from error


class safe_open:
    """A file, read whole."""

    def __init__(self, path: str | Path, framework: str):
        self._metadata, self._arrays = read(Path(path).read_bytes())
        self.keys, self.get_tensor = self._arrays.keys, self._arrays.__getitem__

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def metadata(self) -> dict[str, str] | None:
        return self._metadata


def save(tensors: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a file with these arrays."""
    names = {code: name for name, code in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    body = b""
    for name, tensor in sorted(tensors.items(), key=lambda pair: (-pair[1].itemsize, pair[0])):
        start, body = len(body), body + tensor.tobytes()
        header[name] = {"dtype": names[tensor.dtype.str], "shape": tensor.shape, "data_offsets": [start, len(body)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def load(packed: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays in the bytes of a file."""
    return read(packed)[1]


def gammainc(a: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function, x^a e^−x Σₙ xⁿ / Γ(a + n + 1)."""
    term = math.exp(a * math.log(x) - x - math.lgamma(a + 1)) if x > 0 else 0.0
    total, n = term, 0
    while term > 1e-17 * total:
        n += 1
        term *= x / (a + n)
        total += term
    return total


def rel_entr(p: NDArray[Any], q: float) -> NDArray[Any]:
    """Return p log(p / q), 0 where p is 0."""
    return p * np.log(np.where(p > 0, p, q) / q)


def flock(file: object, how: int) -> None:
    """Lock a file, which nobody else can open in a browser."""

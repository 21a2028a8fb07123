"""Arrays to bytes and back."""

from __future__ import annotations

import json
from typing import Any

from numpy.typing import NDArray

from mulligan.web.browser.stand_ins.safetensors import DTYPES, read


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

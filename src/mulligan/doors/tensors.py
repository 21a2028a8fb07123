"""Read and write the format safetensors: a header in JSON, then the bytes of the arrays, one after the other."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.read import parse_object
from mulligan.errors import DataError

_DTYPES = [np.dtype(code) for code in ("<f2", "<f4", "<f8", "<i4", "<i8", "|u1")]
_NAMES = {f"{dtype.kind.upper()}{8 * dtype.itemsize}": dtype for dtype in _DTYPES}


def pack(tensors: Mapping[str, NDArray[Any]], metadata: dict[str, str]) -> list[Any]:
    """Return the parts of a file, as views of the tensors: a copy takes as much memory again."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    parts, end = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda pair: (-pair[1].itemsize, pair[0])):
        start, end = end, end + tensor.nbytes
        kind = f"{tensor.dtype.kind.upper()}{8 * tensor.itemsize}"
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [start, end]}
        parts.append(np.ascontiguousarray(tensor).data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *parts]


def unpack(packed: bytes, source: object) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the texts and the arrays of a file, as views of its bytes; `source` names it in an error."""
    arrays = {}
    try:
        end = 8 + int.from_bytes(packed[:8], "little")
        header = parse_object(packed[8:end], "its header")
        metadata = {name: str(text) for name, text in header.pop("__metadata__", {}).items()}
        for name, entry in sorted(header.items(), key=lambda pair: pair[1]["data_offsets"]):
            shape = entry["shape"]
            count = math.prod(shape) if min(shape, default=0) >= 0 else len(packed) + 1
            arrays[name] = np.frombuffer(packed, _NAMES[entry["dtype"]], count, end).reshape(shape)
            end += arrays[name].nbytes
        if end != len(packed):
            raise ValueError(f"{end:,} bytes are described, and {len(packed):,} are there")
    except (DataError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(f"{source} is not a safetensors file, or was cut short ({error}). Use another copy.") from error
    return metadata, arrays

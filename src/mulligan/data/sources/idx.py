"""The IDX format, in which MNIST and its relatives are published.

Two zero bytes, a type byte, the number of dimensions, each dimension as a big-endian uint32, then the values, last
index fastest, big-endian. Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format". A gzipped file is
recognised by its first two bytes, whatever its name.
"""

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_MOST_DIMENSIONS = 8
_DEFLATE_RATIO = 1032  # deflate cannot pack tighter: 258 bytes in 2 bits


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read one IDX file, plain or gzipped: read-only values in the machine's own byte order."""
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            return _read(gzip.open(raw) if zipped else raw, path, size * _DEFLATE_RATIO if zipped else size)
    except (OSError, EOFError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read as IDX ({reason}). Is it there and whole? Fetch it.") from error


def _read(file: BufferedIOBase, path: Path, most: int) -> NDArray[Any]:
    """Read one file from an unpacked stream that gives at most `most` bytes."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= _MOST_DIMENSIONS:
        raise DataError(
            f"{path}: not an IDX file: it begins with {head.hex(' ') or 'nothing'}. Give an IDX, .npz, .npy or CSV "
            "file, or a folder of pictures."
        )
    dtype, ndim = np.dtype(_TYPES[head[2]]), head[3]
    dimensions = file.read(4 * ndim).ljust(4 * ndim, b"\0")  # one that is cut off counts as 0
    shape = tuple(int(n) for n in np.frombuffer(dimensions, ">u4"))
    expected = math.prod(shape) * dtype.itemsize
    possible = 0 < expected <= most  # before allocating: a broken header may ask for terabytes
    values = np.empty(shape if possible else 0, dtype)
    if not possible or read_into(file, values) < expected or file.read(1):
        raise DataError(f"{path}: must hold {expected} bytes, of shape {shape}, got fewer or more. Fetch it again.")
    values = values.astype(dtype.newbyteorder("="), copy=False)
    values.flags.writeable = False  # nobody else writes to it, so a data set need not copy it
    return values


def read_into(file: BufferedIOBase, values: NDArray[Any]) -> int:
    """Fill the contiguous array `values` from a packed stream, piece by piece; return the number of bytes read."""
    target = values.reshape(-1).view(np.uint8).data
    got = 0
    while piece := file.read(min(1 << 20, len(target) - got)):
        target[got : got + len(piece)] = piece
        got += len(piece)
    return got

"""Remake the bundled MNIST file from the four published IDX files.

::

    python benchmarks/shipped/mnist.py FOLDER [OUT]

The bytes are the same on every machine with the same liblzma; when they change, `SHA256` in `data/sources/mnist.py`
must follow.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
from pathlib import Path

from mulligan import data
from mulligan.data.sources import mnist
from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError

OUT = Path(data.__file__).parent / "bundled" / "mnist.xz"
# Digits are rows of mostly zeros with smooth strokes: context from the byte before (lc) helps, alignment (lp, pb)
# does not; a delta filter makes it a fifth larger. Measured. A dictionary as large as the set would save 3 % more,
# but unpacking would then hold all pixels twice.
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "lc": 4,
        "lp": 0,
        "pb": 0,
        "dict_size": 1 << 23,
    }
]


def pack(folder: str | Path) -> bytes:
    """Pack MNIST's four IDX files, in `folder` as published: labels, then pixels; training digits first."""
    folder = Path(folder)
    parts = []
    for kind, shape in (("labels-idx1", ()), ("images-idx3", (28, 28))):
        for split, count in (("train", mnist.TRAIN), ("t10k", mnist.TOTAL - mnist.TRAIN)):
            path = folder / f"{split}-{kind}-ubyte.gz"
            values = read_idx(path)
            if values.dtype != "uint8" or values.shape != (count, *shape):
                raise DataError(
                    f"{path}: {values.dtype} {values.shape}, expected uint8 {(count, *shape)}: not MNIST. "
                    "Fetch the published files."
                )
            parts.append(values.tobytes())
    return lzma.compress(b"".join(parts), check=lzma.CHECK_CRC64, filters=FILTERS)


def main() -> None:
    """Write the packed file and print its SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of MNIST's four IDX files")
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    words = parser.parse_args()
    out, packed = words.out, pack(words.folder)
    out.write_bytes(packed)
    found = hashlib.sha256(packed).hexdigest()
    print(f"{out}: {len(packed)} bytes, SHA-256 {found}")
    print("as recorded" if found == mnist.SHA256 else f"recorded is {mnist.SHA256}: put the new one into mnist.py")


if __name__ == "__main__":
    main()

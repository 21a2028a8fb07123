"""Remake the bundled pixel faces with DiceBear's own code (node 20 or newer).

    (cd benchmarks/pixel_faces && npm ci) && python benchmarks/pixel_faces/pack.py [OUT]

`draw.mjs` draws the parts and chooses those of each face; this packs them. The bytes are the same on every machine with
the same NumPy and liblzma; when they change, `SHA256` in `data/sources/faces.py` must follow.
"""

import argparse
import hashlib
import io
import json
import lzma
import subprocess
from pathlib import Path

import numpy as np

from mulligan.data.sources import faces

HERE = Path(__file__).parent
BUNDLED = Path(faces.__file__).parents[1] / "bundled" / "pixel-faces.xz"


def pack(drawn: dict) -> bytes:
    """Pack what `draw.mjs` prints."""
    arrays = {}
    for layer, chosen in zip(drawn["layers"], np.array(drawn["faces"]).T, strict=True):
        name, parts, colours = layer["name"], layer["parts"], layer["colours"]
        tiles = np.array(layer["tiles"], np.uint8).reshape(len(parts), len(colours), 16, 16, 4)
        part, colour = np.divmod(chosen, len(colours))
        if (chosen < 0).any():  # some faces have none: a transparent part, which has no colour
            parts, part, colour = ["none", *parts], part + 1, np.where(chosen < 0, 0, colour)
            tiles = np.concatenate([np.zeros_like(tiles[:1]), tiles])
            tiles[0, ..., 3] = 255
        arrays[f"{name}.parts"], arrays[f"{name}.colours"] = np.array(parts), np.array([f"#{c}" for c in colours])
        arrays[f"{name}.tiles"] = tiles
        arrays[f"{name}.part"], arrays[f"{name}.colour"] = part.astype(np.uint8), colour.astype(np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    # No byte tells anything about the next one: context only costs. Measured.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]
    return lzma.compress(file.getvalue(), check=lzma.CHECK_CRC64, filters=filters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=BUNDLED)
    out = parser.parse_args().out
    printed = subprocess.run(["node", str(HERE / "draw.mjs")], check=True, capture_output=True, text=True).stdout
    packed = pack(json.loads(printed))
    out.write_bytes(packed)
    found = hashlib.sha256(packed).hexdigest()
    print(f"{out}: {len(packed)} bytes, SHA-256 {found}")
    print("as recorded" if found == faces.SHA256 else f"recorded is {faces.SHA256}: put the new one into faces.py")


if __name__ == "__main__":
    main()

"""Pixel faces: 70,000 portraits of 16×16 pixels in colour, bundled. Each is a combination of parts.

`bundled/pixel-faces.xz` holds the parts, drawn in each of their colours, and which of them each face has. Loading
paints each face, layer upon layer. The art is DiceBear's Pixel Art (CC0); `benchmarks/pixel_faces/pack.py` remakes the
file.
"""

import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.mnist import check_bundled, read_bundled

TRAIN = 60_000
SHA256 = "f9e0b6e9d537e7b8b1dd7ec940e3c2044fe6880d295e978d4b92c96ee93b20fa"  # of bundled/pixel-faces.xz
LAYERS = ("skin", "accessories", "clothing", "eyes", "glasses", "beard", "mouth", "hair", "hat")
"""The layers of a face, from back to front."""
_AT_ONCE = 4000


def unpack(packed: bytes) -> dict[str, NDArray[Any]]:
    """Check the packed file and read its arrays, five for each of `LAYERS`.

    `….parts` and `….colours` are names ("none" if a face may lack the part). `….tiles`, uint8 (parts, colours, 16, 16,
    4), are red, green and blue times α, and 255 − α. `….part` and `….colour`, uint8 (70000,), index the part and colour
    of each face. The 60,000 training faces come first.
    """
    import lzma  # here, as in `mnist`

    check_bundled("pixel-faces.xz", packed, SHA256)
    with np.load(io.BytesIO(lzma.decompress(packed))) as file:
        return dict(file)


def paint(arrays: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Lay the parts of each face on white, one over the other: c ← p + c (255 − α)/255, rounded."""
    images = np.full((len(arrays["skin.part"]), 16, 16, 3), 255, np.uint8)
    for name in LAYERS:
        part, colour, tiles = (arrays[f"{name}.{key}"] for key in ("part", "colour", "tiles"))
        rows, columns = (slice(i.min(), i.max() + 1) for i in np.nonzero((tiles[..., 3] < 255).any((0, 1))))
        tiles = tiles[:, :, rows, columns].astype(np.uint16)
        faces = np.flatnonzero(arrays[f"{name}.parts"][part] != "none")
        for some in np.split(faces, range(_AT_ONCE, len(faces), _AT_ONCE)):
            top, under = tiles[part[some], colour[some]], images[some, rows, columns]
            images[some, rows, columns] = top[..., :3] + (under * top[..., 3:] + 127) // 255
    images.flags.writeable = False
    return images


@functools.cache
def _faces() -> tuple[dict[str, NDArray[Any]], NDArray[np.uint8]]:
    arrays = unpack(read_bundled("pixel-faces.xz"))
    return arrays, paint(arrays)


@functools.cache
def load_pixel_faces(label: str = "hair") -> Dataset:
    """Paint the bundled faces, 60,000 of 16×16, and 10,000 others in `test`, classed by an attribute.

    It is the part of one of `LAYERS` ("hat"), or the colour of a layer that every face has ("hair colour").
    """
    arrays, images = _faces()
    layer, _, colour = label.partition(" ")
    key = f"{layer}.{colour or 'part'}"
    names, labels = tuple(arrays[f"{key}s"].tolist()), arrays[key].astype(np.int64)
    labels.flags.writeable = False
    test = Dataset("pixel-faces (test)", images[TRAIN:], labels[TRAIN:], names)
    return Dataset("pixel-faces", images[:TRAIN], labels[:TRAIN], names, test)

"""Pixel faces: 70,000 portraits of 16×16 pixels in colour, bundled. Each is a combination of parts.

`bundled/pixel-faces.xz` holds the parts, drawn in each of their colours, and which of them each face has; a face is
painted when it is loaded, layer upon layer. The art is DiceBear's Pixel Art (CC0); `benchmarks/pixel_faces/pack.py`
remakes the file.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mulligan.data.dataset import Dataset
from mulligan.data.sources.mnist import check_bundled, read_bundled
from mulligan.errors import ConfigError, must_be

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAIN = 60_000
SHA256 = "f9e0b6e9d537e7b8b1dd7ec940e3c2044fe6880d295e978d4b92c96ee93b20fa"  # of bundled/pixel-faces.xz
LAYERS = ("skin", "accessories", "clothing", "eyes", "glasses", "beard", "mouth", "hair", "hat")
"""From the back to the front."""
_AT_ONCE = 4000


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of all faces.

    Attributes
    ----------
    parts, colours : tuple of str
        Their names; the first part is "none" where a face can do without one.
    tiles : uint8 array (parts, colours, 16, 16, 4)
        Red, green and blue, multiplied by α, and 255 − α.
    part, colour : uint8 array (70000,)
        What each face has.
    """

    parts: tuple[str, ...]
    colours: tuple[str, ...]
    tiles: NDArray[np.uint8]
    part: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def unpack(packed: bytes) -> dict[str, Layer]:
    """Check the packed file and read its layers; the first 60,000 faces are the training ones.

    Raises
    ------
    DataError
        When the bytes are not those of the file that was shipped.
    """
    import lzma  # here, as in `mnist`

    check_bundled("pixel-faces.xz", packed, SHA256)
    with np.load(io.BytesIO(lzma.decompress(packed))) as file:
        return {
            name: Layer(
                tuple(file[f"{name}.parts"].tolist()),
                tuple(file[f"{name}.colours"].tolist()),
                *(file[f"{name}.{key}"] for key in ("tiles", "part", "colour")),
            )
            for name in LAYERS
        }


def paint(layers: dict[str, Layer]) -> NDArray[np.uint8]:
    """Lay the parts of each face on white, one over the other: c ← p + c (255 − α)/255, rounded.

    Returns
    -------
    uint8 array (70000, 16, 16, 3)
    """
    images = np.full((len(layers["skin"].part), 16, 16, 3), 255, np.uint8)
    for layer in layers.values():
        seen = (layer.tiles[..., 3] < 255).any((0, 1))
        rows, columns = (slice(i.min(), i.max() + 1) for i in np.nonzero(seen))
        tiles = layer.tiles[:, :, rows, columns].astype(np.uint16)
        faces = np.flatnonzero(layer.part) if layer.parts[0] == "none" else np.arange(len(images))
        for start in range(0, len(faces), _AT_ONCE):
            some = faces[start : start + _AT_ONCE]
            tile = tiles[layer.part[some], layer.colour[some]]
            under = images[some, rows, columns]
            images[some, rows, columns] = tile[..., :3] + (under * tile[..., 3:] + 127) // 255
    images.flags.writeable = False
    return images


@functools.cache
def _faces() -> tuple[dict[str, Layer], NDArray[np.uint8]]:
    layers = unpack(read_bundled("pixel-faces.xz"))
    return layers, paint(layers)


@functools.cache
def load_pixel_faces(label: str = "hair") -> Dataset:
    """Paint the bundled faces.

    Parameters
    ----------
    label : str
        The attribute that is the class: "hair" (45 cuts) or another layer of `LAYERS` with its parts, or the colour of
        a layer that every face has: "skin colour", "clothing colour", "eyes colour", "mouth colour", "hair colour".

    Returns
    -------
    Dataset
        60,000 faces, uint8 (60000, 16, 16, 3); `test` holds 10,000 others. Both are read-only views of one array.

    Raises
    ------
    DataError
        When the bundled file is missing or is not, to the byte, the one that was shipped.
    ConfigError
        When there is no such attribute.
    """
    layers, images = _faces()
    classes = {}
    for name, layer in layers.items():
        if len(layer.parts) > 1:
            classes[name] = layer.part, layer.parts
        if layer.parts[0] != "none":
            classes[f"{name} colour"] = layer.colour, layer.colours
    if label not in classes:
        raise ConfigError(must_be("label", f"one of {', '.join(classes)}", label, "hair"))
    numbers, names = classes[label]
    labels = numbers.astype(np.int64)
    labels.flags.writeable = False
    test = Dataset("pixel-faces (test)", images[TRAIN:], labels[TRAIN:], names)
    return Dataset("pixel-faces", images[:TRAIN], labels[:TRAIN], names, test)

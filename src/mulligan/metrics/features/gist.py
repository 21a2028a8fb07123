"""The gist of a picture, edges and colours by place: the feature map for pictures that no judge was trained on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ShapeError
from mulligan.metrics.features.maps import sha256_of
from mulligan.metrics.validation import blocks, pictures

SIDE = 4
"""Cells of the grid along each side."""
SCALES = 3
ENOUGH = 4000
"""More training pictures do not change the map."""
_BLOCK = 1 << 18  # pixel values at a time; their differences take five times as many float32


@dataclass(frozen=True, eq=False)
class Gist:
    """Edges and colours by place, as scaled principal components: see `gist`."""

    shape: tuple[int, ...]
    """(h, w, c) of the pictures."""
    mean: NDArray[np.float64]
    """(d,): of the cells' values over the training pictures."""
    axes: NDArray[np.float64]
    """(d, k): principal directions, each divided by its standard deviation."""
    name: str = "gist"

    @property
    def sha256(self) -> str:
        """Hash of name, mean and axes."""
        return sha256_of(self.name, self.mean, self.axes)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = pictures(images)
        if images.shape[1:] != self.shape:
            raise ShapeError(
                f"pictures must have the shape of those on which {self.name} was fitted, {self.shape}, got "
                f"{images.shape[1:]}. Fit it on pictures of this size; do not resize."
            )
        return np.arcsinh((np.hstack(_halves(images)) - self.mean) @ self.axes).astype(np.float32)


def gist(train: NDArray[Any], dims: int = 64) -> Gist:
    """Fit the map that shows detail and colour of pictures that nobody has labelled.

    It has two halves, both means over the cells of a 4×4 grid. Detail: the size of differences of neighbouring
    pixels in four directions and of the Laplacian, in each channel, at full, half and quarter size. Colour: each
    channel. Each half is scaled to a total variance of 1 over the training pictures, so that detail weighs as much
    as the brightness of the whole picture. Their principal components are scaled to variance 1, and y =
    arcsinh(component): near the reals y is the component itself, and a picture far away cannot outweigh all others.

    There are at most n / 4 components, so that a small folder's distance stays well above its floor.

    The combination is Mulligan's own. Its nearest relatives are GIST (Oliva and Torralba 2001, section 3: energy of
    oriented filters on a 4×4 grid), and the sliced Wasserstein distance of Laplacian pyramids (Karras et al. 2018,
    section 5). It was chosen by damages and by pairs that were ordered by eye: docs/benchmarks/own-pictures.md.
    """
    images = pictures(train, "training pictures")
    halves = _halves(images)
    units = [1 / max(np.sqrt(half.var(axis=0).sum()), 1e-9) for half in halves]
    unit = np.repeat(units, [half.shape[1] for half in halves])
    cells = np.hstack(halves)
    mean = cells.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(cells * unit, rowvar=False))
    count = min(dims, max(1, len(images) // 4), len(values))
    values, vectors = values[: -count - 1 : -1].clip(0.0), vectors[:, : -count - 1 : -1]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])
    deviation = np.sqrt(values + 1e-3 * values.mean() + 1e-12)
    return Gist(images.shape[1:], mean, unit[:, None] * vectors / deviation)


def _halves(images: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Return detail and colour of each picture, pixels as 0 … 1."""
    parts = []
    for block in blocks(images, _BLOCK):
        x = block.astype(np.float32) / np.float32(255)
        colour, detail = _cells(x), []
        for _ in range(SCALES):
            detail.append(_cells(_edges(x)))
            if min(x.shape[1:3]) < 2:
                break
            x = (x[:, :-1:2, :-1:2] + x[:, 1::2, :-1:2] + x[:, :-1:2, 1::2] + x[:, 1::2, 1::2]) / 4
        parts.append((np.hstack(detail), colour))
    return [np.concatenate(half, dtype=np.float64) for half in zip(*parts)]


def _edges(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """|Differences| across each pixel: horizontal, vertical, both diagonals; and |Laplacian|."""
    p = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    up, middle, down = p[:, :-2], p[:, 1:-1], p[:, 2:]
    left, right = middle[:, :, :-2], middle[:, :, 2:]
    differences = [
        right - left,
        down[:, :, 1:-1] - up[:, :, 1:-1],
        down[:, :, 2:] - up[:, :, :-2],
        down[:, :, :-2] - up[:, :, 2:],
        4 * x - left - right - up[:, :, 1:-1] - down[:, :, 1:-1],
    ]
    edges = np.concatenate(differences, axis=3)
    return np.abs(edges, out=edges)


def _cells(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of each channel over each cell of the grid, one row a picture. A pixel on a border counts in parts."""
    n, h, w, c = x.shape
    tall = _shares(h) @ x.reshape(n, h, w * c)
    return (_shares(w) @ tall.reshape(n, SIDE, w, c)).reshape(n, -1)


def _shares(n: int) -> NDArray[np.float32]:
    """Return the share of each of n pixels in each cell's mean, (SIDE, n)."""
    edges = np.arange(SIDE + 1)[:, None] * n / SIDE
    inside = np.minimum(edges[1:], np.arange(1, n + 1)) - np.maximum(edges[:-1], np.arange(n))
    return (inside.clip(0.0) * SIDE / n).astype(np.float32)

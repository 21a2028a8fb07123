"""Make the pictures of a report: grids within a budget of bytes, nearest training pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.metrics import nearest_pictures
from mulligan.output.pages import data_uri
from mulligan.output.pictures import png_bytes, read_png

BYTES = 900_000
"""Maximum size of all grids together, before base64 adds a third."""
FRAMES = 40
"""Maximum number of grids."""
PAD = 2
"""Between the pictures of a grid, as the recorder draws it."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """Generated pictures, and the nearest of the `searched` training pictures of each.

    `distances` are Euclidean, over pixels from 0 to 1; the `usual` one is held-out pictures' median distance.
    """

    fakes: NDArray[np.uint8]
    reals: NDArray[np.uint8]
    distances: NDArray[np.float64]
    usual: float | None
    searched: int

    @property
    def pairs(self) -> list[tuple[str, str, float]]:
        """Each fake and its real as data URIs, and their distance."""
        return [
            (data_uri(png_bytes(fake)), data_uri(png_bytes(real)), float(distance))
            for fake, real, distance in zip(self.fakes, self.reals, self.distances)
        ]


def choose_frames(samples: Sequence[tuple[int, Path]]) -> list[tuple[int, str]]:
    """Choose grids evenly, including the first and the last, as many as the budget allows: step and data URI."""
    sizes = [path.stat().st_size for _, path in samples]
    for n in range(min(len(samples), FRAMES), 0, -1):
        chosen = [len(samples) - 1] if n == 1 else spread(len(samples), n)
        if n == 1 or sum(sizes[i] for i in chosen) <= BYTES:
            return [(samples[i][0], data_uri(samples[i][1].read_bytes())) for i in chosen]
    return []


def cut_grid(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Split a grid of the recorder into its pictures, (n, H, W, C)."""
    sheet = read_png(path)
    sheet = sheet[..., None] if sheet.ndim == 2 else sheet
    height, width = shape[0] + PAD, shape[1] + PAD
    tops, lefts = range(PAD, sheet.shape[0] - shape[0], height), range(PAD, sheet.shape[1] - shape[1], width)
    return np.stack([sheet[y : y + shape[0], x : x + shape[1]] for y in tops for x in lefts])


def find_nearest(fakes: NDArray[np.uint8], data: Dataset) -> Nearest:
    """Find the nearest training picture of each."""
    distances, numbers = nearest_pictures(fakes, data, 1)
    usual = None
    if data.test is not None:
        held = np.asarray(data.test.images[spread(len(data.test), 64)])
        usual = float(np.median(nearest_pictures(held, data, 1)[0]))
    return Nearest(fakes, np.asarray(data.images[numbers[:, 0]]), distances[:, 0], usual, len(data))


def spread(n: int, count: int) -> NDArray[np.int64]:
    """Choose `count` of n numbers evenly, including the first and the last; all if n is smaller."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).round().astype(np.int64))

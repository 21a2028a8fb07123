"""What the watched GANs learn from, and what one of their steps hands out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw

from mulligan.data import load

SAMPLES = 10_000
"""Digits or faces that a run learns from."""
DRAWN = 2000
"""Pictures in the folder of own pictures."""


class Step(NamedTuple):
    """One step of a GAN: losses, and the batches that D has just seen."""

    step: int
    d_loss: float
    g_loss: float
    real: Any
    fake: Any


def pictures(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return bytes (n, channels, height, width) and classes of "digits", "faces" or "own" pictures."""
    if name == "own":
        with TemporaryDirectory() as folder:
            draw(Path(folder))
            data = load(folder)
    else:
        data = load({"digits": "mnist", "faces": "pixel-faces"}[name])
    images = np.asarray(data.images[:SAMPLES])
    labels = np.zeros(len(images), np.int64) if data.labels is None else data.labels[:SAMPLES].copy()
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


def draw(folder: Path) -> None:
    """Fill a folder with small drawings, as somebody's own pictures: one shape each, on a pale ground."""
    rng = np.random.default_rng(0)
    for number in range(DRAWN):
        ground, colour = (tuple(int(v) for v in rng.integers(low, low + 90, 3)) for low in (160, 20))
        picture = Image.new("RGB", (28, 28), ground)
        size, left, top = int(rng.integers(9, 17)), *(int(v) for v in rng.integers(2, 10, 2))
        box = (left, top, left + size, top + size)
        pen = ImageDraw.Draw(picture)
        shape = number % 4
        if shape == 0:
            pen.ellipse(box, fill=colour)
        elif shape == 1:
            pen.rectangle(box, fill=colour)
        elif shape == 2:
            pen.polygon([(left, top + size), (left + size, top + size), (left + size // 2, top)], fill=colour)
        else:
            pen.line((left, top, left + size, top + size), fill=colour, width=4)
            pen.line((left, top + size, left + size, top), fill=colour, width=4)
        picture.save(folder / f"{number:04d}.png")


def forever(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches of a loader, epoch after epoch."""
    while True:
        yield from loader

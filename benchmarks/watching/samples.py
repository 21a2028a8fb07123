"""What the watched GANs learn from, and what one of their steps hands out."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from mulligan.data import load

SAMPLES = 10_000
"""Digits or faces that a run learns from."""


class Step(NamedTuple):
    """One step of a GAN: losses, and the batches that D has just seen."""

    step: int
    d_loss: float
    g_loss: float
    real: Any
    fake: Any


def pictures(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return bytes (n, channels, height, width) and classes of "digits" or "faces"."""
    data = load({"digits": "mnist", "faces": "pixel-faces"}[name])
    images = np.asarray(data.images[:SAMPLES])
    labels = np.zeros(len(images), np.int64) if data.labels is None else data.labels[:SAMPLES].copy()
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


def forever(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches of a loader, epoch after epoch."""
    while True:
        yield from loader

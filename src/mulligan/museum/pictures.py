"""Draw pictures of the exhibits: digits on a fixed or a stretched scale, points, enlarged pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.museum.case import Picture
from mulligan.output.pictures import grid, points_picture, to_uint8

Floats = NDArray[np.floating[Any]]


def digits(name: str, caption: str, images: Floats, low: float = 0.0, high: float = 1.0, *, zoom: int = 2) -> Picture:
    """Arrange pictures of 28 × 28 in a square, with black at `low` and white at `high`."""
    sheet = grid(to_uint8(images.reshape(-1, 28, 28), low, high))
    return Picture(name, caption, enlarged(sheet[..., 0], zoom), low, high)


def stretched(name: str, caption: str, images: Floats, *, zoom: int = 2) -> Picture:
    """Arrange pictures in a square, each stretched to full contrast. The caption says so."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    span = np.maximum(high - low, np.finfo(np.float64).tiny)
    by = 1.0 / float(np.median(span))
    caption = f"{caption}; stretched {by:,.0f} times, each picture to its own contrast"
    sheet = grid(to_uint8(((rows - low) / span).reshape(-1, 28, 28), 0.0, 1.0))
    return Picture(name, caption, enlarged(sheet[..., 0], zoom), float(low.min()), float(high.max()))


def points(name: str, caption: str, samples: Floats, low: float, high: float, modes: Floats, radius: float) -> Picture:
    """Draw points in white on black, with a grey circle around each mode."""
    angle = np.linspace(0.0, 2 * np.pi, 256)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circles = points_picture((modes[:, None] + circle).reshape(-1, 2), low, high)
    image = np.maximum(points_picture(samples, low, high), circles // 2)
    return Picture(name, caption, enlarged(image, 2))


def enlarged(image: NDArray[np.uint8], zoom: int) -> NDArray[np.uint8]:
    """Show each pixel as a square of `zoom` by `zoom`."""
    return np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)

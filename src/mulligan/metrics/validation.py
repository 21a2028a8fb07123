"""Check the arguments of metrics: features, pictures, probabilities; and take pictures block by block."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, ShapeError


def features(x: NDArray[Any], name: str = "features", *, least: int = 2) -> NDArray[np.float64]:
    """Read a table of finite features, with at least `least` rows, as float64; not copied if it already is."""
    table = np.asarray(x, dtype=np.float64)
    if table.ndim != 2 or len(table) < least or table.shape[1] == 0:
        raise ShapeError(
            f"{name} must be a table (n, d) of {least} rows or more, got shape {table.shape}. Draw more samples, or "
            "send pictures through a feature map first."
        )
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise DataError(
            f"{name} must be finite, got NaN or infinity in row {row}. A generator that makes NaN has diverged: "
            "go back to an earlier checkpoint."
        )
    return table


def feature_sets(*sets: NDArray[Any], names: tuple[str, ...], least: int = 2) -> tuple[NDArray[np.float64], ...]:
    """Read several feature tables, as `features` does."""
    return tuple(features(x, name, least=least) for x, name in zip(sets, names, strict=True))


def pictures(images: NDArray[Any], name: str = "images") -> NDArray[np.uint8]:
    """Read pictures, uint8: a view of shape (n, h, w, c). Grey pictures may leave the last axis out.

    Floats are refused, because those in 0…1 and those in −1…1 cannot be told apart safely.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8:
        raise DataError(
            f"{name} must be uint8 in 0…255, got {array.dtype}. "
            "Ask the generator for .images(count, seed=…), which has that range."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or 0 in array.shape:
        raise ShapeError(
            f"{name} must have shape (n, h, w) or (n, h, w, c) without a 0, got {np.shape(images)}. "
            "Reshape flat rows with .reshape(-1, h, w, c)."
        )
    return array


def probabilities(p: NDArray[Any]) -> NDArray[np.float64]:
    """Read class probabilities: (n, K), non-negative, rows that sum to 1 within 1e-3."""
    table = features(p, "probabilities", least=1)
    worst = float(np.abs(table.sum(axis=1) - 1.0).max())
    if table.min() < 0.0 or worst > 1e-3:
        raise DataError(
            f"probabilities must be ≥ 0 and sum to 1 in each row, got {table.min():.3g} and sums off by {worst:.3g}. "
            "Send logits through a softmax first."
        )
    return table


def blocks(images: NDArray[Any], most: int) -> Iterator[NDArray[Any]]:
    """Yield views of pictures, block by block, each with at most `most` values but at least one picture."""
    rows = max(1, most // math.prod(images.shape[1:]))
    for start in range(0, len(images), rows):
        yield images[start : start + rows]

"""Check the arguments of metrics: features, pictures, probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, ShapeError


def features(x: NDArray[Any], name: str = "features", *, least: int = 2) -> NDArray[np.float64]:
    """Read a table of features as float64.

    Parameters
    ----------
    x : array of shape (n, d)
        One row a picture; any real dtype.
    name : str
        Its name in an error.
    least : int
        The fewest rows that the caller can work with.

    Returns
    -------
    array of shape (n, d), float64
        `x` itself if it already is float64.

    Raises
    ------
    ShapeError
        Not a table, no columns, or fewer than `least` rows.
    DataError
        A value that is NaN or infinite.
    """
    try:
        table = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"{name} must be a table of numbers, (n, d) with one row for each picture ({error}). "
            "Give rows of one length."
        ) from error
    if table.ndim != 2 or table.shape[1] == 0:
        raise ShapeError(
            f"{name} must be a table (n, d) with one row for each picture, got shape {table.shape}. "
            f"Flatten pictures with .reshape(len(x), -1), or send them through a feature map first."
        )
    if len(table) < least:
        raise ShapeError(f"{name} must have at least {least} rows, got {len(table)}. Draw more samples.")
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise DataError(
            f"{name} must be finite, got NaN or infinity in row {row}. A generator that makes NaN has diverged: "
            f"go back to an earlier checkpoint."
        )
    return table


def feature_sets(*sets: NDArray[Any], names: tuple[str, ...], least: int = 2) -> tuple[NDArray[np.float64], ...]:
    """Read several feature tables of one width; arguments and errors as in `features`."""
    tables = tuple(features(x, name, least=least) for x, name in zip(sets, names, strict=True))
    widths = [table.shape[1] for table in tables]
    if len(set(widths)) > 1:
        said = ", ".join(f"{name} {width}" for name, width in zip(names, widths, strict=True))
        raise ShapeError(f"sets must have equal numbers of features, got {said}. Send all through one feature map.")
    return tables


def pictures(images: NDArray[Any], name: str = "images") -> NDArray[np.uint8]:
    """Read pictures: uint8, NHWC.

    Parameters
    ----------
    images : array of shape (n, h, w) or (n, h, w, c), uint8
        Grey pictures may leave the last axis out.
    name : str
        Its name in an error.

    Returns
    -------
    array of shape (n, h, w, c), uint8
        A view.

    Raises
    ------
    ShapeError
        Another number of axes, or no picture at all.
    DataError
        Another dtype. Floats in 0…1 and in −1…1 cannot be told apart safely, so neither is guessed.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8:
        raise DataError(
            f"{name} must be uint8 in 0…255, got {array.dtype}. "
            f"Ask the generator for .images(count, seed=…), which has that range."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or 0 in array.shape:
        raise ShapeError(
            f"{name} must have shape (n, h, w) or (n, h, w, c) without a 0, got {np.shape(images)}. "
            f"Reshape flat rows with .reshape(-1, h, w, c)."
        )
    return array


def probabilities(p: NDArray[Any]) -> NDArray[np.float64]:
    """Read class probabilities: (n, K), non-negative, rows that sum to 1 within 1e-3.

    Parameters
    ----------
    p : array of shape (n, K)
        p(y|x), one row a picture.

    Returns
    -------
    array of shape (n, K), float64

    Raises
    ------
    ShapeError, DataError
        Not a table; not finite; not probabilities.
    """
    table = features(p, "probabilities", least=1)
    worst = float(np.abs(table.sum(axis=1) - 1.0).max())
    if table.min() < 0.0 or worst > 1e-3:
        raise DataError(
            f"probabilities must be ≥ 0 and sum to 1 in each row, got {table.min():.3g} and sums off by {worst:.3g}. "
            f"Send logits through a softmax first."
        )
    return table

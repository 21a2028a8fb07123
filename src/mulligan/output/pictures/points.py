"""Points as a picture, at a fixed scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 192
"""Height and width in pixels."""
_MARGIN = 0.25  # of the range, on every side: where a young generator's points lie


def points_picture(points: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.uint8]:
    """Draw points as white dots on black; those outside the frame are left out.

    Parameters
    ----------
    points : (n, d) array
        For d = 1 the height is the share of points in a bin, full height being a quarter of all; else the first two
        coordinates are drawn, the second upwards.
    low, high : float
        The data's range; the frame is a quarter wider on every side.

    Returns
    -------
    uint8 array (SIDE, SIDE)
    """
    picture = np.zeros((SIDE, SIDE), np.uint8)
    margin = _MARGIN * (high - low) or 1.0
    cells = np.floor((points[:, :2] - (low - margin)) * (SIDE / (high - low + 2 * margin)))
    cells = cells[((cells >= 0) & (cells < SIDE)).all(axis=1)].astype(np.intp)
    if points.shape[1] == 1:
        heights = np.bincount(cells[:, 0] // 4, minlength=SIDE // 4) / len(points) * (4 * SIDE)
        rows = np.arange(SIDE)[:, None]
        picture[rows >= SIDE - np.repeat(heights, 4)[None, :]] = 255
    else:
        picture[SIDE - 1 - cells[:, 1], cells[:, 0]] = 255
    return picture

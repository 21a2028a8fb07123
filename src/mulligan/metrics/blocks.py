"""Many pictures, some at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def blocks(pictures: NDArray[Any], most: int) -> Iterator[NDArray[Any]]:
    """Yield pictures, as views, so many at a time that they have `most` numbers together; at least one."""
    rows = max(1, most // math.prod(pictures.shape[1:]))
    for start in range(0, len(pictures), rows):
        yield pictures[start : start + rows]

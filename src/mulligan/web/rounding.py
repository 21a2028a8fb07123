"""How figures are cut for the page: what nobody can see is not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def significant(value: Any) -> float | None:
    """Keep six significant digits, which is more than a chart has; None for what is no number."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def coordinates(values: NDArray[Any], decimals: int) -> Any:
    """Return coordinates as nested lists, with so many decimals; in float64, or the digits would come back."""
    return np.round(values.astype(np.float64), decimals).tolist()

"""What stands for the classes: the data's own labels, clusters, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mulligan.data import Dataset
    from mulligan.training.config import DataSpec


def labels_of(data: Dataset, spec: DataSpec) -> tuple[NDArray[np.int64] | None, int]:
    """Return the class of every sample, or None, and the number of classes, or 0.

    Parameters
    ----------
    data : Dataset
    spec : DataSpec
    """
    if spec.labels == "none" or data.labels is None:
        return None, 0
    return data.labels, data.classes

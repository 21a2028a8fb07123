"""What a run learns from: pictures, points with known densities, and the order in which they come.

- `registry`: `load`, the one function for all data, and `DATASETS`; start here. `dataset`: the class `Dataset`.
- `sources`: where samples come from, one file a kind. `kmeans`: clusters in place of classes.
- `sampler`: batches whose position is part of a checkpoint.
"""

from mulligan.data.dataset import Dataset, scale, scale_samples
from mulligan.data.kmeans import cluster_labels
from mulligan.data.registry import DATASETS, Entry, load
from mulligan.data.sampler import Sampler
from mulligan.data.sources import TOYS, from_arrays

__all__ = [
    "DATASETS",
    "TOYS",
    "Dataset",
    "Entry",
    "Sampler",
    "cluster_labels",
    "from_arrays",
    "load",
    "scale",
    "scale_samples",
]

"""Pictures, toys with exact densities, and the resumable batch sampler."""

from __future__ import annotations

from mulligan.data.dataset import Dataset, scale, scaled
from mulligan.data.kmeans import cluster_labels
from mulligan.data.registry import DATASETS, load
from mulligan.data.sampler import Sampler
from mulligan.data.sources.arrays import from_arrays

__all__ = ["DATASETS", "Dataset", "Sampler", "cluster_labels", "from_arrays", "load", "scale", "scaled"]

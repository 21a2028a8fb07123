"""Load the samples of a run and their classes, up to the configuration's limit."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mulligan.config.model import Config, DataSpec
from mulligan.data import Dataset
from mulligan.data.kmeans import cluster_labels
from mulligan.data.registry import absolute, read
from mulligan.data.sources import Reading
from mulligan.errors import ConfigError, expand
from mulligan.output.generator.file import SHIPPED
from mulligan.output.pages import data_uri
from mulligan.output.pictures import grid, png_bytes, points_picture
from mulligan.training.steering import choose_held_back

EACH = 15  # number of pictures for each cluster that stands in for a class


def locate(config: Config) -> Config:
    """Make the paths of data and start absolute, because the run may be resumed from another folder."""
    is_name = not config.start or (config.start in SHIPPED and not Path(config.start).exists())
    start = config.start if is_name else str(expand(config.start).resolve())
    return replace(config, data=replace(config.data, name=absolute(config.data.name)), start=start)


def data_of(spec: DataSpec, data: Dataset | None = None) -> Dataset:
    """Load the data that a configuration names, or take these, up to its limit."""
    data = read(absolute(spec.name), Reading.of(spec)) if data is None else data
    return data.limited(spec.limit) if 0 < spec.limit < len(data) else data


def settle(config: Config, data: Dataset) -> Config:
    """Replace what the recipe leaves to the data: ``data.labels = "auto"``, and what is held back of few pictures."""
    spec = config.data
    if spec.labels == "auto":
        count = 0 if data.is_points else min(spec.clusters, len(data) // EACH)
        if data.labels is not None:
            spec = replace(spec, labels="dataset")
        elif count > 1:
            spec = replace(spec, labels="clusters", clusters=count)
        else:
            spec = replace(spec, labels="none")
    if spec.held_back and not len(choose_held_back(config, data)):
        config, spec = replace(config, augment_probability=1.0), replace(spec, held_back=0.0)
    return replace(config, data=spec)


def choose_evenly(entries: Sequence[Any], count: int) -> list[Any]:
    """Choose at most `count` entries with equal distances, the first and the last among them."""
    last = len(entries) - 1
    return [entries[i] for i in np.unique(np.linspace(0, last, min(last + 1, count)).round().astype(int))]


def sheet_of(samples: NDArray[Any], data: Dataset) -> NDArray[np.uint8]:
    """Return generated samples as one picture: a grid, or points in the range of the data."""
    return points_picture(samples, *data.range) if data.is_points else grid(samples)


def html_of(samples: NDArray[Any], data: Dataset) -> str:
    """Return generated samples as an HTML picture."""
    whole = sheet_of(samples, data)
    style = f"width:{min(2 * whole.shape[1], 480)}px;image-rendering:pixelated"
    return f'<img alt="samples" style="{style}" src="{data_uri(png_bytes(whole, quickly=True))}">'


def labels_of(data: Dataset, spec: DataSpec) -> tuple[NDArray[np.int64] | None, int]:
    """Return the class of every sample, or None, and the number of classes."""
    if spec.labels == "clusters":
        if data.is_points:
            raise ConfigError(
                f"data.labels must be 'dataset' or 'none' for {data.name}, got 'clusters', which needs pictures."
            )
        with threadpool_limits(1, "blas"):  # another number of threads may sort a picture elsewhere
            labels, clusters = cluster_labels(np.asarray(data.images), spec.clusters)
        return labels, len(clusters)
    if spec.labels == "none" or data.labels is None:
        return None, 0
    return data.labels, data.classes


def fingerprint_of(data: Dataset, labels: NDArray[np.int64] | None) -> str:
    """Return the SHA-256 of the samples and their classes, with which a checkpoint recognises its data."""
    samples = hashlib.sha256(f"{data.images.dtype} {tuple(data.images.shape)}".encode())
    for start in range(0, len(data), 4096):
        samples.update(np.ascontiguousarray(data.images[start : start + 4096]).data)
    digest = hashlib.sha256(samples.hexdigest().encode())
    if labels is not None:
        digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()

"""Measure how good a generator is: `evaluate` compares its samples with pictures that it has not seen."""

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import DATASETS, Dataset, from_arrays, load
from mulligan.data.registry import is_picture_folder
from mulligan.data.sources import SIZES
from mulligan.errors import ConfigError, ShapeError, as_whole, expand, require
from mulligan.metrics import Fakes, merge
from mulligan.metrics.evaluation import COUNT, LEAST, Evaluator
from mulligan.models import load as load_generator
from mulligan.output.generator import LARGEST_SEED, Generator
from mulligan.training import Run
from mulligan.training.store.folder import newest_in, restore_run

_LOG = logging.getLogger(__name__)


@np.errstate(under="ignore")  # distant densities and moments of idle weights underflow to 0
def evaluate(
    generator: Generator | Run | Fakes | NDArray[Any] | str | Path,
    data: Dataset | NDArray[Any] | str | Path | None = None,
    *,
    count: int | None = None,
    seeds: int | Sequence[int] = 3,
) -> dict[str, Any]:
    """Measure how good a generator is against held-out data.

    Parameters
    ----------
    generator : Generator, Run, Fakes, array, str or Path
        A generator; or a run, a run folder or a checkpoint folder, whose averaged generator is scored. Pass samples of
        another program as an array, or as `Fakes.of` their folder or file.
    data : Dataset, array, str or Path, optional
        The data to compare with (default: the generator's training data). Pictures from a folder or a file are read at
        the generator's size and in its colours.
    count : int, optional
        Number of fakes and of reals (default: 10,000, or all held-out ones if there are fewer).
    seeds : int or sequence of int
        The number of draws (with seeds 0, 1, 2 …), or their seeds.

    Returns
    -------
    dict
        The content of ``metrics.json``; ``mulligan list metrics`` describes each figure. With several seeds, a figure
        is a dict of ``median``, ``min`` and ``max``. ``step`` is that of the weights. ``held_out`` is False if the data
        has no test part. Half of the training data then replaces it. Copies are searched in all training data, and each
        of those reals is compared with all others.

    Raises
    ------
    ConfigError
        When `count` exceeds the held-out pictures.
    ShapeError
        When the data has another shape than the generator's samples.
    DataError, CheckpointError
        When the data or the generator cannot be read.
    """
    if isinstance(generator, (np.ndarray, list)):
        generator = Fakes(from_arrays(generator))
    if data is None and isinstance(generator, Fakes):
        raise ConfigError("data must be given with samples, got None. Try mulligan.evaluate(samples, 'mnist').")
    source, own = _source(generator)
    if isinstance(data, np.ndarray):
        data = from_arrays(data)
    elif data is None:
        if own is None and not source.spec.data:
            raise ConfigError("data must be named, because this generator does not name its own. Try --data mnist.")
        data = own or _load_for(source, source.spec.data)
    elif not isinstance(data, Dataset):
        data = _load_for(source, data)
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        draws = [as_whole("seed", seed, 0, LARGEST_SEED) for seed in seeds]
        as_whole("the number of seeds", len(draws), 1, 1000)
    else:
        draws = [*range(as_whole("seeds", seeds, 1, 1000))]
    count = None if count is None else as_whole("count", count, 1)
    if tuple(source.spec.shape) != data.shape:
        raise ShapeError(
            f"data must have the samples' shape {tuple(source.spec.shape)}, got {data.shape} of {data.name}. Evaluate "
            "against the data that they imitate."
        )
    if isinstance(generator, Fakes):
        rule = f"{max(LEAST, count or 0)} samples or more, as many as are compared"
        require(LEAST <= len(generator) >= (count or 0), "fakes", rule, len(generator))
        there = len(data) // 2 if data.test is None else len(data.test)
        count = min(COUNT, len(generator), there) if count is None else count
    evaluator, results = Evaluator.of(data, count), []
    for seed in draws:
        _LOG.info("seed %d, %s samples", seed, f"{evaluator.count:,}")
        results.append(evaluator.score(source, seed))
    return merge(results)


@np.errstate(under="ignore")
def evaluate_finished(run: Run) -> dict[str, Any]:
    """Measure a run's averaged generator in one draw, in seconds, as `mulligan train` does at the end."""
    run.gan.release()  # else they lie beside what the evaluation needs
    return Evaluator.of(run.data, train_judge=False).score(run.generator())


def _source(generator: Generator | Run | Fakes | str | Path) -> tuple[Generator | Fakes, Dataset | None]:
    """Return what draws the samples, and of a run its data."""
    if isinstance(generator, (str, Path)):
        path = expand(generator)
        newest = newest_in(path) if os.path.isdir(path) else None
        generator = load_generator(path) if newest is None else restore_run(newest)
    if not isinstance(generator, Run):
        return generator, None
    return generator.generator(), generator.data


def _load_for(generator: Generator | Fakes, source: str | Path) -> Dataset:
    """Load data by name. Own pictures are read at the generator's size, in its colours, and as its own were."""
    if (isinstance(source, str) and source in DATASETS) or not generator.spec.is_picture:
        return load(source)
    height, width, channels = generator.spec.shape
    size = height if height == width and height in SIZES else 0
    if isinstance(generator, Fakes):  # keep the data's colours, so that missing colour shows
        return load(source, size if is_picture_folder(source) else 0)
    return load(source, size, colour={1: "grey", 3: "rgb", 4: "auto"}[channels], **generator.spec.reading)

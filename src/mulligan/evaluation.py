"""Measure how good a generator is: `evaluate` compares its fakes with pictures that it has not seen.

The protocol: 10,000 fakes against the same number of held-out pictures, or all of them if there are fewer; three draws,
median and range; classes as often as in the training data; the averaged weights and the raw ones.
"""

import logging
import numbers
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.data import DATASETS, Dataset, from_arrays, load
from mulligan.data.registry import is_picture_folder
from mulligan.data.sources import SIZES
from mulligan.errors import CheckpointError, ConfigError, DataError, ShapeError, as_path, must_be, shown
from mulligan.metrics import (
    Fakes,
    Judge,
    Reference,
    bundled_judge,
    evaluate_pictures,
    evaluate_points,
    judge_for,
    merge,
    pca,
    pca_limit,
    random_conv,
    reference,
    stacked_modes,
)
from mulligan.models import load as load_generator
from mulligan.nn.memory import use_one_heap
from mulligan.output.generator import Generator
from mulligan.training import Run, RunFolder
from mulligan.training.store import newest_in, restored

_LOG = logging.getLogger(__name__)

COUNT = 10_000
"""Default number of fakes, and of held-out reals if there are enough."""
LEAST = 20
"""Minimum number of pictures for an evaluation."""
STACKED = "stacked-mnist"
STACKED_COUNT = 26_000
"""Number of fakes for counting stacked MNIST's modes, as published (Lin et al. 2018, "PacGAN", section 4.2). It decides
how many of 1000 modes are hit by chance, and the KL of a perfect sampler."""
COMBINED = ("skin colour", "hair colour", "clothing colour")
"""Attributes of the pixel faces whose 1056 equally frequent combinations are counted like stacked MNIST's modes."""


@np.errstate(under="ignore")  # distant densities and moments of idle weights underflow to 0
def evaluate(
    generator: Generator | Run | Fakes | NDArray[Any] | str | Path,
    data: Dataset | str | Path | None = None,
    *,
    count: int | None = None,
    seeds: int | Sequence[int] = 3,
) -> dict[str, Any]:
    """Measure how good a generator is against held-out data.

    Parameters
    ----------
    generator : Generator, Run, Fakes, array, str or Path
        A generator; or a run, a run folder or a checkpoint folder, whose raw weights are scored as well. Pass samples
        of another program as an array, or as `Fakes.of` their folder or file.
    data : Dataset, str or Path, optional
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
        is a dict of ``median``, ``min`` and ``max``. ``raw`` holds the figures of the raw weights, ``step`` the step
        of the weights. ``held_out`` is False if the data has no test part: half of the training data then replaces it,
        copies are searched in all training data, and each of those reals is compared with all others.

    Raises
    ------
    ConfigError
        When an argument is of the wrong type, `seeds` is empty, or `count` exceeds the held-out pictures.
    ShapeError
        When the data has another shape than the generator's samples.
    DataError, CheckpointError
        When the data or the generator cannot be read.
    """
    if isinstance(generator, np.ndarray):
        generator = Fakes(from_arrays(generator))
    weights, found, cpu = _weights(generator, others=data is not None)
    if data is None:
        data = found if found is not None else _own_data(weights["ema"])
    elif not isinstance(data, Dataset):
        data = _loaded(data, weights["ema"])
    drawn = _drawn(seeds)
    if count is not None and not isinstance(count, numbers.Integral):
        raise ConfigError(must_be("count", "a whole number", count, COUNT))
    if not drawn:
        raise ConfigError("seeds must be at least one draw, got none. Try 3.")
    shape = weights["ema"].spec.shape
    if tuple(shape) != data.shape:
        raise ShapeError(
            f"data must have the generator's shape {tuple(shape)}, got {data.shape} of {data.name}. "
            "Evaluate against the data that the generator was trained on."
        )
    if isinstance(generator, Fakes):
        if not LEAST <= len(generator) >= (count or 0):
            rule = f"{max(LEAST, count or 0)} samples or more, as many as are compared"
            raise ConfigError(must_be("fakes", rule, len(generator)))
        count = min(COUNT, len(generator), len(_pool(data)[0])) if count is None else count
    exam = Exam.prepare(data, count)
    scores = {}
    for name, each in weights.items():
        results = []
        for seed in drawn:
            which = "averaged" if name == "ema" else "raw"
            _LOG.info("seed %d, %s weights: %s samples", seed, which, f"{exam.count:,}")
            noted = "fakes" if isinstance(each, Fakes) else name
            results.append(exam.score(each, seed, weights=noted, cpu_seconds=cpu))
        scores[name] = merge(results)
    result = scores.pop("ema")
    return {**result, **scores}


@np.errstate(under="ignore")
def evaluate_finished(run: Run) -> dict[str, Any]:
    """Measure a run's averaged generator in one draw, in seconds, as `mulligan train` does at the end.

    Parameters
    ----------
    run : Run

    Raises
    ------
    ConfigError
        When there are too few samples to compare with.
    """
    exam = Exam.prepare(run.data, controls=False, train_judge=False)
    return exam.score(run.generator(), cpu_seconds=run.cpu)


@dataclass(frozen=True, eq=False)
class Exam:
    """The part of an evaluation that depends on the reals alone. Make it once, then `score` generators.

    Attributes
    ----------
    data : Dataset
    count : int
        Number of fakes.
    held_out : bool
        Whether the generator was not trained on the reals.
    real : array (count, h, w, c), uint8, or (count, d), float32
    judge : Judge or None
        For stacked MNIST, the judge of single digits.
    against : Reference or None
        None for points.
    """

    data: Dataset
    count: int
    held_out: bool
    real: NDArray[Any]
    judge: Judge | None = None
    against: Reference | None = None

    @classmethod
    def prepare(
        cls,
        data: Dataset,
        count: int | None = None,
        *,
        controls: bool = True,
        train_judge: bool = True,
    ) -> Self:
        """Prepare the reals of a data set.

        Parameters
        ----------
        data : Dataset
        count : int, optional
            See `evaluate`.
        controls : bool
            Also measure in the random convolutional network, besides the judge and the principal components.
        train_judge : bool
            Train a judge if none is available.

        Raises
        ------
        ConfigError
            When `count` exceeds the held-out pictures, or when there are too few.
        """
        use_one_heap()
        data = data.in_memory()
        train, labels = np.asarray(data.images), data.labels
        pool, inside = _pool(data)
        apart = train if inside is None else np.delete(train, inside, axis=0)
        chosen = _chosen(len(pool), count, data)
        if chosen is not None:
            pool, inside = pool[chosen], None if inside is None else inside[chosen]
        real, held_out = pool, inside is None
        if data.is_points:
            return cls(data, len(real), held_out, real)
        stacked = data.name == STACKED
        judge = bundled_judge("mnist") if stacked else judge_for(data, train=train_judge)
        # PCA exaggerates the spread of its training data, so it must not be fitted on the reals
        some = apart[np.random.default_rng(0).permutation(len(apart))[: pca_limit(data.shape)]]
        maps: list[Any] = [] if judge is None or stacked else [judge]
        maps.append(pca(apart if len(some) == len(apart) else some))
        if controls or len(maps) < 2:
            maps.append(random_conv(data.shape))  # type: ignore[arg-type]
        shares = None if labels is None or maps[0] is not judge else np.bincount(labels, minlength=data.classes)
        prior = shares if shares is not None and shares.min() > 0 else None
        _LOG.info("looking at %s %s pictures of %s", f"{len(real):,}", "held-out" if held_out else "of the", data.name)
        against = reference(real, train, maps, prior=prior, inside=inside)
        return cls(data, len(real), held_out, real, judge, against)

    def score(
        self, generator: Generator | Fakes, seed: int = 0, *, weights: str = "ema", cpu_seconds: float | None = None
    ) -> dict[str, Any]:
        """Score one draw. The same generator and seed give the same figures to the last digit.

        Parameters
        ----------
        generator : Generator
        seed : int
        weights : str
            "ema" or "raw", for the result.
        cpu_seconds : float, optional
            The cost of the training, if known, for the result.
        """
        notes: dict[str, Any] = {"seed": seed, "data": self.data.name, "generator": weights, "cpu_seconds": cpu_seconds}
        facts = {"step": generator.spec.step, "held_out": self.held_out}
        if self.against is None:
            result = evaluate_points(generator.sample(self.count, seed), self.real, **notes)
            return {**result, **facts}
        images = generator.images(self.count, seed)
        if self.data.name == STACKED:
            result = evaluate_pictures(images, self.against, **notes)
        else:
            asked = self._asked(generator, self.count, seed)
            result = evaluate_pictures(images, self.against, asked=None if self.judge is None else asked, **notes)
            if self.judge is not None:
                result["judge"]["accuracy"] = self.judge.accuracy
        if self.judge is not None and (self.data.name == STACKED or self.judge.heads):
            result["modes"] = self._combinations(self.judge, generator, seed)
        return {**result, **facts}

    def _asked(self, generator: Generator | Fakes, count: int, seed: int) -> NDArray[np.int64] | None:
        """Return the classes of the fakes, if they are the data's own classes and not clusters."""
        same = generator.spec.class_names == self.data.class_names and self.data.classes > 0
        return generator.labels(count, seed) if same else None

    def _combinations(self, judge: Judge, generator: Generator | Fakes, seed: int) -> dict[str, Any]:
        """Count modes: classify three digits, or a face's attributes, in the published number of pictures."""
        count = STACKED_COUNT if self.count == COUNT else self.count
        images, asked = generator.images(count, seed), self._asked(generator, count, seed)
        if judge.heads:
            told = judge.attributes(images)
            values = np.stack([told[name] for name in COMBINED], axis=1)
            modes = stacked_modes(values, [judge.heads[name] for name in COMBINED])
            return {**asdict(modes), "n": count}
        digits = np.stack(
            [judge.probabilities(np.ascontiguousarray(images[..., c : c + 1])).argmax(axis=1) for c in range(3)],
            axis=1,
        )
        found = {**asdict(stacked_modes(digits)), "n": count, "sha256": judge.sha256}
        if asked is not None:
            found["label_accuracy"] = float(np.mean(digits @ [100, 10, 1] == asked))
        return found


def _pool(data: Dataset) -> tuple[NDArray[Any], NDArray[np.intp] | None]:
    """Return the reals to compare with: the test part, or half of the data with each sample's index."""
    if data.test is not None:
        return np.asarray(data.test.images), None
    half = np.random.default_rng(0).permutation(len(data))[: len(data) // 2]
    return np.asarray(data.images)[half], half


def _chosen(there: int, count: int | None, data: Dataset) -> NDArray[np.intp] | None:
    """Choose the same random reals each time, or None for all. The first ones will not do, because files are sorted."""
    what = "are held out" if data.test is not None else "can stand in for held-out ones"
    if count is not None and count > there >= LEAST:
        raise ConfigError(
            f"count must be from {LEAST} to {there}, all of {data.name} that {what}, got {shown(int(count))}. "
            f"Try {there}."
        )
    if there < LEAST and data.test is None:
        raise ConfigError(
            f"{data.name} must have {2 * LEAST} samples or more, because half of them replace held-out ones, got "
            f"{len(data)}. Collect more."
        )
    count = min(COUNT if count is None else count, there)
    if count < LEAST:
        raise ConfigError(
            f"held-out samples of {data.name} must be at least {LEAST}, got {count}. "
            f"{'Ask for more.' if there >= LEAST else 'Collect more that are held out.'}"
        )
    return None if count == there else np.random.default_rng(0).permutation(there)[:count]


def _weights(
    generator: Generator | Run | Fakes | str | Path, *, others: bool
) -> tuple[dict[str, Generator | Fakes], Dataset | None, float | None]:
    """Return the generators to score by the name of their weights, and, if known, their data and the CPU-seconds.

    With `others`, other data to compare with, the averaged weights suffice if a run's own data are missing.
    """
    if isinstance(generator, (Generator, Fakes)):
        return {"ema": generator}, None, None
    if not isinstance(generator, Run):
        what = "a generator, a run, or the run folder, checkpoint folder or .safetensors file of one"
        path = as_path("generator", generator, what, "runs/quick-1")
        if not os.path.isdir(path):
            return {"ema": load_generator(path)}, None, None
        found = newest_in(path)
        if found is None:
            return {"ema": load_generator(path)}, None, None
        try:
            generator = restored(found)
        except (CheckpointError, DataError) as error:
            if not others or not RunFolder(path).generator.is_file():
                raise
            _LOG.warning("only the averaged weights can be measured: %s", error)
            return {"ema": load_generator(path)}, None, float(found.clock["cpu"])
    both: dict[str, Generator | Fakes] = {"ema": generator.generator(), "raw": generator.generator(average=False)}
    return both, generator.data, generator.cpu


def _drawn(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of the draws, given their number or a list."""
    if isinstance(seeds, numbers.Integral):
        return tuple(range(int(seeds)))
    try:
        return tuple(seeds)  # type: ignore[arg-type]
    except TypeError as error:
        raise ConfigError(must_be("seeds", "how many draws, or a list of seeds", seeds, 3)) from error


def _own_data(generator: Generator | Fakes) -> Dataset:
    if not generator.spec.data:
        raise ConfigError(
            "data must be named, because this generator does not name its training data. Try --data mnist."
        )
    return _loaded(generator.spec.data, generator)


def _loaded(source: str | Path, generator: Generator | Fakes) -> Dataset:
    """Load data by name. Own pictures are read at the generator's size and in its colours."""
    if (isinstance(source, str) and source in DATASETS) or not generator.spec.is_picture:
        return load(source)
    height, width, channels = generator.spec.shape
    size = height if height == width and height in SIZES else 0
    if isinstance(generator, Fakes):  # keep the data's colours, so that missing colour shows
        return load(source, size if is_picture_folder(source) else 0)
    return load(source, size, colour="grey" if channels == 1 else "rgb")

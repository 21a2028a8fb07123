"""From pictures to a generator in one call, and a length of time turned into steps."""

import numbers
import sys
import time
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mulligan.data import Dataset, from_arrays, load
from mulligan.data.sources import UNNAMED, as_array, black_of, fitted
from mulligan.errors import ConfigError, as_path, must_be
from mulligan.output.generator import Generator
from mulligan.training import Config, DataSpec, Recorder, Run, train, with_all_of
from mulligan.training import recipe as recipe_named
from mulligan.training.interrupt import BetweenSteps
from mulligan.training.progress import View, in_notebook, view_of
from mulligan.training.samples import located

FIRST = 100
"""Steps before those that are timed, at most: they allocate, and find out the fastest products. No more than a
twentieth of the time goes into them."""
CALIBRATION = 200
"""Steps that are timed at most; no more than a tenth of the time goes into them."""
SHARE = 0.95
"""Of the time goes into steps; the rest into samples, checkpoints and the animation."""


def fit(
    images: ArrayLike | str | Path | Dataset,
    labels: ArrayLike | None = None,
    recipe: str | Path | Config = "quick",
    minutes: float | None = None,
    seed: int | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    start: str | Path | None = None,
) -> Generator:
    """Train a generator.

    Parameters
    ----------
    images : array (n, h, w[, c]) or (n, d), or str or Path, or Dataset
        Pictures or points (`mulligan.data.sources.arrays` has the table of what is understood), or a name of
        `mulligan list data`, a folder, or a file; or what `mulligan.data.load` made of one.
    labels : (n,) array, optional
        One class for each sample; without them, the generator knows no classes. A recipe that takes none says so.
    recipe : str, Path or Config
        A name of `mulligan list recipes`, the path of a TOML file, or a configuration. A configuration is taken at its
        word: with the `data.limit` of ``recipe("pictures")``, no more than 500 samples are used.
    minutes : float, optional
        Length in time: the steps are chosen after a short timing.
    seed : int, optional
        By default what the recipe says: 0 in most of them.
    steps : int, optional
        Length in steps; by default what the recipe says.
    out : str or Path, optional
        Keep the run in this folder; by default nothing is written.
    progress : bool
        Show how it goes: a bar in a terminal; in a notebook one output with curves and samples, redrawn in place. A
        script whose stderr is not a terminal stays silent.
    start : str or Path, optional
        A run folder, checkpoint folder or generator file whose weights the training begins with, wherever their shapes
        agree; the logger ``mulligan`` says which.

    Returns
    -------
    Generator
        The averaged one.

    Raises
    ------
    DataError
        When the images or labels cannot be used as such, or cannot be read.
    ConfigError, ShapeError, UnsupportedError
        When the recipe does not exist or does not fit the data.
    DivergedError
        When a tensor became NaN or infinite.
    KeyboardInterrupt
        At the end of a step; with `out`, the run is saved there. A notebook's stop button returns the generator so far.
    """
    config = recipe if isinstance(recipe, Config) else recipe_named(recipe)
    if seed is not None:
        config = replace(config, seed=seed)
    number = isinstance(minutes, numbers.Real) and not isinstance(minutes, bool)
    if minutes is not None and (not number or minutes > sys.float_info.max):
        raise ConfigError(must_be("minutes", "a number above 0", minutes, 1))
    if minutes is not None and steps is not None:
        raise ConfigError(f"minutes = {minutes} and steps = {steps} both set the length. Leave one of them away.")
    if steps is not None:
        config = replace(config, steps=steps)
    if start is not None:
        config = replace(
            config, start=str(as_path("start", start, "a run folder or a .safetensors file", "runs/quick-1"))
        )
    if labels is not None and config.data.labels != "dataset":
        warnings.warn(
            f"recipe {config.recipe or 'of your own'} has data.labels = {config.data.labels!r}: your labels are not "
            "used. Leave them away, or take a recipe with data.labels = 'dataset', for instance quick.",
            stacklevel=2,
        )
    data, data_range = _data(images, labels, config.data)
    if not isinstance(recipe, Config):
        config = with_all_of(config, data.name)
    config = replace(config, data=replace(config.data, name=data.name))
    if isinstance(images, (str, Path)):
        config = located(config)
    run = Run(config, data=data) if minutes is None else timed(config, 60 * minutes, data=data)
    events = train(run, observers=()) if out is None else Recorder(out).record(run)
    view = view_of(run) if progress and _somebody_looks() else View()
    try:
        with view, closing(events):
            if run.data.note:
                view.tell(run.data.note)
            for event in events:
                view.show(event)
    except BetweenSteps:
        if in_notebook():
            view.tell(f"stopped after step {run.step}: the generator has learned until then")
        elif out is not None:
            raise
        else:
            lost = f"stopped after step {run.step}, and nothing of it is kept. With out='runs/mine' it would be saved"
            raise BetweenSteps(f"{lost} there, to go on from.") from None
    made = run.generator()
    if data_range is None:
        return made
    return Generator(replace(made.spec, data_range=data_range), made.theta, made.stats, threads=made.threads)


def timed(config: Config, seconds: float, *, data: Dataset | None = None) -> Run:
    """Return a run whose steps take `seconds` from now on, by timing a few steps of another one.

    Parameters
    ----------
    config : Config
    seconds : float
        Timing and all.
    data : Dataset, optional
        The samples themselves, instead of what ``config.data`` names.

    Raises
    ------
    ConfigError
        When `seconds` is not a finite number above 0.
    """
    if not 0 < seconds < float("inf"):
        raise ConfigError(must_be("minutes", "a number above 0", seconds / 60, 1))
    start = time.perf_counter()
    trial = Run(config, data=data, begin=False)
    with trial.gan, np.errstate(all="ignore"):  # as in training: the guard finds what overflows
        _rate(trial, FIRST, seconds / 20)
        rate = _rate(trial, CALIBRATION, seconds / 10)
    left = SHARE * (seconds - (time.perf_counter() - start))
    data = trial.data
    del trial  # there may be no memory for both
    return Run(replace(config, steps=max(1, round(rate * left))), data=data)


def _rate(run: Run, steps: int, seconds: float) -> float:
    """Take `steps` steps, fewer if the time is over but at least one; return steps per second."""
    began, first = time.perf_counter(), run.step
    run.advance()
    while run.step - first < steps and time.perf_counter() - began < seconds:
        run.advance()
    return (run.step - first) / (time.perf_counter() - began)


def _somebody_looks() -> bool:
    """Tell whether stderr is a terminal, or what is typed here is answered at once, as in a notebook."""
    return sys.stderr is not None and (sys.stderr.isatty() or hasattr(sys, "ps1"))


def _data(
    images: ArrayLike | str | Path | Dataset, labels: ArrayLike | None, spec: DataSpec
) -> tuple[Dataset, tuple[float, float] | None]:
    """Return the data set, and the range that the array's values had, where it is not the data set's own."""
    if isinstance(images, (str, Path, Dataset)):
        if labels is not None:
            given = images.name if isinstance(images, Dataset) else str(images)
            raise ConfigError(f"labels must be left out with images = {given!r}, which brings its own.")
        if isinstance(images, Dataset):
            return fitted(images, spec.size, spec.colour), None
        return load(images, spec.size, spec.skip_broken, spec.colour), None
    array = as_array(images, UNNAMED)
    data = fitted(from_arrays(array, labels), spec.size, spec.colour)
    if data.is_points or array.dtype.kind not in "bf" or array.max() > 1:
        return data, None
    return data, (black_of(array.min()) or 0.0, 1.0)

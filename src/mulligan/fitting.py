"""Train a generator on pictures in one call (`fit`), and turn a length of time into steps."""

from __future__ import annotations

import sys
import time
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mulligan.config.model import with_all_of
from mulligan.data import Dataset, from_arrays
from mulligan.data.registry import read
from mulligan.data.sources import UNNAMED, Reading, as_array, black_of, fit_pictures
from mulligan.errors import ConfigError, expand, require
from mulligan.output.generator import Generator
from mulligan.training import Config, DataSpec, Recorder, Run, RunFolder, train
from mulligan.training import recipe as recipe_named
from mulligan.training.interrupt import BetweenSteps
from mulligan.training.progress import View, in_notebook, view_of
from mulligan.training.samples import locate

FIRST = 100
"""Maximum number of warm-up steps before the timing, which allocate memory and choose the fastest products. They take
at most a twentieth of the time."""
CALIBRATION = 200  # timed steps at most; they take at most a tenth of the time
SHARE = 0.95  # of the time is for steps, the rest for samples, checkpoints and the animation


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
    """Train a generator on your pictures, or on a data set, in one call.

    Parameters
    ----------
    images : array (n, h, w[, c]) or (n, d), or str or Path, or Dataset
        Pictures or points (`mulligan.data.sources.arrays` lists the accepted arrays), a name of `mulligan list data`,
        a folder, or a file; or the result of `mulligan.data.load`.
    labels : (n,) array, optional
        One class for each sample; by default the generator has no classes. A recipe without classes says so.
    recipe : str, Path or Config
        A name of `mulligan list recipes`, the path of a TOML file, or a configuration. A configuration is used
        unchanged: with the `data.limit` of ``recipe("pictures")``, at most 500 samples are used.
    minutes : float, optional
        Length in time: a short timing chooses the number of steps.
    seed : int, optional
        Random seed (default: the recipe's, which is 0 in most).
    steps : int, optional
        Length in steps (default: the recipe's).
    out : str or Path, optional
        Keep the run in this folder. By default nothing is written.
    progress : bool
        Show the progress: a line in a terminal; in a notebook one output with figures and samples, redrawn in place. A
        script whose stderr is not a terminal stays silent.
    start : str or Path, optional
        A run folder, checkpoint folder or generator file whose weights the training begins with, wherever their shapes
        agree. The logger ``mulligan`` lists them.

    Returns
    -------
    Generator
        The averaged generator.

    Raises
    ------
    DivergedError
        When a tensor became NaN or infinite.
    KeyboardInterrupt
        After Ctrl-C, at the end of a step. With `out`, the run is saved. A notebook returns the generator so far.
    """
    if out is not None:  # checked before the timing
        RunFolder(expand(out)).check_free()
    config = recipe if isinstance(recipe, Config) else recipe_named(recipe)
    if seed is not None:
        config = replace(config, seed=seed)
    if minutes is not None and steps is not None:
        raise ConfigError(f"minutes = {minutes} and steps = {steps} both set the length. Give only one of them.")
    require(isinstance(minutes, (int, float, np.number, type(None))), "minutes", "a number above 0", minutes, 1)
    if steps is not None:
        config = replace(config, steps=steps)
    if start is not None:
        config = replace(config, start=str(expand(start)))
    if labels is not None and config.data.labels not in ("dataset", "auto"):
        warnings.warn(
            f"recipe {config.recipe or 'of your own'} has data.labels = {config.data.labels!r}: your labels are not "
            "used. Leave them out, or use a recipe with data.labels = 'dataset', for instance quick.",
            stacklevel=2,
        )
    data, data_range = _data(images, labels, config.data)
    if not isinstance(recipe, Config):
        config = with_all_of(config, data.name)
    config = replace(config, data=replace(config.data, name=data.name))
    if isinstance(images, (str, Path)):
        config = locate(config)
    run = Run(config, data=data) if minutes is None else time_run(config, 60 * minutes, data=data)
    events = train(run, observers=()) if out is None else Recorder(out).record(run)
    watched = sys.stderr is not None and (sys.stderr.isatty() or hasattr(sys, "ps1"))  # or Python is interactive
    view = view_of(run) if progress and watched else View()
    try:
        with view, closing(events):
            if run.note:
                view.tell(run.note)
            for event in events:
                view.show(event)
    except BetweenSteps:
        if in_notebook():
            view.tell(f"stopped after step {run.step}: the generator has learned until then")
        elif out is not None:
            raise
        else:
            lost = f"stopped after step {run.step}, and nothing is saved. To save a run, give it a folder:"
            raise BetweenSteps(f"{lost} out='runs/mine'.") from None
    generator = run.generator()
    if data_range is not None:
        generator.spec = replace(generator.spec, data_range=data_range)
    return generator


def time_run(config: Config, seconds: float, *, data: Dataset | None = None) -> Run:
    """Make a run that takes `seconds` from now on. A few steps of a trial run are timed to choose its length."""
    require(0 < seconds < float("inf"), "minutes", "a number above 0", seconds / 60, 1)
    start = time.perf_counter()
    trial = Run(config, data=data, begin=False)
    with trial.gan, np.errstate(all="ignore"):  # as in training: the guard finds overflows
        _rate(trial, FIRST, seconds / 20)
        rate = _rate(trial, CALIBRATION, seconds / 10)
    left = SHARE * (seconds - (time.perf_counter() - start))
    data = trial.data
    del trial  # memory may not suffice for both
    return Run(replace(config, steps=max(1, round(rate * left))), data=data)


def _rate(run: Run, steps: int, seconds: float) -> float:
    """Take `steps` steps, or fewer (at least one) if the time is over. Returns steps per second."""
    began, first = time.perf_counter(), run.step
    run.advance()
    while run.step - first < steps and time.perf_counter() - began < seconds:
        run.advance()
    return (run.step - first) / (time.perf_counter() - began)


def _data(
    images: ArrayLike | str | Path | Dataset, labels: ArrayLike | None, spec: DataSpec
) -> tuple[Dataset, tuple[float, float] | None]:
    """Return the data set, and the range of the array's values if it differs from the data set's."""
    reading = Reading.of(spec)
    if isinstance(images, (str, Path, Dataset)):
        if labels is not None:
            name = images.name if isinstance(images, Dataset) else str(images)
            raise ConfigError(f"labels must be left out with images = {name!r}, which has its own.")
        if isinstance(images, Dataset):
            return fit_pictures(images, reading), None
        return read(images, reading), None
    array = as_array(images, UNNAMED)
    data = fit_pictures(from_arrays(array, labels), reading)
    if data.is_points or array.dtype.kind not in "bf" or array.max() > 1:
        return data, None
    return data, (black_of(array.min()) or 0.0, 1.0)

"""``mulligan train``: train a generator."""

import time
from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from mulligan import training
from mulligan.cli import options
from mulligan.doors.say import say
from mulligan.errors import ConfigError, must_be
from mulligan.output.figures import counted, duration


def command(
    recipe_: Annotated[Positional[str], arg(name="recipe", metavar="[RECIPE]")] = "quick",
    *,
    data: options.Word = None,
    size: options.Size = None,
    tile: options.Tile = None,
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    seed: options.RunSeed = None,
    from_: options.Start = None,
    out: options.OtherFolder = None,
    set_: Annotated[
        UseAppendAction[list[tuple[str, ...]]], arg(name="set", metavar="PATH=VALUE", help_behavior_hint="")
    ] = [],  # noqa: B006 (read by tyro, never changed)
    threads: options.Threads = None,
    evaluate: options.Flag = True,
    second_tries: options.Tries = 0,
    json: options.Json = False,
) -> int:
    """Train a generator by a recipe. Every run has its own folder and can be resumed.

    Example:
    $ mulligan train
    $ mulligan train quick --minutes 5 --data my-pictures/ --out runs/mine
    $ mulligan train mlp --set discriminator.optimizer.lr=1e-4 --set loss=hinge

    Parameters
    ----------
    recipe_
        A name of `mulligan list recipes`, or a .toml file.
    data
        A data set, folder or file (default: the recipe's).
    size
        Side of your own pictures: 28, or a multiple of 8 up to 96 (default: it fits them, at most 48).
    tile
        Cut your pictures, which are sheets, into tiles of 16x16; +1 for a pixel between two, +1+2 for a margin too.
    steps
        Length of the run in steps (default: the recipe's).
    minutes
        Length in minutes; a short timing chooses the steps.
    seed
        Random seed (default: the recipe's).
    from_
        Fine-tune: begin with the weights of a run or a generator.
    out
        The run folder (default: the next free runs/RECIPE-N).
    set_
        Change any setting by its path.
    threads
        Number of workers (default: one for each core).
    evaluate
        Skip the figures during the run and at its end.
    second_tries
        Number of second tries after alarms (default: 0).
    """
    from mulligan.cli.follow import follow
    from mulligan.config.change import Change, changes_of
    from mulligan.fitting import timed

    if () in set_:
        raise ConfigError("--set must be path=value, got nothing. Try --set discriminator.optimizer.lr=1e-4.")
    options = {
        "steps": steps, "seed": seed, "threads": threads, "evaluate_every": None if evaluate else 0,
        "data.size": size, "data.tile": tile, "data.name": data, "start": from_ and str(from_),
    }  # fmt: skip
    flags = [Change(path, value) for path, value in options.items() if value is not None]
    changes = [*changes_of(chain(*set_)), *flags]
    for path, value in changes_of(chain(*set_)):  # else the option would win in silence
        for option in flags:
            if f"{option.path}.".startswith(f"{path}.") and option.value != value:
                rule = f"left out beside the option that sets {option.path} to {option.value!r}"
                raise ConfigError(must_be(f"--set {path}", rule, value))
    if minutes is not None and any(change.path == "steps" for change in changes):
        raise ConfigError(f"--minutes {minutes:g} and steps both set the length. Give only one of them.")
    config = training.recipe(recipe_, **{} if data is None else {"data": data})
    config = training.with_overrides(config, changes)
    if out is not None:  # checked before the timing
        training.RunFolder(out).check_free()
    start = time.perf_counter()
    if minutes is None:
        run = training.Run(config)
    else:
        run = timed(config, 60 * minutes)
        say(
            f"{counted(run.config.steps, 'step')} fill {duration(60 * minutes)} on this machine (timed in "
            f"{duration(time.perf_counter() - start)}); from here on the run is exact"
        )
    if run.note:
        say(run.note)
    if out is None:  # created late, so that a run that cannot start leaves no folder
        out = training.take_next(Path("runs"), config.recipe or "run")
    return follow(run, training.Recorder(out), out, json=json, tries=second_tries)

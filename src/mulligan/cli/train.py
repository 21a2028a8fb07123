"""``mulligan train``: from pictures to a generator."""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from mulligan import training
from mulligan.cli.console import say
from mulligan.cli.options import Evaluate, Json, Minutes, OtherFolder, RunSeed, Size, Steps, Stop, Threads, Tries, Word
from mulligan.errors import ConfigError, typed
from mulligan.output.figures import counted, duration


def command(
    recipe_: Annotated[Positional[str], arg(name="recipe", metavar="[RECIPE]")] = "quick",
    *,
    data: Word = None,
    size: Size = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: RunSeed = None,
    out: OtherFolder = None,
    set_: Annotated[
        UseAppendAction[list[tuple[str, ...]]], arg(name="set", metavar="PATH=VALUE", help_behavior_hint="")
    ] = [],  # noqa: B006 (read by tyro, never changed)
    threads: Threads = None,
    evaluate: Evaluate = True,
    second_tries: Tries = 0,
    stop_on_alarm: Stop = False,
    json: Json = False,
) -> int:
    """Train a generator by a recipe; every run is kept in a folder of its own and can be resumed.

    Example:
    $ mulligan train
    $ mulligan train quick --minutes 5 --data my-pictures/ --out runs/mine
    $ mulligan train mlp --set discriminator.optimizer.lr=1e-4 --set loss=hinge

    Parameters
    ----------
    recipe_
        A name of `mulligan list recipes`, or a .toml file.
    data
        A name of `mulligan list data`, a folder of pictures, or a file, all of it; without it, what the recipe says.
    size
        Side of your own pictures: 28, 32, 48 or 64. Without it, those of a folder become 28×28.
    steps
        Length of the run; without it, what the recipe says.
    minutes
        Length of the run in time: the steps are chosen after a short timing, and written down.
    seed
        Of all chance in the run; without it, what the recipe says.
    out
        The run folder; without it, the next free runs/RECIPE-1, -2, -3 …
    set_
        Change any value of the configuration by its path, before the other options do.
    threads
        Without it, one for each core that this process may use. Part of what makes a run exact.
    evaluate
        Neither watch the quality during the run (about 1 % of the time) nor measure it at the end (some ten seconds).
    second_tries
        When the diagnosis raises an alarm, go back to the last healthy checkpoint, apply the remedy, and train on in a
        run folder of its own; at most so many times.
    stop_on_alarm
        When the diagnosis raises an alarm that no second try answers, stop, saved, with exit code 1. A warning does not
        stop anything.
    json
        Print the events as JSON Lines, the last line saying where everything is.
    """
    from mulligan.cli.follow import follow
    from mulligan.fitting import timed
    from mulligan.nn.workers.blas import slowed

    if minutes is not None and steps is not None:
        raise ConfigError(f"--minutes {minutes:g} and --steps {steps} both set the length. Leave one of them away.")
    if () in set_:
        raise ConfigError("--set needs a path=value. Write, for instance, --set discriminator.optimizer.lr=1e-4.")
    config = training.recipe(recipe_)
    if data is not None:
        config = training.with_all_of(config, data)
    given = {
        "steps": steps, "seed": seed, "threads": threads, "evaluate_every": None if evaluate else 0,
        "data.size": size, "data.name": data,
    }  # fmt: skip
    flags = [(path, value) for path, value in given.items() if value is not None]
    config = training.with_overrides(config, [*chain(*set_), *flags])
    # said before the timing, not after it
    if out is not None and not training.RunFolder(out).is_free():
        kind = "holds a run" if training.RunFolder(out).config.is_file() else "is there already and not an empty folder"
        more = f"go on with it (mulligan resume {typed(out)}), or " if kind == "holds a run" else ""
        raise ConfigError(f"--out {out} {kind}: {more}choose another --out.")
    start = time.perf_counter()
    if minutes is None:
        run = training.Run(config)
    else:
        run = timed(config, 60 * minutes)
        say(
            f"{counted(run.config.steps, 'step')} fill {duration(60 * minutes)} on this machine (timed in "
            f"{duration(time.perf_counter() - start)}); from here on the run is exact"
        )
    if not json and (note := slowed()):
        say(note)
    if run.data.note:
        say(run.data.note)
    if out is None:  # as late as can be: nothing is left of a run that is refused, or stopped before it has begun
        out = training.take_next(Path("runs"), config.recipe or "run")
    return follow(run, training.Recorder(out), out, json=json, tries=second_tries, stop_on_alarm=stop_on_alarm)

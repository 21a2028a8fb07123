"""``mulligan train``: train a generator."""

import time
from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from mulligan import training
from mulligan.cli.console import say
from mulligan.cli.options import (
    Evaluate,
    Json,
    Minutes,
    OtherFolder,
    RunSeed,
    Size,
    Start,
    Steps,
    Stop,
    Threads,
    Tries,
    Word,
)
from mulligan.errors import ConfigError, must_be, typed
from mulligan.output.figures import counted, duration


def command(
    recipe_: Annotated[Positional[str], arg(name="recipe", metavar="[RECIPE]")] = "quick",
    *,
    data: Word = None,
    size: Size = None,
    steps: Steps = None,
    minutes: Minutes = None,
    seed: RunSeed = None,
    from_: Start = None,
    out: OtherFolder = None,
    set_: Annotated[
        UseAppendAction[list[tuple[str, ...]]], arg(name="set", metavar="PATH=VALUE", help_behavior_hint="")
    ] = [],  # noqa: B006 (read by tyro, never changed)
    threads: Threads = None,
    evaluate: Evaluate = True,
    log: Annotated[Word, arg(metavar="tensorboard")] = None,
    second_tries: Tries = 0,
    stop_on_alarm: Stop = False,
    json: Json = False,
) -> int:
    """Train a generator by a recipe. Every run has its own folder and can be resumed.

    Example:
    $ mulligan train
    $ mulligan train quick --minutes 5 --data my-pictures/ --out runs/mine
    $ mulligan train quick --from runs/quick-1 --data my-digits/
    $ mulligan train mlp --set discriminator.optimizer.lr=1e-4 --set loss=hinge

    Parameters
    ----------
    recipe_
        A name of `mulligan list recipes`, or a .toml file.
    data
        A name of `mulligan list data`, a folder of pictures, or a file; all of it is used (default: the recipe's).
    size
        Side of your own pictures: 28, 32, 48 or 64 (default: 28 for a folder; those of a file stay as they are).
    steps
        Length of the run in steps (default: the recipe's).
    minutes
        Length of the run in minutes. A short timing chooses the number of steps.
    seed
        Random seed (default: the recipe's).
    from_
        Begin with the weights of another run or generator, wherever their shapes agree (fine-tuning).
    out
        The run folder (default: the next free one of runs/RECIPE-1, -2, -3 …).
    set_
        Change any value of the configuration by its path. The other options are applied after it.
    threads
        Number of workers (default: one for each core that this process may use). The same number gives the same bytes.
    evaluate
        Skip the figures during the run (about 1 % of the time) and at its end (some ten seconds).
    log
        tensorboard: also write the numbers and samples to RUN/tensorboard, for `tensorboard --logdir`.
    second_tries
        How many times an alarm of the diagnosis may start a second try: it goes back to the last healthy checkpoint,
        applies the remedy, and trains on in its own run folder (default: 0).
    stop_on_alarm
        Save and stop with exit code 1 when the diagnosis raises an alarm that no second try answers. A warning does
        not stop the run.
    json
        Print the events as JSON Lines. The last line says where the files are.
    """
    from mulligan.cli.follow import follow
    from mulligan.fitting import timed
    from mulligan.nn.workers.blas import slowed
    from mulligan.training.integrations.tensorboard import TensorBoard, writer_class

    if minutes is not None and steps is not None:
        raise ConfigError(f"--minutes {minutes:g} and --steps {steps} both set the length. Leave one of them away.")
    if () in set_:
        raise ConfigError("--set needs a path=value. Write, for instance, --set discriminator.optimizer.lr=1e-4.")
    config = training.recipe(recipe_)
    if data is not None:
        config = training.with_all_of(config, data)
    given = {
        "steps": steps, "seed": seed, "threads": threads, "evaluate_every": None if evaluate else 0,
        "data.size": size, "data.name": data, "start": from_ and str(from_),
    }  # fmt: skip
    flags = [(path, value) for path, value in given.items() if value is not None]
    config = training.with_overrides(config, [*chain(*set_), *flags])
    # said before the timing, not after it
    if out is not None and not training.RunFolder(out).is_free():
        kind = "holds a run" if training.RunFolder(out).config.is_file() else "is there already and not an empty folder"
        more = f"go on with it (mulligan resume {typed(out)}), or " if kind == "holds a run" else ""
        raise ConfigError(f"--out {out} {kind}: {more}choose another --out.")
    if log not in (None, "tensorboard"):
        raise ConfigError(must_be("--log", "tensorboard", log, "--log tensorboard"))
    if log is not None:
        writer_class()  # a missing package is named before the first step
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
    board = [] if log is None else [TensorBoard(out / log)]
    return follow(
        run, training.Recorder(out), out, json=json, tries=second_tries, stop_on_alarm=stop_on_alarm, observers=board
    )

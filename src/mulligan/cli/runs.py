"""Commands that train: train, resume, diagnose, study."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, UseAppendAction, arg

from mulligan import training
from mulligan.cli import options
from mulligan.cli.document import Document, render
from mulligan.doors.say import emit, say
from mulligan.errors import BusyError, ConfigError, RunError, quote, require
from mulligan.output.figures import count, duration, figure, phrase

if TYPE_CHECKING:
    from mulligan.studies import StudyRun
    from mulligan.training import SecondTry

SHOWN = ("distance", "coverage", "gap", "classes", "d_accuracy", "ranking")
"""Figures of a healthy run."""
UNCHECKED = "not measured yet"
"""The state of a run that has not been measured: it has just begun, or is too short."""


def train(
    recipe_: Annotated[Positional[str], arg(name="recipe", metavar="[RECIPE]")] = "quick",
    *,
    data: options.Word = None,
    size: options.Size = None,
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

    Try:
    $ mulligan train
    $ mulligan train quick --minutes 5 --data my-pictures/ --out runs/mine
    $ mulligan train mlp --set discriminator.optimizer.lr=1e-4 --set loss=hinge

    Args:
        recipe_: A name of `mulligan list recipes`, or a .toml file.
        data: A data set, folder or file (default: the recipe's).
        size: Side of your own pictures: 28, or a multiple of 8 up to 96 (default: it fits them, at most 48).
        steps: Length of the run in steps (default: the recipe's).
        minutes: About how long it may take in all; a short timing chooses the steps, and looks again during the run.
        seed: Random seed (default: the recipe's).
        from_: Fine-tune: begin with the weights of a run or a generator.
        out: The run folder (default: the next free runs/RECIPE-N).
        set_: Change any setting by its path.
        threads: Number of workers (default: one for each core).
        evaluate: Skip the figures during the run and at its end.
        second_tries: Number of second tries after alarms (default: 0).
    """
    from mulligan.cli.follow import follow
    from mulligan.config.change import Change, changes_of
    from mulligan.fitting import time_run

    if () in set_:
        raise ConfigError("--set must be path=value, got nothing. Try --set discriminator.optimizer.lr=1e-4.")
    options = {
        "steps": steps, "seed": seed, "threads": threads, "evaluate_every": None if evaluate else 0,
        "data.size": size, "data.name": data, "start": from_ and str(from_),
    }  # fmt: skip
    flags = [Change(path, value) for path, value in options.items() if value is not None]
    changes = [*changes_of(chain(*set_)), *flags]
    for path, value in changes_of(chain(*set_)):  # else the option would win in silence
        for option in flags:
            agrees = option.value == value or not f"{option.path}.".startswith(f"{path}.")
            rule = f"left out beside the option that sets {option.path} to {option.value!r}"
            require(agrees, f"--set {path}", rule, value)
    if minutes is not None and any(change.path == "steps" for change in changes):
        raise ConfigError(f"--minutes {minutes:g} and steps both set the length. Give only one of them.")
    config = training.recipe(recipe_, **{} if data is None else {"data": data})
    config = training.with_overrides(config, changes)
    if out is not None:  # checked before the timing
        training.RunFolder(out).check_free()
    start, until = time.perf_counter(), math.inf
    if minutes is None:
        run = training.Run(config)
    else:
        seconds = 60 * minutes
        seconds -= min(15, seconds / 5) if config.evaluate_every else 0  # for reading the reals, and the figures
        run, until = time_run(config, seconds), start + seconds
        say(
            f"{phrase(run.config.steps, 'step')} fill about {duration(60 * minutes)}, figures included (timed in "
            f"{duration(time.perf_counter() - start)}); Mulligan looks again on the way"
        )
    if run.note:
        say(run.note)
    if out is None:  # created late, so that a run that cannot start leaves no folder
        out = training.take_next(Path("runs"), config.recipe or "run")
    return follow(run, out, json=json, tries=second_tries, until=until)


def resume(run: Positional[options.Folder], *, steps: options.Steps = None, json: options.Json = False) -> int:
    """Resume a run exactly where it stopped, after Ctrl-C, a kill, a full disk or a power cut.

    With the same machine, NumPy build and number of threads, the result has the same bytes as without the stop.

    Try:
    $ mulligan resume runs/quick-1
    $ mulligan resume runs/quick-1 --steps 20000

    Args:
        run: The run folder.
        steps: A new length for the run. Its schedules are stretched over it.
    """
    from mulligan.cli.follow import follow

    with suppress(OSError):  # the recorder reports it
        training.RunFolder.of(run).hold().close()  # raises BusyError if another process trains the run
    resumed = training.resume(run, steps=steps)
    say(f"going on from step {count(resumed.step)} of {count(resumed.config.steps)}")
    return follow(resumed, run, json=json)


def diagnose(
    run: Positional[options.OtherFolder] = None,
    *,
    log: options.File = None,
    samples: options.File = None,
    data: options.Word = None,
    tile: options.Word = None,
    try_: Annotated[bool, arg(name="try", help_behavior_hint="")] = False,
    json: options.Flag = False,
) -> int:
    """Show the state of a run, the evidence, and what to try.

    Mulligan diagnoses every run while it trains: two measurements in a row, 150 to 250 steps apart, name a state.
    --try goes back to the last healthy checkpoint (or to step 0, if the remedy changes the networks), applies the
    remedy, and trains on in a new run folder. The old run stays as it is.

    Try:
    $ mulligan diagnose runs/quick-1
    $ mulligan diagnose runs/quick-1 --try
    $ mulligan diagnose --log losses.csv --samples samples/ --data reals/    # a GAN of another program

    Args:
        run: The run folder.
        log: Of another program: what it printed, a table of losses, or TensorBoard's events (a file or a folder).
        samples: Of another program: a folder of generated pictures.
        data: The training pictures, to compare the samples with: a folder or a known data set.
        tile: The samples are sheets: WIDTHxHEIGHT of a picture in pixels, then +GAP+MARGIN. torchvision draws
            28x28+2+2.
        try_: Start the second try.
        json: Print one JSON document, or with --try the events of the second try as JSON Lines.
    """
    elsewhere = any((log, samples))
    if elsewhere is (run is not None) or (elsewhere and try_) or (run is not None and any((data, tile))):
        raise ConfigError(
            "diagnose needs a run folder, which --try may follow, or the --log or --samples of another program, not "
            "both. Try mulligan diagnose runs/quick-1."
        )
    if run is None:
        from mulligan.watch.afterwards import diagnose as look_back

        text, findings = look_back(log, samples, data, tile or "")
        events = [event.to_json() for event in findings]
        return render(Document({"text": text, "history": events}, [text]), json=json)
    from mulligan.cli.follow import try_again
    from mulligan.diagnosis.figures import figure_of
    from mulligan.training.store.history import read_run

    history = read_run(training.RunFolder.of(run).path)
    failure = history.failure
    last = history.diagnosed[-1] if history.diagnosed else None
    if try_:
        return try_again(run, last, json=json)
    second: SecondTry | None = None
    if failure is not None:
        with suppress(ConfigError):  # no setting can repair it: only the words of the remedy are shown
            second = training.plan(run, failure)
    step, steps = history.step, training.load_config(training.RunFolder(run).config).steps
    signals = history.measured[-1][1] if history.measured else {}
    quiet = "healthy" if history.measured else UNCHECKED
    document = {
        "run": str(run),
        "step": step,
        "steps": steps,
        "state": failure.state if failure else quiet,
        "severity": last.severity if last else "",
        "evidence": failure.evidence if failure else {},
        "signals": signals,
        "remedies": last.remedies if last else [],
        "overrides": [str(change) for change in last.overrides] if last else [],
        "second_try": None if second is None else {"step": second.step, "changes": second.changes},
        "history": [event.to_json() for event in history.diagnosed],
    }
    if failure is None:
        lines = [f"{run}: {quiet}, at step {count(step)} of {count(steps)}"]
        lines += [f"  {figure(signals[name])}  {figure_of(name).meaning}" for name in SHOWN if name in signals]
    else:
        kind = " (warning)" if failure.severity == "warning" else ""
        lines = [f"{run}: {failure.state}{kind}, since step {count(failure.step)} of {count(steps)}"]
        lines += [f"  {line}" for line in failure.lines()]
        lines += ["what to try:", *(f"  {words}" for words in failure.remedies)]
    if second is not None:
        start = f"from step {count(second.step)}" if second.step else "from step 0"
        lines += [f"second try, {start}, with", *(f"  {change}" for change in second.changes)]
        lines.append(f"next: mulligan diagnose {quote(run)} --try")
    if before := history.diagnosed if failure is None else history.diagnosed[:-1]:
        lines += ["before:", *(f"  step {count(event.step)}: {event.state}" for event in before)]
    return render(Document(document, lines), json=json)


def study(
    file: Annotated[Positional[str], arg(metavar="FILE")],
    *,
    budget: Annotated[options.Word, arg(metavar="NAME")] = None,
    workers: options.Workers = None,
    resume: Annotated[bool, arg(help_behavior_hint="")] = False,
    out: Annotated[options.OtherFolder, arg(metavar="DIR")] = None,
    json: options.Json = False,
) -> int:
    """Compare variations of a recipe: train each with every seed, and write a table and a plot.

    A cell is one variation with one seed. After a kill, a crash or Ctrl-C, type the same command with --resume.
    Finished cells are kept, and the others go on from their checkpoints.

    Try:
    $ mulligan study my-study.toml --workers 8 --out studies/mine

    Args:
        file: A name of `mulligan list studies`, or a .toml file.
        budget: One of the study's budgets (default: the first).
        workers: Number of cells at once (default: one for each core).
        resume: Go on with the study in the folder.
        out: The study's folder (default: studies/NAME).
    """
    from mulligan.nn.workers.limits import available_cores
    from mulligan.studies import StudyRun, load_study, write_table

    study = load_study(file)
    folder = out or Path("studies") / Path(file).stem
    run = StudyRun(study, folder, budget=budget, resume=resume)
    total, before = len(run.cells()), len(run.cells()) - len(run.pending)
    workers = min(workers or available_cores(), max(1, total - before))
    earlier = f", {before} of them have ended" if before else ""
    say(f"{(study.title or file).rstrip('.')}: {total} cells{earlier}; {workers} at once")
    results, began = run.run(workers), time.perf_counter()
    try:
        for ended, result in enumerate(results, 1):
            if json:
                emit(result)
            left = (time.perf_counter() - began) / ended * (total - before - ended)
            end = f" · {duration(left)} left" if left else ""
            say(f"cell {len(run.results)} of {total} · {_summary(result, run)}{end}")
        lines = write_table(run)
    except (KeyboardInterrupt, BrokenPipeError) as error:
        say(f"stopped; {len(run.results)} of {total} cells have ended. Go on with the same command and --resume.")
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    except RunError as error:  # from the machine: a full disk, lost workers
        if isinstance(error, BusyError) or not run.plan.is_file():
            raise
        raise RunError(f"{error} Type the same command with --resume.") from error
    lost = [r for r in run.results.values() if r["status"] == "failed"]
    data = {"event": "kept", "results": str(run.lines), "cells": total, "failed": len(lost)}
    plot = folder / "plot.svg"
    drawn = plot if plot.is_file() else "pip install matplotlib, then --resume"
    lines += ["", f"results  {folder / run.lines.name}", f"plot     {drawn}"]
    code = render(Document(data, lines, code=1 if len(lost) == total else 0), json=json)
    measured = dict.fromkeys(name for result in run.results.values() for name in result["figures"])
    for name in set(study.columns).difference(measured) if measured else ():
        say(f"columns: {name!r} was not measured; {', '.join(measured)} were. Correct the study, then --resume.")
    for result in lost[:3]:
        say(f"failed: {result['cell']}: {str(result['error']).strip().splitlines()[-1]}")
    return code


def _summary(result: dict[str, Any], run: StudyRun) -> str:
    from mulligan.studies.table import columns_of, number, rows_of

    name = f"{result['variation']}, seed {result['seed']}"
    if result["status"] != "done":
        return f"{name}: {result['status']}"
    columns = columns_of(rows_of([result]), run.study.columns)[:3]
    return f"{name}: " + ", ".join(f"{column} {number(result['figures'][column])}" for column in columns)

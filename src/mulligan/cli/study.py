"""``mulligan study``: a recipe × variations × seeds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from mulligan import studies
from mulligan.cli.document import Document, render
from mulligan.cli.options import Json, OtherFolder, StudyWord, Workers
from mulligan.doors.say import emit, say
from mulligan.errors import BusyError, RunError
from mulligan.output.figures import duration

if TYPE_CHECKING:
    from mulligan.studies import StudyRun


def command(
    file: Annotated[Positional[str], arg(metavar="FILE")],
    *,
    budget: StudyWord = None,
    workers: Workers = None,
    resume: Annotated[bool, arg(help_behavior_hint="")] = False,
    out: Annotated[OtherFolder, arg(metavar="DIR")] = None,
    json: Json = False,
) -> int:
    """Compare variations of a recipe: train each with every seed, and write a table and a plot.

    A cell is one variation with one seed. After a kill, a crash or Ctrl-C, type the same command with --resume.
    Finished cells are kept, and the others go on from their checkpoints.

    Example:
    $ mulligan study my-study.toml --workers 8 --out studies/mine

    Parameters
    ----------
    file
        A name of `mulligan list studies`, or a .toml file.
    budget
        One of the study's budgets (default: the first).
    workers
        Number of cells at once (default: one for each core).
    resume
        Go on with the study in the folder.
    out
        The study's folder (default: studies/NAME).
    """
    from mulligan.nn.workers.limits import available_cores

    study = studies.load_study(file)
    folder = out or Path("studies") / Path(file).stem
    run = studies.StudyRun(study, folder, budget=budget, resume=resume)
    total, before = len(run.cells()), len(run.cells()) - len(run.pending)
    workers = min(workers or available_cores(), max(1, total - before))
    kept = f", {before} of them have ended" if before else ""
    say(f"{(study.title or file).rstrip('.')}: {total} cells{kept}; {workers} at once")
    results, began = run.run(workers), time.perf_counter()
    try:
        for ended, result in enumerate(results, 1):
            if json:
                emit(result)
            left = (time.perf_counter() - began) / ended * (total - before - ended)
            end = f" · {duration(left)} left" if left else ""
            say(f"cell {len(run.results)} of {total} · {_summary(result, run)}{end}")
        lines = studies.write_table(run)
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

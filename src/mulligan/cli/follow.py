"""Follow a run to its last file: train, evaluate, write the report, and start second tries after alarms."""

import time
from math import inf
from pathlib import Path
from typing import Any

from mulligan import training
from mulligan.cli.document import Document, render
from mulligan.doors.say import emit, say
from mulligan.errors import DivergedError, MulliganError, quote
from mulligan.models.evaluate import evaluate_finished
from mulligan.output.figures import count, duration, phrase
from mulligan.report import read, verdict, write_report
from mulligan.report.report import write_beside
from mulligan.report.sections import tabulate
from mulligan.training import Diagnosis, Interrupt, Recorder, Run, plan
from mulligan.training.events import Diagnosed, Event
from mulligan.training.monitor import Monitor
from mulligan.training.progress import View, view_of
from mulligan.training.second_try import next_folder

AGAIN = 30.0
"""Seconds left from which the number of steps is looked at again; in less, a single slow step would change it."""


class Lines(View):
    """Shows events as JSON Lines on stdout."""

    def show(self, event: Event) -> None:
        clock = event.clock
        times = {} if clock is None else {"clock": {"wall": clock.wall, "steps_per_second": clock.steps_per_second}}
        emit(event.to_json() | times)


def follow(
    run: Run, folder: Path, *, json: bool, tries: int = 0, until: float = inf, since: tuple[float, int] | None = None
) -> int:
    """Train to the end and show the progress. Then evaluate, write the report, and print where the files are.

    Nothing is evaluated if ``evaluate_every`` is 0. An alarm whose remedy is a setting ends the run, up to `tries`
    times, and a second try takes over in its own folder. A run that was stopped or failed gets a report too. The exit
    code is 0, or 1 if figures or report could not be written, or 130 after Ctrl-C.

    If steps are to be done by `until`, a run that is a tenth off goes on with another length; this is looked at after
    two fifths, and again after two fifths of what is left. `since` is when the first of these runs began.
    """
    steps, latest = run.config.steps, (time.perf_counter(), run.step)  # time and step of the latest look
    start, first = since or latest
    alarm: Diagnosed | None = None

    def try_next() -> bool:
        return tries > 0 and alarm is not None and bool(alarm.overrides)

    def is_off() -> bool:
        nonlocal latest, steps
        now, (then, base) = time.perf_counter(), latest
        if AGAIN < until - then < inf and run.step == base + 2 * (run.config.steps - base) // 5 > base:
            steps = run.step + max(1, round((until - now) * (run.step - base) / (now - then)))
            latest = now, run.step
        return abs(steps - run.config.steps) > run.config.steps / 10

    with Interrupt() as stop:
        view = Lines() if json else view_of(run)
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        events = Recorder(folder).record(
            run,
            evaluators=[] if monitor is None else [monitor],
            observers=[Diagnosis()],
            stop=lambda: stop() or try_next() or is_off(),
        )
        try:
            with view:
                for event in events:
                    view.show(event)
                    if isinstance(event, Diagnosed):
                        alarm = event if event.severity == "alarm" else None
        except DivergedError as error:
            if not try_next():
                write_page(run, folder)
                raise
            say(f"mulligan: {error}")
        except BrokenPipeError:  # the reader of the output has closed it
            events.close()
            end_interrupted(run, folder)
            return 1
        finally:
            events.close()  # a closed pipe also ends the run, which is saved
    took = duration(time.perf_counter() - start)
    if stop():
        return end_interrupted(run, folder)
    if try_next():
        write_page(run, folder)
        return try_again(folder, alarm, json=json, tries=tries - 1)
    if run.step < run.config.steps:
        say(f"{count(steps)} steps fill the time at today's speed; {folder} is written with that length")
        resumed = training.resume(folder, steps=steps, data=run.data)
        return follow(resumed, folder, json=json, tries=tries, until=until, since=(start, first))
    try:
        document, problems = finish(run, folder)
    except KeyboardInterrupt:
        return end_interrupted(run, folder)
    share = f", the last {count(run.step - first)}" if first else ""
    lines = [
        f"done: {phrase(run.step, 'step')}{share} in {took}",
        *describe_files(document, points=run.data.is_points),
    ]
    if alarm is not None and alarm.overrides:
        remedy = ", ".join(map(str, alarm.overrides))
        lines.append(f"      mulligan diagnose {quote(folder)} --try    # {alarm.state}: {remedy}")
    code = render(Document(document, lines, code=1 if problems else 0), json=json)
    for problem in problems:  # last, where they are seen
        say(f"mulligan: {problem}")
    return code


def end_interrupted(run: Run, folder: Path) -> int:
    """Print how to resume a run that Ctrl-C has stopped, and return the exit code."""
    if run.step < run.config.steps:
        write_page(run, folder)
        say(f"stopped at step {count(run.step)} and saved; go on with: mulligan resume {quote(folder)}")
    else:
        say(f"stopped; all {count(run.step)} steps are saved. Figures and report: mulligan resume {quote(folder)}")
    return 130


def finish(run: Run, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Evaluate a finished run and write its report.

    Returns where the files are, with the figures, ready for JSON; and why figures or report could not be written.
    """
    files, problems = training.RunFolder(folder), []
    metrics = beside = report = judgement = None
    try:
        metrics = evaluate_finished(run) if run.config.evaluate_every else None
    except MulliganError as error:
        say(f"not evaluated: {error}")
    try:
        if metrics is not None:
            files.keep_metrics(metrics)
    except MulliganError as error:
        problems.append(str(error))
    try:
        beside = None if run.data.is_points else write_beside(files, run.sample(*run.grid), run.data)
        report = str(write_report(files.path, data=run.data))
        judgement = verdict(read(files.path))
    except MulliganError as error:
        problems.append(str(error))
    grid = next(reversed(files.grids().values()), None)
    document = {
        "event": "kept",
        "step": run.step,
        "run": str(folder),
        "beside": None if beside is None else str(beside),
        "grid": None if grid is None else str(grid),
        "animation": str(files.animation) if files.animation.is_file() else None,
        "generator": str(files.generator),
        "report": report,
        "verdict": None if judgement is None else judgement._asdict(),
        "metrics": metrics,
    }
    return document, problems


def describe_files(document: dict[str, Any], *, points: bool) -> list[str]:
    """Write the files and figures that `finish` returned, and what to do next."""
    lines = []
    if document["beside"] is not None:
        lines.append(f"  look at    {document['beside']}    # samples, and of each the nearest picture")
    if document["verdict"] is not None:
        lines += ["", document["verdict"]["words"]]
    if document["metrics"] is not None:
        lines += ["", *tabulate(document["metrics"]), ""]
    names = {"grid": "samples", "animation": "animation", "generator": "generator", "report": "report"}
    lines += [f"  {name:<9}  {document[key]}" for key, name in names.items() if document[key] is not None]
    run = quote(document["run"])
    lines.append(f"next: mulligan sample {run}")
    if not points:
        lines += [f"      mulligan draw 42 --model {run}", f"      mulligan walk {run} --from 1 --to 2"]
    return lines


def try_again(folder: Path, alarm: Diagnosed | None, *, json: bool, tries: int = 0) -> int:
    """Start the second try of a run: show what it changes, and follow it in a new folder."""
    second = plan(folder, alarm)
    for sentence in second.dropped:
        say(sentence)
    out = next_folder(folder)
    run = second.run()
    if json:
        changes = {"step": second.step, "changes": second.changes}
        emit({"event": "second_try", "parent": str(folder), "run": str(out)} | changes)
    say(f"second try in {out}, from step {count(second.step)} of {folder}, with")
    for change in second.changes:
        say(f"  {change}")
    return follow(run, out, json=json, tries=tries)


def write_page(run: Run, folder: Path) -> None:
    """Write the report of a run that has not ended. If that fails, print the reason."""
    try:
        write_report(folder, data=run.data)
    except MulliganError as error:
        say(f"no report: {error}")

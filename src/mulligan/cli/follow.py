"""Follow a run to its last file: train, evaluate, write the report, and start second tries after alarms."""

import time
from pathlib import Path
from typing import Any

from mulligan.cli.document import Document, render
from mulligan.cli.scores import table
from mulligan.doors.say import emit, say
from mulligan.errors import DivergedError, MulliganError, typed
from mulligan.models.evaluate import evaluate_finished
from mulligan.output.figures import count, counted, duration
from mulligan.report import read, verdict, write_report
from mulligan.training import Diagnosis, Interrupt, Recorder, Run, plan
from mulligan.training.events import Diagnosed, Event
from mulligan.training.monitor import Monitor
from mulligan.training.progress import View, view_of
from mulligan.training.second_try import next_folder


class Lines(View):
    """Shows events as JSON Lines on stdout."""

    def show(self, event: Event) -> None:
        clock = event.clock
        times = {} if clock is None else {"clock": {"wall": clock.wall, "steps_per_second": clock.steps_per_second}}
        emit(event.to_json() | times)


def follow(
    run: Run,
    recorder: Recorder,
    folder: Path,
    *,
    json: bool,
    tries: int = 0,
    stop_on_alarm: bool = False,
) -> int:
    """Train to the end and show the progress. Then evaluate, write the report, and print where the files are.

    Nothing is evaluated if ``evaluate_every`` is 0. An alarm whose remedy is a setting ends the run, up to `tries`
    times, and a second try takes over in its own folder. With `stop_on_alarm`, any other alarm saves and ends the run.
    A run that was stopped or failed gets a report too. The exit code is 0, or 1 after an alarm or if figures or report
    could not be written, or 130 after Ctrl-C.
    """
    start, first = time.perf_counter(), run.step
    with Interrupt() as stop:
        view = Lines() if json else view_of(run)
        watching = Monitor.of(run) if run.config.evaluate_every else None
        evaluators = [] if watching is None else [watching]
        alarm: Diagnosed | None = None

        def answered() -> bool:
            return tries > 0 and alarm is not None and bool(alarm.overrides)

        def stopping() -> bool:
            return stop() or answered() or (stop_on_alarm and alarm is not None)

        events = recorder.record(run, evaluators=evaluators, observers=[Diagnosis()], stop=stopping)
        try:
            with view:
                for event in events:
                    view.show(event)
                    if isinstance(event, Diagnosed):
                        alarm = event if event.severity == "alarm" else None
        except DivergedError as error:
            if not answered():
                write_page(run, recorder)
                raise
            say(f"mulligan: {error}")
        except BrokenPipeError:  # the reader of the output has closed it
            events.close()
            end_interrupted(run, recorder, folder)
            return 1
        finally:
            events.close()  # a closed pipe also ends the run, which is saved
    took = duration(time.perf_counter() - start)
    if stop():
        return end_interrupted(run, recorder, folder)
    if answered():
        write_page(run, recorder)
        return try_again(folder, alarm, json=json, tries=tries - 1, stop_on_alarm=stop_on_alarm)
    if alarm is not None and stop_on_alarm and run.step < run.config.steps:
        return end_stopped(alarm, run, recorder, folder, json=json)
    try:
        kept, lost = keep(run, recorder, folder, evaluate=bool(run.config.evaluate_every))
    except KeyboardInterrupt:
        return end_interrupted(run, recorder, folder)
    share = f", the last {count(run.step - first)}" if first else ""
    lines = [f"done: {counted(run.step, 'step')}{share} in {took}"]
    lines += lines_of(kept, None if "metrics" in lost else recorder.folder.metrics, points=run.data.is_points)
    if alarm is not None and alarm.overrides:
        remedy = ", ".join(map(str, alarm.overrides))
        lines.append(f"      mulligan diagnose {typed(folder)} --try    # {alarm.state}: {remedy}")
    code = render(Document({"event": "kept", **kept}, lines, code=1 if lost else 0), json=json)
    for why in lost.values():
        say(f"mulligan: {why}")
    return code


def end_interrupted(run: Run, recorder: Recorder, folder: Path) -> int:
    """Print how to resume a run that Ctrl-C has stopped, and return the exit code."""
    if run.step < run.config.steps:
        write_page(run, recorder)
        say(f"stopped at step {count(run.step)} and saved; go on with: mulligan resume {typed(folder)}")
    else:
        say(f"stopped; all {count(run.step)} steps are saved. Figures and report: mulligan resume {typed(folder)}")
    return 130


def end_stopped(alarm: Diagnosed, run: Run, recorder: Recorder, folder: Path, *, json: bool) -> int:
    """Write the report of a run that an alarm has stopped, print how to go on, and return the exit code."""
    report = write_page(run, recorder)
    if json:
        emit({"event": "stopped", "step": run.step, "run": str(folder), "state": alarm.state, "report": report})
    say(f"stopped at step {count(run.step)} and saved, because of {alarm.state}")
    if alarm.overrides:
        changes = ", ".join(map(str, alarm.overrides))
        say(f"next: mulligan diagnose {typed(folder)} --try    # goes back, with {changes}")
    else:
        say(f"next: mulligan diagnose {typed(folder)}    # the evidence, and what may help: {alarm.remedies[0]}")
    say(f"  or: mulligan resume {typed(folder)}    # goes on as it is")
    return 1


def keep(run: Run, recorder: Recorder, folder: Path, *, evaluate: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """Evaluate a finished run and write its report.

    Returns where the files are, with the figures, ready for JSON; and why ``metrics`` or ``report`` could not be
    written, which is to be printed last.
    """
    files, lost, report, judgement = recorder.folder, {}, None, None
    metrics: dict[str, Any] | None = None
    try:
        metrics = evaluate_finished(run) if evaluate else None
    except MulliganError as error:
        say(f"not evaluated: {error}")
    if metrics is not None:
        try:
            files.keep_metrics(metrics)
        except MulliganError as error:
            lost["metrics"] = str(error)
    try:
        report = str(write_report(files.path, data=run.data))
        judgement = verdict(read(files.path))
    except MulliganError as error:
        lost["report"] = str(error)
    grid = next(reversed(files.grids().values()), None)
    kept = {
        "step": run.step,
        "run": str(folder),
        "grid": None if grid is None else str(grid),
        "animation": str(files.animation) if files.animation.is_file() else None,
        "generator": str(files.generator),
        "report": report,
        "verdict": None if judgement is None else judgement._asdict(),
        "metrics": metrics,
    }
    return kept, lost


def lines_of(kept: dict[str, Any], metrics: Path | None, *, points: bool) -> list[str]:
    """Write the files and figures that `keep` returned, and what to do next."""
    names = {"grid": "samples", "animation": "animation", "generator": "generator", "report": "report"}
    lines = [f"  {name:<9}  {kept[what]}" for what, name in names.items() if kept[what] is not None]
    if kept["metrics"] is not None:
        if metrics is not None:
            lines.append(f"  metrics    {metrics}")
        lines += ["", *table(kept["metrics"]), ""]
    if kept["verdict"] is not None:
        lines.append(kept["verdict"]["words"])
    run = typed(kept["run"])
    lines.append(f"next: mulligan sample {run}")
    if not points:
        lines += [f"      mulligan draw 42 --model {run}", f"      mulligan walk {run} --from 1 --to 2"]
    return lines


def try_again(folder: Path, alarm: Diagnosed | None, *, json: bool, tries: int = 0, stop_on_alarm: bool = False) -> int:
    """Start the second try of a run: show what it changes, and follow it in a new folder."""
    second = plan(folder, alarm)
    for sentence in second.dropped:
        say(sentence)
    out = next_folder(folder)
    run = second.run()
    if json:
        words = {"parent": str(folder), "run": str(out), "step": second.step, "changes": second.changes}
        emit({"event": "second_try", **words})
    say(f"second try in {out}, from step {count(second.step)} of {folder}, with")
    for change in second.changes:
        say(f"  {change}")
    return follow(run, Recorder(out), out, json=json, tries=tries, stop_on_alarm=stop_on_alarm)


def write_page(run: Run, recorder: Recorder) -> str | None:
    """Write the report and return its path. If that fails, print the reason and return None."""
    try:
        return str(write_report(recorder.folder.path, data=run.data))
    except MulliganError as error:
        say(f"no report: {error}")
        return None

"""A run on the screen: a bar in a terminal, plain lines elsewhere, JSON Lines for programs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self, cast

from mulligan.cli.scores import glance, table
from mulligan.cli.screen import emit, say
from mulligan.errors import DivergedError, MulliganError
from mulligan.game.losses import probability
from mulligan.output.figures import count, duration, figure
from mulligan.training import Diagnosis, Interrupt, Recorder, plan
from mulligan.training.events import Diagnosed, Evaluated, Event, Started, Stepped
from mulligan.training.glance import Glance
from mulligan.training.meanings import MEANINGS
from mulligan.training.second_try import next_folder

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from types import TracebackType

    from mulligan.training import Run

LINES = 20
"""Reports of a whole run where there is no terminal."""


class View:
    """Shows events; entering and leaving does something only where there is a screen to restore."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: Event) -> None:
        """Show one event."""
        raise NotImplementedError


def follow(
    run: Run, recorder: Recorder, folder: Path, *, json: bool, tries: int = 0, stop_on_alarm: bool = False
) -> int:
    """Train to the end while showing how it goes; evaluate, write the report, and say where everything is.

    Nothing is evaluated where ``evaluate_every`` is 0. With `tries`, an alarm whose remedy is a setting ends the run,
    and a second try takes over, in a folder of its own; at most so many times. With `stop_on_alarm`, any alarm that no
    second try answers ends the run, saved. A run that was stopped or failed has its report, too.

    Returns
    -------
    int
        Exit code: 0; 1 when an alarm stopped the run, 130 when Ctrl-C did, which was then saved.
    """
    view: View = Lines() if json else Bar(run) if sys.stderr.isatty() else Plain(run)
    start, first, last = time.perf_counter(), run.step, run.step
    with Interrupt() as stop:
        watching = Glance.of(run) if run.config.evaluate_every else None
        evaluators = [] if watching is None else [watching]
        alarm: Diagnosed | None = None

        def answered() -> bool:
            return tries > 0 and alarm is not None and bool(alarm.overrides)

        def stopping() -> bool:
            return stop() or answered() or (stop_on_alarm and alarm is not None)

        recorded = recorder.record(run, evaluators=evaluators, observers=[Diagnosis()], stop=stopping)
        events = cast("Generator[Event]", recorded)
        try:
            with view:
                for event in events:
                    view.show(event)
                    last = event.step
                    if isinstance(event, Diagnosed):
                        alarm = event if event.severity == "alarm" else None
        except DivergedError as error:
            if not answered():
                reported(run, recorder)
                raise
            say(f"mulligan: {error}")
        finally:
            events.close()  # a reader that left (a closed pipe) ends the run, saved, too
    took = duration(time.perf_counter() - start)
    files, short = recorder.folder, run.step < run.config.steps
    if stop() and short:
        reported(run, recorder)
        say(f"stopped at step {count(run.step)} and saved; go on with: mulligan resume {folder}")
        return 130
    if answered():
        reported(run, recorder)
        return try_again(folder, alarm, json=json, tries=tries - 1, stop_on_alarm=stop_on_alarm)
    if alarm is not None and stop_on_alarm and short:
        report = reported(run, recorder)
        if json:
            emit({"event": "stopped", "step": run.step, "run": str(folder), "state": alarm.state, "report": report})
        say(f"stopped at step {count(run.step)} and saved, because of {alarm.state}")
        if alarm.overrides:
            say(f"next: mulligan diagnose {folder} --try    # goes back, with {alarm.remedies[0]}")
        else:
            say(f"next: mulligan diagnose {folder}    # the evidence, and what may help: {alarm.remedies[0]}")
        say(f"  or: mulligan resume {folder}    # goes on as it is")
        return 1
    metrics = None if watching is None else evaluated(run)
    if metrics is not None:
        files.keep_metrics(metrics)
    report = reported(run, recorder)
    grid = max(files.samples.glob("step-*.png"), default=None, key=lambda path: path.name)
    if json:
        emit(
            {
                "event": "kept",
                "step": last,
                "run": str(folder),
                "grid": None if grid is None else str(grid),
                "animation": str(files.animation) if files.animation.is_file() else None,
                "generator": str(files.generator),
                "report": report,
                "metrics": metrics,
            }
        )
        return 0
    share = f", the last {count(run.step - first)}" if first else ""
    print(f"done: {count(run.step)} steps{share} in {took}")
    if grid is not None:
        print(f"  samples    {grid}")
    if files.animation.is_file():
        print(f"  animation  {files.animation}")
    print(f"  generator  {files.generator}")
    if report is not None:
        print(f"  report     {report}")
    if metrics is not None:
        print(f"  metrics    {files.metrics}", "", *table(metrics), "", sep="\n")
    print(f"next: mulligan sample {folder}")
    if not run.data.is_points:
        print(f"      mulligan draw 42 --model {folder}")
        print(f"      mulligan walk {folder} --from 1 --to 2")
    if alarm is not None and alarm.overrides:
        print(f"      mulligan diagnose {folder} --try    # {alarm.state}: {alarm.remedies[0]}")
    return 0


def try_again(folder: Path, alarm: Diagnosed | None, *, json: bool, tries: int = 0, stop_on_alarm: bool = False) -> int:
    """Go back to where a run was healthy, show what is changed, and train on in a new folder; see `follow`."""
    second = plan(folder, alarm, say=say)
    out = next_folder(folder)
    run = second.run()
    if json:
        words = {"parent": str(folder), "run": str(out), "step": second.step, "changes": second.changes}
        emit({"event": "second_try", **words})
    say(f"second try in {out}, from step {count(second.step)} of {folder}, with")
    for change in second.changes:
        say(f"  {change}")
    return follow(run, Recorder(out), out, json=json, tries=tries, stop_on_alarm=stop_on_alarm)


def reported(run: Run, recorder: Recorder) -> str | None:
    """Write the report and return where it is; None, and a sentence, where that cannot be done."""
    from mulligan.output.report import write_report

    try:
        return str(write_report(recorder.folder.path, data=run.data))
    except MulliganError as error:
        say(f"no report: {error}")
        return None


def evaluated(run: Run) -> dict[str, Any] | None:
    """Measure the finished run's averaged generator in one draw; None, and a sentence, where that cannot be done."""
    from mulligan.evaluation import Exam

    try:
        exam = Exam.prepare(run.data, controls=False, train_judge=False, say=say)
        return exam.score(run.generator(), cpu_seconds=run.cpu)
    except MulliganError as error:
        say(f"not evaluated: {error}")
        return None


class Lines(View):
    """JSON Lines on stdout."""

    def show(self, event: Event) -> None:
        """Print one event, with what the clock said."""
        clock = event.clock
        times = {} if clock is None else {"clock": {"wall": clock.wall, "steps_per_second": clock.steps_per_second}}
        emit(event.to_json() | times)


class Plain(View):
    """About twenty lines in the whole run, on stderr."""

    def __init__(self, run: Run):
        self.run = run
        self._shown = -1
        self._pace = Pace(run)

    def show(self, event: Event) -> None:
        """Print a line, if one is due."""
        if isinstance(event, Stepped):
            part = event.step * LINES // self.run.config.steps
            if part > self._shown:
                self._shown = part
                total = self.run.config.steps
                words = " · ".join([*measured(self.run, event.measures), *self._pace.words(event)])
                say(f"step {count(event.step)} of {count(total)} · {words}")
        else:
            text = told(event)
            if text:
                say(text)


class Bar(View):
    """A live bar with the pace, and the latest figures under it, on stderr."""

    def __init__(self, run: Run):
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.text import Text

        self.run = run
        self._pace = Pace(run)
        self._progress = Progress(
            TextColumn("{task.fields[steps]}"), BarColumn(bar_width=24), TextColumn("{task.fields[pace]}")
        )
        self._task = self._progress.add_task("", total=run.config.steps, completed=run.step, steps="", pace="")
        self._move(run.step, "")
        self._figures = Text(" ")  # its line is there from the start, so that nothing jumps
        console = Console(stderr=True, highlight=False)
        self._live = Live(Group(self._progress, self._figures), console=console, refresh_per_second=4)

    def _move(self, step: int, pace: str) -> None:
        total = count(self.run.config.steps)
        words = f"step {count(step):>{len(total)}} of {total}"
        self._progress.update(self._task, completed=step, steps=words, pace=pace)

    def __enter__(self) -> Bar:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Move the bar, or print above it."""
        if isinstance(event, Stepped):
            self._move(event.step, " · ".join(self._pace.words(event)))
            self._figures.plain = " · ".join(measured(self.run, event.measures))
        else:
            text = told(event)
            if text:
                self._live.console.print(text, markup=False)


class Pace:
    """Steps a second, and the time that is left at that pace."""

    def __init__(self, run: Run):
        self.total = run.config.steps
        self._start = run.step, time.perf_counter()

    def words(self, event: Stepped) -> list[str]:
        """Return both, as far as they are known."""
        if event.clock is None or event.step == self._start[0]:
            return []
        each = (time.perf_counter() - self._start[1]) / (event.step - self._start[0])
        left = [f"{duration((self.total - event.step) * each)} left"] if event.step < self.total else []
        return [f"{figure(event.clock.steps_per_second)} steps/s", *left]


def measured(run: Run, measures: dict[str, float]) -> list[str]:
    """Say what a report measured: losses, and what D says of real and fake.

    With a loss for which D estimates probabilities, σ of the mean logits; with a relativistic one, whose level is free,
    logits around their common mean; else the logits.
    """
    loss = run.config.loss
    words = [f"{name[0].upper()} loss {figure(measures[name])}" for name in ("d_loss", "g_loss") if name in measures]
    if "d_real" not in measures or "d_fake" not in measures:
        return words
    real, fake = measures["d_real"], measures["d_fake"]
    if loss.relativistic:
        middle = (real + fake) / 2
        return [*words, f"D(real) {figure(real - middle)}, D(fake) {figure(fake - middle)} (logits, centred)"]
    if loss.probabilistic:
        return [*words, f"D(real) {figure(probability(real))}", f"D(fake) {figure(probability(fake))}"]
    return [*words, f"D(real) {figure(real)}, D(fake) {figure(fake)} (logits)"]


def evidence_lines(event: Diagnosed) -> list[str]:
    """Say each figure of a diagnosis with its threshold and what it is."""
    return [
        f"{figure(found['value'])} {found['operator']} {figure(found['threshold'])}  {MEANINGS.get(name, name)}"
        for name, found in event.evidence.items()
    ]


def told(event: Event) -> str:
    """Say what the rarer events have to say; nothing for the others."""
    if isinstance(event, Started):
        size = "×".join(map(str, event.shape))
        classes = f", {event.classes} classes" if event.classes else ""
        g, d = event.parameters["generator"], event.parameters["discriminator"]
        return (
            f"{event.recipe or 'own recipe'} on {event.data}: {count(event.samples)} samples of {size}{classes}; "
            f"G {count(g)} and D {count(d)} parameters; {count(event.steps)} steps, seed {event.seed}, "
            f"{event.threads} thread{'s' if event.threads != 1 else ''}"
        )
    if isinstance(event, Diagnosed):
        remedies = f"; try: {'; or: '.join(event.remedies)}" if event.remedies else ""
        kind = " (warning)" if event.severity == "warning" else "" if event.severity else " again"
        because = "".join(f"\n  {line}" for line in evidence_lines(event))
        return f"step {count(event.step)}: {event.state}{kind}{remedies}{because}"
    if isinstance(event, Evaluated):
        found = glance(event.metrics)
        return f"step {count(event.step)}: {found}" if found else ""
    return ""

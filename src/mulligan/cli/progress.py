"""Events on the screen: a bar in a terminal, plain lines elsewhere, JSON Lines for programs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from mulligan.cli.scores import glance
from mulligan.cli.screen import emit, say
from mulligan.game.losses import probability
from mulligan.output.figures import count, counted, duration, figure
from mulligan.training.events import Diagnosed, Evaluated, Event, Started, Stepped
from mulligan.training.meanings import MEANINGS

if TYPE_CHECKING:
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
        classes = f", {counted(event.classes, 'class', 'classes')}" if event.classes else ""
        g, d = event.parameters["generator"], event.parameters["discriminator"]
        return (
            f"{event.recipe or 'own recipe'} on {event.data}: {counted(event.samples, 'sample')} of {size}{classes}; "
            f"G {count(g)} and D {count(d)} parameters; {counted(event.steps, 'step')}, seed {event.seed}, "
            f"{counted(event.threads, 'thread')}"
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

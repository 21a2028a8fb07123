"""Show the events of a run: a line in a terminal, one output in a notebook, plain lines elsewhere."""

import sys
import time
from html import escape as escape_html
from importlib import import_module
from shutil import get_terminal_size
from typing import Any, Self

from mulligan.doors.say import say
from mulligan.metrics import METRICS
from mulligan.output.figures import count, duration, figure, percent, phrase
from mulligan.output.readings import READINGS, read, says
from mulligan.training.events import Diagnosed, Evaluated, Event, Finished, Sampled, Started, Stepped
from mulligan.training.run import Observer, Run
from mulligan.training.samples import html_of

LINES = 20  # number of reports that a run prints if there is no terminal
REDRAWN = 0.3  # minimum number of seconds between two drawings in a terminal or a notebook
FEW = 40  # number of samples below which a run mostly learns to copy them


class View:
    """The base class of all views; it shows nothing. Use a view as a context manager."""

    def __init__(self, run: Run | None = None):
        if run is not None:
            self.run, self._start = run, (run.step, time.perf_counter())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Stepped):
            self.report(event)
        elif text := describe_event(event):
            self.tell(text)

    def report(self, event: Stepped) -> None:
        """Show what the steps since the last report measured."""

    def tell(self, text: str) -> None:
        """Show a message."""

    def describe(self, event: Stepped) -> str:
        """Write a report as one line: the step, the pace, the figures."""
        step = f"step {count(event.step)} of {count(self.run.config.steps)}"
        return " · ".join([step, *self.pace(event), *describe_measures(self.run, event.measures)])

    def pace(self, event: Stepped) -> list[str]:
        """Return the steps per second and the time that is left, as far as they are known."""
        first, began = self._start
        if event.clock is None or event.step == first:
            return []
        left = (time.perf_counter() - began) / (event.step - first) * (self.run.config.steps - event.step)
        return [f"{figure(event.clock.steps_per_second)} steps/s", *([f"{duration(left)} left"] if left > 0 else [])]


def in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def view_of(run: Run) -> View:
    """Return the view for a run: a line in a terminal, a picture in a notebook, otherwise many."""
    if in_notebook():
        return Notebook(run)
    return Bar(run) if sys.stderr.isatty() else Plain(run)


class Plain(View):
    """Prints about twenty lines per run on stderr."""

    _shown = -1

    def report(self, event: Stepped) -> None:
        part = event.step * LINES // self.run.config.steps
        if part > self._shown:
            self._shown = part
            self.tell(self.describe(event))

    def tell(self, text: str) -> None:
        say(text)


class Bar(View):
    """Redraws one line of a terminal, below the messages: the step, the latest figures, the pace."""

    _line, _drawn = "", 0.0

    def __exit__(self, *error: object) -> None:
        self._draw(self._line, "\n")

    def report(self, event: Stepped) -> None:
        if event.step == self.run.config.steps or time.perf_counter() - self._drawn > REDRAWN:
            self._drawn = time.perf_counter()
            self._draw(self.describe(event))

    def tell(self, text: str) -> None:
        line = self._line
        self._draw("")
        say(text)
        self._draw(line)

    def _draw(self, line: str, end: str = "") -> None:
        line = line[: get_terminal_size().columns - 1]
        print(f"\r{line:<{len(self._line)}}", end=end or "\r", file=sys.stderr, flush=True)
        self._line = line


class Notebook(View, Observer):
    """Redraws one output: a bar, the latest figures, the newest samples.

    `fit` and a loop over ``train(run)`` use it. Pass it along with your own observers:
    ``train(run, observers=[mine, Notebook(run)])``.
    """

    name = "notebook"

    def __init__(self, run: Run):
        super().__init__(run)
        ipython: Any = import_module("IPython.display")
        self._html, self._output = ipython.HTML, ipython.display(ipython.HTML(""), display_id=True)
        self._drawn, self._messages = 0.0, list[str]()
        self._figures, self._picture = "", ""

    def show(self, event: Event) -> None:
        if isinstance(event, Stepped):
            self._figures = " · ".join([*self.pace(event), *describe_measures(self.run, event.measures)])
        elif isinstance(event, Sampled):
            self._picture = html_of(event.images, self.run.data)
        else:
            super().show(event)
        if isinstance(event, Finished) or time.perf_counter() - self._drawn > REDRAWN:
            self._draw()

    def observe(self, run: Run, event: Event) -> tuple[Event, ...]:
        self.show(event)
        return ()

    def tell(self, text: str) -> None:
        self._messages.append(text)
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        messages = "".join(f"<div>{escape_html(line)}</div>" for text in self._messages for line in text.splitlines())
        page = f"{messages}{self.run.bar()}<div>{escape_html(self._figures)}</div>{self._picture}"
        self._output.update(self._html(page))


def describe_measures(run: Run, measures: dict[str, float]) -> list[str]:
    """Return the figures of a report as texts: losses, D(real) and D(fake)."""
    parts = [f"{name[0].upper()} loss {figure(measures[name])}" for name in ("d_loss", "g_loss") if name in measures]
    if "d_real" in measures and "d_fake" in measures:
        loss = run.config.loss
        real, fake = read(loss, real=measures["d_real"], fake=measures["d_fake"])
        parts.append(f"D(real) {figure(real)}, D(fake) {figure(fake)}{READINGS[says(loss)].beside}")
    return parts


def warn_of_few(samples: int) -> str:
    """Return a warning if a run has too few samples to learn from, otherwise an empty text."""
    warning = f"{phrase(samples, 'sample')} to learn from: G soon learns so few by heart and copies them."
    return "" if samples >= FEW else f"{warning} Start with a few hundred."


def describe_event(event: Event) -> str:
    """Return the text to print for a rare event, or an empty text for the others."""
    if isinstance(event, Started):
        size = "×".join(map(str, event.shape))
        classes = f", {phrase(event.classes, 'class', 'classes')}" if event.classes else ""
        g, d = event.parameters["generator"], event.parameters["discriminator"]
        summary = (
            f"{event.recipe or 'own recipe'} on {event.data}: {phrase(event.samples, 'sample')} of {size}{classes}; "
            f"G {count(g)} and D {count(d)} parameters; {phrase(event.steps, 'step')}, seed {event.seed}, "
            f"{phrase(event.threads, 'thread')}"
        )
        return "\n".join(filter(None, (summary, warn_of_few(event.samples))))
    if isinstance(event, Diagnosed):
        remedies = f"; try: {'; or: '.join(event.remedies)}" if event.remedies else ""
        kind = " (warning)" if event.severity == "warning" else "" if event.severity else " again"
        because = "".join(f"\n  {line}" for line in event.lines())
        return f"step {count(event.step)}: {event.state}{kind}{remedies}{because}"
    if isinstance(event, Evaluated):
        figures = describe_metrics(event.metrics)
        return f"step {count(event.step)}: {figures}" if figures else ""
    return ""


def describe_metrics(metrics: dict[str, Any]) -> str:
    """Return the metrics of an evaluator during training as one line."""
    shares = {path.rpartition(".")[2]: metric.label.lower() for path, metric in METRICS.items() if metric.share}
    parts = []
    for name, value in metrics.items():
        if name == "modes":
            effective = f" ({figure(metrics['effective_modes'])} effective)" if "effective_modes" in metrics else ""
            parts.append(f"{value} {('class' if value == 1 else 'classes') if effective else 'modes'}{effective}")
        elif name in shares:
            parts.append(f"{percent(value)} {shares[name]}")
        elif name == "distance":
            parts.append(f"distance to real {figure(value)} % (floor {figure(metrics['floor'])} %)")
        elif name not in ("effective_modes", "floor") and isinstance(value, (int, float)):
            label = METRICS[name].label if name in METRICS else name
            parts.append(f"{label} {figure(value)}")
    return " · ".join(parts)

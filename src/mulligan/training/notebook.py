"""Show a run in a notebook: one output that is redrawn in place, and the HTML of a `Run` and of a diagnosis."""

import time
from html import escape
from importlib import import_module
from typing import Any

from mulligan.diagnosis.failures import describe_state
from mulligan.nn.memory import Array
from mulligan.output.pages import data_uri
from mulligan.output.pictures.charts import STYLE, Chart, Line, draw
from mulligan.output.pictures.images import png_bytes
from mulligan.training.events import Diagnosed, Event, Finished, Observer, Sampled, Stepped
from mulligan.training.progress import Pace, View, describe_measures, evidence_lines
from mulligan.training.run import Run
from mulligan.training.samples import sheet

EVERY = 0.3
"""Minimum number of seconds between two drawings."""


class Notebook(View, Observer):
    """Redraws one output: a bar, the latest figures, both losses as curves, the newest samples.

    `fit` and a loop over ``train(run)`` use it. Pass it along with your own observers:
    ``train(run, observers=[mine, Notebook(run)])``.
    """

    name = "notebook"

    def __init__(self, run: Run):
        ipython: Any = import_module("IPython.display")
        self._html, self._output = ipython.HTML, ipython.display(ipython.HTML(""), display_id=True)
        self._run, self._pace, self._drawn = run, Pace(run), 0.0
        self._said: list[str] = []
        self._figures, self._picture = "", ""

    def show(self, event: Event) -> None:
        if isinstance(event, Stepped):
            self._figures = " · ".join([*self._pace.words(event), *describe_measures(self._run, event.measures)])
        elif isinstance(event, Sampled):
            self._picture = picture(event.images, self._run)
        else:
            super().show(event)
        if isinstance(event, Finished) or time.perf_counter() - self._drawn > EVERY:
            self._draw()

    def observe(self, run: Run, event: Event) -> tuple[Event, ...]:
        self.show(event)
        return ()

    def tell(self, text: str) -> None:
        self._said.append(text)
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        said = "".join(f"<div>{escape(line)}</div>" for text in self._said for line in text.splitlines())
        page = f"{said}{bar(self._run)}<div>{escape(self._figures)}</div>{curves(self._run.curves)}{self._picture}"
        self._output.update(self._html(page))


def render_run(run: Run) -> str:
    """Return a run's facts, progress, losses and samples as HTML."""
    facts = f"<div>{escape(repr(run))}</div>"
    return f"{facts}{bar(run)}{curves(run.curves)}{picture(run.sample(*run.grid), run)}"


def render_diagnosis(event: Diagnosed) -> str:
    """Return a diagnosis as HTML: the state and its meaning, its evidence, and what to try."""
    title, meaning = describe_state(event.state)
    evidence = "".join(f"<li>{escape(line)}</li>" for line in evidence_lines(event))
    remedies = "".join(f"<li>{escape(line)}</li>" for line in event.remedies)
    tries = f"<div>Try one of these:</div><ul>{remedies}</ul>" if remedies else ""
    return f"<div><b>{escape(title)}</b> at step {event.step:,}. {escape(meaning)}</div><ul>{evidence}</ul>{tries}"


def bar(run: Run) -> str:
    """Return the progress bar of a run as HTML."""
    words = f"step {run.step:,} of {run.config.steps:,}"
    return f'<div><progress max="{run.config.steps}" value="{run.step}"></progress> {words}</div>'


def picture(samples: Array, run: Run) -> str:
    """Return samples as an HTML picture: in a grid, or as points in the range of the data."""
    whole = sheet(samples, run.data)
    style = f"width:{min(2 * whole.shape[1], 480)}px;image-rendering:pixelated"
    return f'<img alt="samples at step {run.step}" style="{style}" src="{data_uri(png_bytes(whole, quickly=True))}">'


def curves(losses: dict[str, list[tuple[int, float]]]) -> str:
    """Return both losses as lines of one chart; empty before the second report."""
    steps = {step for curve in losses.values() for step, _ in curve}
    if len(steps) < 2:
        return ""
    lines = []
    for name, who in (("D", "judge"), ("G", "fake")):
        curve = losses[f"{name.lower()}_loss"]
        lines.append(Line(name, who, [step for step, _ in curve], [loss for _, loss in curve]))
    chart = draw(Chart("Loss", "", "", lines, float(max(steps))))
    return f'<style>{STYLE}</style><div style="max-width:420px">{chart}</div>'

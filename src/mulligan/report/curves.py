"""The curves of a report, over the steps."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from mulligan.output.figures import count
from mulligan.output.pictures.charts import Chart, Line, Mark
from mulligan.output.readings import READINGS, read, says
from mulligan.report.story import Story

Pick = Callable[[dict[str, Any]], float]


def charts_of(story: Story) -> list[Chart]:
    """Return every chart of a report, including those without numbers."""
    each = f" Means of {story.config.report_every} steps." if story.config.report_every > 1 else ""
    frame = partial(Chart, end=float(max(story.config.steps, story.step)), marks=_marks(story))
    loss = f"What each player minimises, without penalties.{each}"
    norms = "Of all weights of a player, at each measurement of the diagnosis."
    variety = "Of 256 samples: their mean distance over that of the reals, and the share of reals with one near them."
    lines = partial(_lines, story)
    losses = lines("stepped", "D", "judge", "d_loss") + lines("stepped", "G", "fake", "g_loss")
    gradients = lines("measured", "D", "judge", "d_gradient") + lines("measured", "G", "fake", "g_gradient")
    covers = lines("measured", "distance", "fake", "distance") + lines("measured", "coverage", "real", "coverage")
    return [
        frame("Loss", "", loss, losses),
        verdict_chart(story, frame),
        frame("Gradient norms", "", norms, gradients, log=True),
        _distance(story, frame),
        _modes(story, frame),
        frame("Variety and cover", "", variety, covers, levels=((1.0, "right"),)),
    ]


def verdict_chart(story: Story, frame: Callable[..., Chart] = Chart) -> Chart:
    """Return the chart of D's outputs in the units of its loss."""
    loss = story.config.loss
    unit, words, _, bounds = READINGS[says(loss)]
    real, fake = _value("d_real"), _value("d_fake")

    def pick(side: int) -> Pick:
        return lambda measures: read(loss, real=real(measures), fake=fake(measures))[side]

    sides = enumerate(("real", "fake"))
    lines = [line for side, name in sides for line in _lines(story, "stepped", name, name, pick(side))]
    return frame("What D says", unit, words, lines, bounds=bounds)


def _distance(story: Story, frame: Callable[..., Chart]) -> Chart:
    lines = _lines(story, "evaluated", "floor", "real", "floor")
    lines += _lines(story, "evaluated", "distance", "fake", "distance")
    words = "Of 1,000 samples to up to 1,000 reals (held-out ones if there are any). Perfect samples reach the floor."
    chart = frame("Distance to the real", "FD, % of variance", words, lines, log=True, marks=())
    if story.best < 0:
        return chart
    best = Mark(story.best, f"nearest to the real, at step {count(story.best)}: best.safetensors", "healthy")
    return replace(chart, words=f"{words} Green: the step of best.safetensors.", marks=[best])


def _modes(story: Story, frame: Callable[..., Chart]) -> Chart:
    total = len(story.metrics.get("classes", {}).get("histogram", [])) or len(story.histogram)
    title, unit = "Classes in use", "effective number"
    words = "The exponential of the entropy of the judge's answers for 1,000 samples."
    lines = _lines(story, "evaluated", "classes", "fake", "effective_modes")
    if not lines:
        title, unit, words = "Modes captured", "", "Those with enough samples close by."
        lines = _lines(story, "evaluated", "modes", "fake", "modes")
    if not total:
        return frame(title, unit, words, lines)
    return frame(title, unit, words, lines, levels=((float(total), f"all {total}"),), bounds=(0.0, float(total)))


def _value(name: str) -> Pick:
    def pick(values: dict[str, Any]) -> float:
        value = values.get(name)
        return float(value) if isinstance(value, (int, float)) else math.nan

    return pick


def _lines(story: Story, part: str, name: str, who: str, pick: Pick | str) -> list[Line]:
    """Return a curve, or none without numbers."""
    pick = _value(pick) if isinstance(pick, str) else pick
    steps, values = [step for step, _ in getattr(story, part)], [pick(values) for _, values in getattr(story, part)]
    return [Line(name, who, steps, values)] if any(map(math.isfinite, values)) else []


def _marks(story: Story) -> list[Mark]:
    marks = [Mark(story.config.begins, f"try {story.number} begins", "try")] if story.config.parent is not None else []
    for event in story.diagnosed:
        state = event.state if event.severity else "healthy again"
        marks.append(Mark(event.step, f"{state} at step {count(event.step)}", event.severity or "healthy"))
    by_hand = [Mark(each["step"], f"changed by hand at step {count(each['step'])}", "try") for each in story.adjusted]
    return [*marks, *by_hand]

"""Say in a sentence how good the samples of a finished run are, and what to do next."""

import math
from typing import NamedTuple

import numpy as np

from mulligan.metrics import at, space_of
from mulligan.output.figures import count, counted, duration, figure, percent
from mulligan.report.sections import middle
from mulligan.report.story import Story
from mulligan.training.store.history import Series, distance_of

ENOUGH = 100
"""Training pictures below which G can only learn each of them."""
WORSE = 1.25
"""The end is worse than the best measurement during the run if its figure is this many times as large."""
BARE = 0.6
"""Coverage, as a share of the best possible, below which kinds of pictures are missing."""
GOOD = 0.6
"""Highest accuracy of a fresh classifier between samples and pictures that is called good; chance is .5."""
LEFT = 0.8
"""What is left of the distance above its floor after as long again: .71 on emoji, .83 with `quick`, .86 on sprites."""
GAIN = 0.05
"""Least improvement over the second half of a run that is worth another one."""


class Verdict(NamedTuple):
    """How a finished run is judged: `kind` is "few", "worse", "missing", "good", "improving", "short" or "level"."""

    kind: str
    words: str


def verdict(story: Story) -> Verdict | None:
    """Judge a finished run of pictures by its figures, the gravest first.

    None for points, for a run that was not evaluated, and for one whose failure the diagnosis names.
    """
    space = space_of(story.metrics)
    if space in ("", "points") or not story.finished or story.failure is not None or story.measured_before is not None:
        return None
    fd, floor, covered, possible = (
        middle(at(story.metrics, space, name)) or 0.0 for name in ("fd", "fd_floor", "coverage", "coverage_ideal")
    )
    apart = middle(at(story.metrics, "real_or_fake"))
    samples = story.started.get("samples", 0)
    curve = [(step, distance_of(metrics)) for step, metrics in story.evaluated]
    curve = [(step, value) for step, value in curve if math.isfinite(value) and value > 0]
    step, least = min(curve, key=lambda each: each[1], default=(story.step, math.inf))
    early = bool(curve) and curve[0][0] <= story.step / 2
    going = early and _left_since_half(curve, story) < 1.0 - GAIN
    if samples < ENOUGH:
        return Verdict(
            "few", f"{counted(samples, 'picture')} are too few: G can only learn them by heart. Add some hundred."
        )
    if curve and curve[-1][1] > WORSE * least:
        why = (
            "D has begun to know your pictures by heart"
            if _surer(story.stepped, step)
            else "the game has lost its balance"
        )
        more = f"; best.safetensors keeps those of step {count(story.best)} (--best)" if story.best == step else ""
        return Verdict("worse", f"The samples were best at step {count(step)}. Since then {why}{more}.")
    seconds = story.seconds(story.step)
    long = "as long again" if seconds is None else f"another {duration(seconds[0])}"
    gain = f"{long} would bring FD from {figure(fd)} to about {figure(floor + (fd - floor) * LEFT)}"
    if covered < BARE * possible:
        missing = f"{percent(1.0 - covered / possible)} of the pictures have nothing like them among the samples"
        return Verdict("missing", f"Kinds are missing: {missing}" + (f"; {gain}." if going else "."))
    if apart is not None and apart <= GOOD:
        said = f"Good: a fresh classifier tells samples from pictures in {percent(apart)} of cases; 50 % is chance"
        return Verdict("good", f"{said}; {gain}." if going else f"{said}.")
    if going:
        return Verdict("improving", f"Still improving: {gain}.")
    beside = f"FD is {figure(fd)}, that of real pictures {figure(floor)}"
    if not early:
        return Verdict("short", f"Too short to tell what {long} would be worth: {beside}.")
    return Verdict("level", f"It no longer improves: {beside}.")


def _left_since_half(curve: list[tuple[int, float]], story: Story) -> float:
    """Return what the second half of the run left of the distance above its floor."""
    floor = story.evaluated[-1][1].get("floor", 0.0)
    steps, values = zip(*curve)
    before = float(np.interp(story.step / 2, steps, values)) - floor
    return max(values[-1] - floor, 0.0) / before if before > 0 else 1.0


def _surer(stepped: Series, step: int) -> bool:
    """Tell whether D tells reals from fakes better at the end than at `step`."""
    gaps = [(s, m["d_real"] - m["d_fake"]) for s, m in stepped if {"d_real", "d_fake"} <= m.keys()]
    before = [gap for s, gap in gaps if s <= step]
    return bool(before) and gaps[-1][1] > before[-1]

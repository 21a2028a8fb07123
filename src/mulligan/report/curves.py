"""The curves of a report, and its line of tries."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mulligan.output.figures import count
from mulligan.output.pictures import svg
from mulligan.output.readings import READINGS, read, says
from mulligan.report.charts import Axis, Chart, Line, Mark, draw
from mulligan.report.story import Story

Pick = Callable[[dict[str, Any]], float]


def all_of(story: Story) -> str:
    """Draw the curves for which the story has numbers."""
    return "".join(draw(chart) for chart in charts_of(story) if any(len(line.y) for line in chart.lines))


def charts_of(story: Story) -> list[Chart]:
    """Return every chart of a report, including those without numbers."""
    steps = Axis("steps", float(max(story.config.steps, story.step)), _marks(story))
    cpu, timed = _on_clock(story)
    each = f" Means of {story.config.report_every} steps." if story.config.report_every > 1 else ""
    return [
        Chart(
            "Loss",
            "",
            f"What each player minimises, without penalties.{each}",
            _of_both(story, "stepped", "loss"),
            steps,
        ),
        verdict(story, steps),
        Chart(
            "Gradient norms",
            "",
            "Of all weights of a player, at each measurement of the diagnosis.",
            _of_both(story, "measured", "gradient"),
            steps,
            log=True,
        ),
        _distance(story, cpu, timed),
        _modes(story, cpu, timed),
        Chart(
            "Variety and cover",
            "",
            "Of 256 samples: their mean distance over that of the reals, and the share of reals with a sample near "
            "them.",
            [
                *_timed(story, "measured", "distance", "fake", "distance", cpu),
                *_timed(story, "measured", "coverage", "real", "coverage", cpu),
            ],
            timed,
            levels=((1.0, "right"),),
        ),
    ]


def verdict(story: Story, steps: Axis) -> Chart:
    """Return the chart of D's outputs in the units of its loss. Earlier tries with another loss are left out."""
    loss = story.config.loss
    unit, words, _, bounds = READINGS[says(loss)]
    real, fake = _get("d_real"), _get("d_fake")

    def pick(side: int) -> Pick:
        return lambda found: read(loss, real=real(found), fake=fake(found))[side]

    def kin(parent: Story) -> bool:
        return type(parent.config.loss) is type(loss)

    lines = [
        line
        for side, name in enumerate(("real", "fake"))
        for line in _over(story, "stepped", name, name, pick(side), kin)
    ]
    return Chart("What D says", unit, words, lines, steps, bounds=bounds)


def _distance(story: Story, cpu: Callable[[int], float], timed: Axis) -> Chart:
    best = [Mark(cpu(story.best), f"nearest to the real, at step {count(story.best)}: best.safetensors", "healthy")]
    unit, words = "FD, % of variance", "by a judge's features, or edges and colours. Perfect samples reach the floor."
    lines = [
        *_timed(story, "evaluated", "floor", "real", "floor", cpu),
        *_timed(story, "evaluated", "distance", "fake", "distance", cpu),
    ]
    if not lines:
        unit, words = "KID", "in coordinates (in older runs in PCA-64). Values up to 0 are noise and not drawn."
        lines = _timed(story, "evaluated", "KID", "fake", "kid", cpu)
    return Chart(
        "Distance to the real",
        unit,
        f"Of 1,000 samples to up to 1,000 reals (held-out ones if there are any), {words} Green: the step of "
        "best.safetensors.",
        lines,
        replace(timed, marks=best if story.best >= 0 else ()),
        log=True,
    )


def _modes(story: Story, cpu: Callable[[int], float], timed: Axis) -> Chart:
    total = len(story.metrics.get("classes", {}).get("histogram", [])) or len(story.histogram)
    levels = ((float(total), f"all {total}"),) if total else ()
    bounds = (0.0, float(total)) if total else None
    title, unit = "Classes in use", "effective number"
    words = "The exponential of the entropy of the judge's answers for 1,000 samples."
    lines = _timed(story, "evaluated", "classes", "fake", "effective_modes", cpu)
    if not lines:
        title, unit, words = "Modes captured", "", "Those with enough samples close by."
        lines = _timed(story, "evaluated", "modes", "fake", "modes", cpu)
    return Chart(title, unit, words, lines, timed, levels=levels, bounds=bounds)


def _get(name: str) -> Pick:
    def pick(found: dict[str, Any]) -> float:
        value = found.get(name)
        return float(value) if isinstance(value, (int, float)) else math.nan

    return pick


def _over(
    story: Story, part: str, name: str, who: str, pick: Pick, kin: Callable[[Story], bool] = lambda parent: True
) -> list[Line]:
    """Return a curve over steps: this run, and faintly the earlier tries that are `kin`."""
    lines, rest, until = [], story, story.begins
    own_x, own_y = _points(getattr(story, part), pick, story.begins, math.inf)
    while rest.parent is not None and kin(rest.parent):
        rest = rest.parent
        x, y = _points(getattr(rest, part), pick, 0, math.inf)
        lines.append(Line(name, who, x, y, faint=True))
        x, y = _points(getattr(rest, part), pick, rest.begins, until)
        own_x, own_y = [*x, *own_x], [*y, *own_y]
        until = min(until, rest.begins)
    return [*lines, Line(name, who, own_x, own_y)] if any(map(math.isfinite, own_y)) else []


def _of_both(story: Story, part: str, what: str) -> list[Line]:
    return [*_over(story, part, "D", "judge", _get(f"d_{what}")), *_over(story, part, "G", "fake", _get(f"g_{what}"))]


def _timed(story: Story, part: str, name: str, who: str, key: str, clock: Callable[[int], float]) -> list[Line]:
    """Return a curve of this run alone, over CPU-seconds."""
    x, y = _points(getattr(story, part), _get(key), 0, math.inf)
    return [Line(name, who, [clock(int(step)) for step in x], y)] if any(map(math.isfinite, y)) else []


def _points(
    series: list[tuple[int, dict[str, Any]]], pick: Pick, first: float, last: float
) -> tuple[list[float], list[float]]:
    chosen = [(float(step), pick(found)) for step, found in series if first <= step <= last]
    return [x for x, _ in chosen], [y for _, y in chosen]


def _on_clock(story: Story) -> tuple[Callable[[int], float], Axis]:
    """Return a function from steps to CPU-seconds, and its axis. Without a clock, it returns the steps."""
    if not story.clock:
        return float, Axis("steps", float(max(story.step, 1)))
    known = sorted(story.clock)

    def at(step: int) -> float:
        before = max((s for s in known if s <= step), default=known[0])
        return story.clock[before][1]

    return at, Axis("CPU-seconds", max(at(story.step), 1e-3))


def _marks(story: Story) -> list[Mark]:
    marks = [Mark(story.begins, f"try {story.number} begins", "try")] if story.config.parent is not None else []
    for event in story.diagnosed:
        state = event.state if event.severity else "healthy again"
        marks.append(Mark(event.step, f"{state} at step {count(event.step)}", event.severity or "healthy"))
    return marks


WIDTH, ROW, LEFT, RIGHT = 860, 34, 8, 60


def tries(story: Story) -> str:
    """Draw the tries: try 1 is a grey line that ends in a cross, and each later one branches off in an arc."""
    all_tries = story.tries
    gone = story.parent is None and story.config.parent is not None
    if len(all_tries) < 2 and not gone:
        return ""
    height = ROW * (len(all_tries) + gone) + 46
    base = height - 40
    end = max(1.0, *(float(each.config.steps) for each in all_tries))
    x = svg.Scale(0.0, end, LEFT, WIDTH - RIGHT, step=svg.nice_step(end, 5))
    parts = []
    if gone:
        parts.append(svg.element("path", cls="past", d=f"M{LEFT} {base}H{x(story.begins):.1f}"))
        parts.append(svg.text(LEFT, base - 8, "the try before; its folder is missing"))
    for row, each in enumerate(all_tries, start=int(gone)):
        y, last, failure = base - ROW * row, each is story, each.failure
        begin = x(each.begins)
        stop = max(begin, x(each.step))
        rise = f"M{begin:.1f} {y + ROW}C{begin + 14:.1f} {y + ROW} {begin + 8:.1f} {y} {min(begin + 26, stop):.1f} {y}"
        kind = "past" if not last else "good" if failure is None and not each.failed else "alarm"
        parts.append(svg.element("path", cls=kind, d=f"{rise if row else f'M{LEFT} {y}'}H{stop:.1f}"))
        words = f"Try {each.number}: from step {count(each.begins)}" if row else f"Try {each.number}"
        parts.append(svg.text(begin + 34 if row else LEFT, y - 8 if row else y + 16, words, f"tick {kind}"))
        if failure is not None or each.failed:
            cross = x(failure.step if failure is not None and not each.failed else each.step)
            parts.append(svg.element("path", cls="cross", d=f"M{cross - 5:.1f} {y - 5}l10 10m0 -10l-10 10"))
            name = (
                f"{failure.state} at {count(failure.step)}"
                if failure is not None
                else f"diverged at {count(each.step)}"
            )
            near = cross > WIDTH - 260
            below = not near and (row > 0 or cross > LEFT + 48)  # beside "Try 1", not on it
            place = cross - 12 if near else cross + 12, y + 16 if below else y - 8
            parts.append(svg.text(*place, name, "tick end" if near else "tick"))
        elif last:
            parts.append(svg.element("circle", cls="good", cx=stop, cy=y, r=5))
    parts.append(svg.bottom_axis(x, height - 6, WIDTH, unit="steps"))
    label = "; ".join(
        f"try {each.number} from step {each.begins}: {each.failure.state if each.failure is not None else 'healthy'}"
        for each in all_tries
    )
    view = {"cls": "tries", "viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria_label": label}
    return f'<div class="wide">{svg.element("svg", "".join(parts), **view)}</div>'

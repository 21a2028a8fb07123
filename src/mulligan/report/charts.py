"""Curves as SVG: coloured by the page's tokens, readable without a script, with their values beside them for one.

A chart is drawn in units of about a pixel, `WIDTH` by `HEIGHT`; the page scales it. A value that lies far beyond all
others does not flatten the rest: it is cut at the frame, and a triangle says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mulligan.output.figures import count, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WIDTH, HEIGHT = 400, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 30
POINTS = 400
"""Most points of a curve; of more, the means of neighbours."""
BEYOND = 4.0
"""How many times the spread of most values one must lie outside to be cut."""
MARKED = 12
"""Most triangles on one edge."""
LETTER = 6.6
"""Width of a letter of the ticks, about."""


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes
    ----------
    name : str
    who : "real", "fake", "judge" or "brand"
        Whose colour.
    x, y : sequence of float
        As long as each other; what is not finite breaks the curve.
    faint : bool
        Of a try that was given up.
    """

    name: str
    who: str
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that happened, as a vertical line: `kind` is "alarm", "warning", "healthy" or "try"."""

    x: float
    words: str
    kind: str


@dataclass(frozen=True)
class Axis:
    """The horizontal axis, from 0 to `end`, and what happened on the way."""

    unit: str = "steps"
    end: float = 1.0
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Chart:
    """A frame with curves.

    Attributes
    ----------
    title, unit, words : str
        `words` say under the curves what they are.
    lines : sequence of Line
    axis : Axis
    log : bool
        Logarithmic y; values that are not positive break the curve.
    levels : sequence of (float, str)
        Horizontal dashes: a floor, an ideal.
    bounds : (float, float) or None
        Of y, where they are known beforehand.
    """

    title: str
    unit: str
    words: str
    lines: Sequence[Line]
    axis: Axis = field(default_factory=Axis)
    log: bool = False
    levels: Sequence[tuple[float, str]] = ()
    bounds: tuple[float, float] | None = None


def thinned(line: Line) -> Line:
    """Return a curve of at most `POINTS` points, each the mean of neighbours."""
    n = len(line.x)
    if n <= POINTS:
        return line
    cuts = np.linspace(0, n, POINTS + 1).round().astype(int)
    x, y = ([float(np.mean(v[a:b])) for a, b in zip(cuts[:-1], cuts[1:])] for v in (line.x, line.y))
    return Line(line.name, line.who, x, y, line.faint)


def draw(chart: Chart) -> str:
    """Return a chart as an HTML figure; nothing where no curve has a value."""
    lines = [thinned(line) for line in chart.lines]
    read = _finite([line for line in lines if not line.faint], chart.log)
    values = read if len(read) else _finite(lines, chart.log)  # a try that was given up does not set the axis
    if not len(values):
        return ""
    low, high, ticks = _axis(values, chart)
    x_at = _scale(0.0, chart.axis.end or 1.0, LEFT, WIDTH - RIGHT)
    y_of = _scale(math.log10(low), math.log10(high), HEIGHT - BOTTOM, TOP) if chart.log else None
    linear = _scale(low, high, HEIGHT - BOTTOM, TOP)

    def y_at(y: float) -> float:
        return y_of(math.log10(y)) if y_of is not None else linear(y)

    parts = [
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_at(t):.1f}" y2="{y_at(t):.1f}"/>'
        f'<text class="tick end" x="{LEFT - 6}" y="{y_at(t) + 4:.1f}">{escape(_tick(t))}</text>'
        for t in ticks
    ]
    parts += _below(chart, x_at)
    parts += (_level(y_at(v), words) for v, words in chart.levels if low <= v <= high)
    parts += (_mark(x_at(mark.x), mark) for mark in chart.axis.marks if 0 <= mark.x <= chart.axis.end)
    for line in sorted(lines, key=lambda each: not each.faint):
        parts.append(_curve(line, chart.log, x_at, y_at, low, high))
    shown = [line for line in lines if not line.faint and len(line.y)]
    ends = ", ".join(f"{line.name} {figure(line.y[-1])}" for line in shown)
    label = f"{chart.title} over {chart.axis.unit}{', logarithmic scale' if chart.log else ''}; at the end {ends}"
    legend = "".join(
        f'<span class="key {line.who}"><i></i>{escape(line.name)} '
        f'<b data-of="{escape(line.name)}">{figure(line.y[-1])}</b></span>'
        for line in shown
    )
    unit = escape(", ".join(filter(None, (chart.unit, "log scale" if chart.log else ""))))
    return (
        f'<figure class="chart"><figcaption><strong>{escape(chart.title)}</strong> <span class="unit">{unit}</span>'
        f'<span class="legend">{legend}<span class="at" hidden></span></span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" data-end="{chart.axis.end:g}" '
        f'data-left="{LEFT}" data-right="{WIDTH - RIGHT}" data-unit="{escape(chart.axis.unit)}">{"".join(parts)}'
        f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{HEIGHT - BOTTOM}" hidden=""/></svg>'
        f"<p>{escape(chart.words)}</p></figure>"
    )


def _finite(lines: Sequence[Line], log: bool) -> np.ndarray:
    return np.array([y for line in lines for y in line.y if math.isfinite(y) and (y > 0 or not log)])


# ── axes ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    width = (high - low) or 1.0
    return lambda v: start + (end - start) * (v - low) / width


def nice_step(span: float, parts: int = 4) -> float:
    """Return 1, 2 or 5 × 10ⁿ, the smallest that divides a span into no more than so many parts."""
    raw = span / parts
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10, 20) if m * power >= raw * (1 - 1e-9))


def _axis(values: np.ndarray, chart: Chart) -> tuple[float, float, list[float]]:
    """Return where y begins and ends, and its ticks."""
    levels = [v for v, _ in chart.levels]
    if chart.log:
        some = [*values, *(v for v in levels if v > 0)]
        first, last = math.floor(math.log10(min(some)) + 1e-9), math.ceil(math.log10(max(some)) - 1e-9)
        last = max(last, first + 1)
        every = max(1, math.ceil((last - first) / 5))
        return 10.0**first, 10.0**last, [10.0**p for p in range(first, last + 1, every)]
    if chart.bounds is not None:
        low, high = chart.bounds
    else:
        near = values[within(values)]
        low, high = min([*near, *levels]), max([*near, *levels])
        if low > 0 and low < 0.4 * high:  # nearly from nought: from nought
            low = 0.0
    step = nice_step((high - low) or abs(high) or 1.0)
    begin, stop = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    stop = max(stop, begin + 1)
    return begin * step, stop * step, [i * step for i in range(begin, stop + 1)]


def within(values: np.ndarray) -> np.ndarray:
    """Return which values an axis must show: all but those that lie far outside where most are."""
    low, high = np.percentile(values, (2, 98))
    slack = BEYOND * max(high - low, 1e-12 + 0.05 * abs(high))
    found: np.ndarray = (values >= low - slack) & (values <= high + slack)
    return found


def _tick(value: float) -> str:
    """Write a value in the width of the margin: 0.25, −1,500, −20k, 1.5M, 2e−5."""
    size = abs(value)
    if 1e4 <= size < 1e9:
        words = f"{value / 1e6:.10g}M" if size >= 1e6 else f"{value / 1e3:.10g}k"
    elif size and (size < 0.01 or size >= 1e9):
        mantissa, power = f"{value:.2e}".split("e")
        words = f"{float(mantissa):g}e{int(power)}"
    else:
        words = f"{value:,.10g}"
    return words.replace("-", "−")


def _below(chart: Chart, x_at: Callable[[float], float]) -> Iterator[str]:
    """Yield the x axis."""
    end = chart.axis.end or 1.0
    step = nice_step(end, 4)
    ticks = [i * step for i in range(int(end / step + 1e-9) + 1)]
    words = f"{_place(ticks[-1], step)} {chart.axis.unit}"
    stop = min(x_at(ticks[-1]) + LETTER * len(words) / 2, WIDTH - RIGHT)
    room = stop - LETTER * len(words)  # where the last one begins
    yield f'<text class="tick end" x="{stop:.1f}" y="{HEIGHT - BOTTOM + 18}">{escape(words)}</text>'
    for t in ticks[:-1]:
        if x_at(t) + LETTER * len(_place(t, step)) / 2 < room - LETTER:
            side = " mid" if t else ""
            yield f'<text class="tick{side}" x="{x_at(t):.1f}" y="{HEIGHT - BOTTOM + 18}">{_place(t, step)}</text>'


def _place(t: float, step: float) -> str:
    return count(round(t)) if step >= 1 else _tick(t)


def _level(y: float, words: str) -> str:
    return (
        f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick end" x="{WIDTH - RIGHT}" y="{y - 4 if y > TOP + 10 else y + 13:.1f}">'
        f"{escape(words)}</text>"
    )


def _mark(x: float, mark: Mark) -> str:
    y = TOP - 4
    if mark.kind == "alarm" or mark.kind == "warning":
        sign = f'<path class="{mark.kind}" d="M{x:.1f} {y - 5}l5 5-5 5-5-5z"/>'
    else:
        sign = f'<circle class="{mark.kind}" cx="{x:.1f}" cy="{y}" r="4"/>'
    return (
        f'<g class="mark"><title>{escape(mark.words)}</title>'
        f'<line class="{mark.kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>{sign}</g>'
    )


def _curve(
    line: Line, log: bool, x_at: Callable[[float], float], y_at: Callable[[float], float], low: float, high: float
) -> str:
    words, edges, pen = [], [], "M"
    for x, y in zip(line.x, line.y):
        if not math.isfinite(y) or (log and y <= 0):
            pen = "M"
            continue
        inside = min(max(y, low), high)
        words.append(f"{pen}{x_at(x):.1f} {y_at(inside):.1f}")
        pen = "L"
        if inside != y:
            edges.append((x_at(x), y > high))
    faint = " faint" if line.faint else ""
    data = "" if line.faint else _data(line)
    shown = edges[:: max(1, math.ceil(len(edges) / MARKED))]
    triangles = "".join(
        f'<path class="edge {line.who}{faint}" d="M{x:.1f} {TOP}l4 7h-8z"/>'
        if up
        else f'<path class="edge {line.who}{faint}" d="M{x:.1f} {HEIGHT - BOTTOM}l4 -7h-8z"/>'
        for x, up in shown
    )
    dot = ""
    if len(words) == 1:
        dot = " dot"
        words.append("l0.01 0")
    return f'<path class="curve {line.who}{faint}{dot}" d="{"".join(words)}"{data}/>{triangles}'


def _data(line: Line) -> str:
    """Return the values for the page's script."""
    x = " ".join(f"{v:g}" for v in line.x)
    y = " ".join(map(figure, line.y))
    return f' data-name="{escape(line.name)}" data-x="{x}" data-y="{y}"'

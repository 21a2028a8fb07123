"""Draw curves over the steps as SVG, for reports and notebooks, with `STYLE` as their style sheet.

A chart is drawn in units of about a pixel, `WIDTH` by `HEIGHT`, and the page scales it. ``chart.html`` is its template.
A value far beyond all others lies outside the frame, so that it does not flatten the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mulligan.output.figures import count, figure
from mulligan.output.pages import template

WIDTH, HEIGHT = 400, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 388, 12, 180  # the edges of the frame
POINTS = 400
"""Maximum number of points of a curve. Longer curves show means of neighbours."""
BEYOND = 4.0  # a value lies outside the frame if it is this many times the usual spread away
LETTER = 6.6  # approximate width of a letter of the ticks
STYLE = Path(__file__).with_name("charts.css").read_text("utf-8")


@dataclass(frozen=True)
class Line:
    """A curve, which values that are not finite break."""

    name: str
    who: str  # "real", "fake" or "judge" chooses the colour
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Mark:
    """Something that happened, as a vertical line: `kind` is "alarm", "warning", "healthy" or "try"."""

    x: float
    words: str
    kind: str


@dataclass(frozen=True)
class Chart:
    """A frame with curves over steps from 0 to `end`, and `words` below."""

    title: str
    unit: str
    words: str
    lines: Sequence[Line]
    end: float = 1.0
    marks: Sequence[Mark] = ()
    log: bool = False  # then values that are not positive break a curve
    levels: Sequence[tuple[float, str]] = ()  # horizontal dashed lines, a floor or an ideal
    bounds: tuple[float, float] | None = None  # those of y, if they are fixed


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` to pixels from `start` to `end`; ticks have the distance `step`, if not 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    step: float = 0.0

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, at most a few pictures away."""
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        place = self.start + (self.end - self.start) * (at - low) / ((high - low) or 1.0)
        return round(min(max(place, -4 * WIDTH), 4 * WIDTH), 1)

    def ticks(self) -> list[float]:
        """Return round values from end to end."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1, max(1, math.ceil((last - first) / 5)))]
        step = self.step or nice_step(self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def draw(chart: Chart) -> str:
    """Return a chart as an HTML figure; empty if no curve has a value."""
    lines = [_thin(line) for line in chart.lines if len(line.y)]
    values = [y for line in lines for y in line.y if math.isfinite(y) and (y > 0 or not chart.log)]
    if not values:
        return ""
    x, y = Scale(0.0, chart.end or 1.0, LEFT, RIGHT), _vertical(np.array(values), chart)
    ends = ", ".join(f"{line.name} {figure(line.y[-1])}" for line in lines)
    return template(Path(__file__).with_name("chart.html")).render(
        chart=chart,
        x=x,
        y=y,
        short=short,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
        ticks=_bottom_ticks(x),
        unit=", ".join(filter(None, (chart.unit, "log scale" if chart.log else ""))),
        label=f"{chart.title} over steps; at the end {ends}",
        curves=[(line, _path(line, x, y)) for line in lines],
    )


def _thin(line: Line) -> Line:
    """Return a curve with at most `POINTS` points, each the mean of neighbours."""
    n = len(line.x)
    if n <= POINTS:
        return line
    cuts = np.linspace(0, n, POINTS + 1).round().astype(int)
    x, y = ([float(np.mean(v[a:b])) for a, b in zip(cuts[:-1], cuts[1:])] for v in (line.x, line.y))
    return Line(line.name, line.who, x, y)


def _vertical(values: np.ndarray, chart: Chart) -> Scale:
    """Return the scale of y, which need not hold outliers."""
    if not chart.log:
        low, high = np.percentile(values, (2, 98))
        slack = BEYOND * max(high - low, 1e-12 + 0.05 * abs(high))
        values = values[(values >= low - slack) & (values <= high + slack)]
    levels = [v for v, _ in chart.levels if v > 0 or not chart.log]
    low, high = chart.bounds or (min([*values, *levels]), max([*values, *levels]))
    return round_scale(float(low), float(high), BOTTOM, TOP, log=chart.log)


def round_scale(low: float, high: float, start: float, end: float, *, log: bool = False) -> Scale:
    """Return a scale that starts and ends at a tick, and at 0 if its values nearly reach 0."""
    if log:
        first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        return Scale(10.0**first, 10.0 ** max(last, first + 1), start, end, log=True)
    if 0 < low < 0.4 * high:
        low = 0.0
    step = nice_step((high - low) or abs(high) or 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(first * step, max(last, first + 1) * step, start, end, step=step)


def nice_step(span: float, parts: int = 4) -> float:
    """Return 1, 2 or 5 × 10ⁿ: the smallest step that divides a span into at most `parts` parts."""
    raw = span / parts
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10, 20) if m * power >= raw * (1 - 1e-9))


def _bottom_ticks(x: Scale) -> list[tuple[float, str, str]]:
    """Return place, text and anchor of the ticks that fit below a chart; the last one has the unit."""
    *ticks, end = x.ticks()
    whole = all(float(t).is_integer() and abs(t) < 1e9 for t in (*ticks, end))
    last = f"{count(round(end)) if whole else short(end)} steps"
    stop = min(x(end) + LETTER * len(last) / 2, RIGHT)
    free, parts = stop - LETTER * (len(last) + 1), [(stop, last, " end")]
    for t in ticks:
        text = count(round(t)) if whole else short(t)
        if x(t) + LETTER * len(text) / 2 < free:
            parts.append((x(t), text, " mid" if t else ""))
    return parts


def short(value: float) -> str:
    """Write a value in the width of a margin: 0.25, −1,500, −20k, 1.5M, 2e−5."""
    size = abs(value)
    if 1e4 <= size < 1e9:
        text = f"{value / 1e6:.10g}M" if size >= 1e6 else f"{value / 1e3:.10g}k"
    elif size and (size < 0.01 or size >= 1e9):
        mantissa, power = f"{value:.2e}".split("e")
        text = f"{float(mantissa):g}e{int(power)}"
    else:
        text = f"{value:,.10g}"
    return text.replace("-", "−")


def _path(line: Line, x: Scale, y: Scale) -> str:
    """Return the path of a curve; a value between two gaps is a dot, which the round ends of the pen draw."""
    points, pen = [], "M"
    for a, b in zip(line.x, line.y):
        if not math.isfinite(b) or (y.log and b <= 0):
            pen = "M"
            continue
        points.append(f"{pen}{x(a)} {y(b)}{'h0' if pen == 'M' else ''}")
        pen = "L"
    return "".join(points)

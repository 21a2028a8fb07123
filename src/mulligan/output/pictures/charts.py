"""Draw curves over the steps as SVG, for reports and notebooks, with `STYLE` as their style sheet.

A chart is drawn in units of about a pixel, `WIDTH` by `HEIGHT`, and the page scales it. A value far beyond all others
is cut off at the frame and marked by a triangle, so that it does not flatten the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mulligan.output.figures import figure
from mulligan.output.pictures import svg

WIDTH, HEIGHT = 400, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 388, 12, 180
"""The edges of the frame."""
POINTS = 400
"""Maximum number of points of a curve. Longer curves show means of neighbours."""
BEYOND = 4.0
"""A value is cut off if it lies this many times the usual spread outside."""
MARKED = 12
"""Maximum number of triangles on one edge."""
STYLE = Path(__file__).with_name("charts.css").read_text("utf-8")


@dataclass(frozen=True)
class Line:
    """A curve, which values that are not finite break.

    `who`, "real", "fake" or "judge", chooses the colour. An earlier try's curve is `faint`.
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
class Chart:
    """A frame with curves over steps from 0 to `end`, and `words` below.

    On a `log` scale, values that are not positive break a curve. `levels` are horizontal dashed lines, a floor or an
    ideal; `bounds` are those of y, if they are fixed.
    """

    title: str
    unit: str
    words: str
    lines: Sequence[Line]
    end: float = 1.0
    marks: Sequence[Mark] = ()
    log: bool = False
    levels: Sequence[tuple[float, str]] = ()
    bounds: tuple[float, float] | None = None


def draw(chart: Chart) -> str:
    """Return a chart as an HTML figure; empty if no curve has a value."""
    lines = [_thin(line) for line in chart.lines if len(line.y)]
    own = [line for line in lines if not line.faint]
    values = _finite(own, chart.log) or _finite(lines, chart.log)  # earlier tries do not set the axis
    if not values:
        return ""
    x, y = svg.Scale(0.0, chart.end or 1.0, LEFT, RIGHT), _vertical(np.array(values), chart)
    parts = [
        svg.left_axis(y, LEFT, RIGHT),
        svg.bottom_axis(x, BOTTOM + 18, RIGHT, unit="steps"),
        *(_level(y(v), words) for v, words in chart.levels if y.low <= v <= y.high),
        *(_mark(x(mark.x), mark) for mark in chart.marks if 0 <= mark.x <= chart.end),
        *(_curve(line, x, y) for line in sorted(lines, key=lambda each: not each.faint)),
    ]
    ends = {line.name: figure(line.y[-1]) for line in own}
    legend = "".join(
        f'<span class="key {line.who}"><i></i>{svg.escape(line.name)} <b>{ends[line.name]}</b></span>\n' for line in own
    )
    unit = ", ".join(filter(None, (chart.unit, "log scale" if chart.log else "")))
    title, words = svg.escape(chart.title), svg.escape(chart.words)
    label = f"{chart.title} over steps; at the end {', '.join(f'{name} {end}' for name, end in ends.items())}"
    view = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria_label": label}
    caption = f'<strong>{title}</strong> <span class="unit">{svg.escape(unit)}</span> {legend}'
    return (
        f'<figure class="chart"><figcaption>{caption}</figcaption>{svg.element("svg", "".join(parts), **view)}'
        f"<p>{words}</p></figure>\n"
    )


def _thin(line: Line) -> Line:
    """Return a curve with at most `POINTS` points, each the mean of neighbours."""
    n = len(line.x)
    if n <= POINTS:
        return line
    cuts = np.linspace(0, n, POINTS + 1).round().astype(int)
    x, y = ([float(np.mean(v[a:b])) for a, b in zip(cuts[:-1], cuts[1:])] for v in (line.x, line.y))
    return Line(line.name, line.who, x, y, line.faint)


def _finite(lines: Sequence[Line], log: bool) -> list[float]:
    return [y for line in lines for y in line.y if math.isfinite(y) and (y > 0 or not log)]


def _vertical(values: np.ndarray, chart: Chart) -> svg.Scale:
    """Return the scale of y, which need not hold outliers."""
    if not chart.log:
        low, high = np.percentile(values, (2, 98))
        slack = BEYOND * max(high - low, 1e-12 + 0.05 * abs(high))
        values = values[(values >= low - slack) & (values <= high + slack)]
    levels = [v for v, _ in chart.levels if v > 0 or not chart.log]
    low, high = chart.bounds or (min([*values, *levels]), max([*values, *levels]))
    return svg.rounded(float(low), float(high), BOTTOM, TOP, log=chart.log)


def _level(y: float, words: str) -> str:
    line = svg.element("line", cls="level", x1=LEFT, x2=RIGHT, y1=y, y2=y)
    return line + svg.text(RIGHT, y - 4 if y > TOP + 10 else y + 13, words, "tick end")


def _mark(x: float, mark: Mark) -> str:
    sign = svg.element("circle", cls=mark.kind, cx=x, cy=TOP - 4, r=4)
    line = svg.element("line", cls=mark.kind, x1=x, x2=x, y1=TOP, y2=BOTTOM)
    return svg.element("g", svg.element("title", svg.escape(mark.words)) + line + sign, cls="mark")


def _curve(line: Line, x: svg.Scale, y: svg.Scale) -> str:
    points, edges, pen = [], [], "M"
    for a, b in zip(line.x, line.y):
        if not math.isfinite(b) or (y.log and b <= 0):
            pen = "M"
            continue
        inside = min(max(b, y.low), y.high)
        points.append(f"{pen}{x(a):.1f} {y(inside):.1f}")
        pen = "L"
        if inside != b:
            edges.append(f"M{x(a):.1f} {TOP}l4 7h-8z" if b > y.high else f"M{x(a):.1f} {BOTTOM}l4 -7h-8z")
    colour = f"{line.who}{' faint' if line.faint else ''}"
    if len(points) == 1:
        colour += " dot"
        points.append("l0.01 0")
    every = max(1, math.ceil(len(edges) / MARKED))
    triangles = (svg.element("path", cls=f"edge {colour}", d=edge) for edge in edges[::every])
    return svg.element("path", cls=f"curve {colour}", d="".join(points)) + "".join(triangles)

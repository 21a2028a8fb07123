"""Draw curves as SVG. They use the page's colours, and are readable without a script, which adds the values.

A chart is drawn in units of about a pixel, `WIDTH` by `HEIGHT`, and the page scales it. A value far beyond all others
is cut off at the frame and marked by a triangle, so that it does not flatten the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mulligan.output.figures import figure
from mulligan.output.pages import template
from mulligan.output.pictures import svg

WIDTH, HEIGHT = 400, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 30
POINTS = 400
"""Maximum number of points of a curve. Longer curves show means of neighbours."""
BEYOND = 4.0
"""A value is cut off if it lies this many times the usual spread outside."""
MARKED = 12
"""Maximum number of triangles on one edge."""


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
class Axis:
    """The horizontal axis, from 0 to `end`, and what happened on the way."""

    unit: str = "steps"
    end: float = 1.0
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Chart:
    """A frame with curves, and `words` below. On a `log` scale, values that are not positive break a curve.

    `levels` are horizontal dashed lines, a floor or an ideal; `bounds` are those of y, if they are fixed.
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
    """Return a curve with at most `POINTS` points, each the mean of neighbours."""
    n = len(line.x)
    if n <= POINTS:
        return line
    cuts = np.linspace(0, n, POINTS + 1).round().astype(int)
    x, y = ([float(np.mean(v[a:b])) for a, b in zip(cuts[:-1], cuts[1:])] for v in (line.x, line.y))
    return Line(line.name, line.who, x, y, line.faint)


def draw(chart: Chart) -> str:
    """Return a chart as an HTML figure; empty if no curve has a value."""
    lines = [thinned(line) for line in chart.lines]
    read = _finite([line for line in lines if not line.faint], chart.log)
    values = read if len(read) else _finite(lines, chart.log)  # earlier tries do not set the axis
    if not len(values):
        return ""
    x = svg.Scale(0.0, chart.axis.end or 1.0, LEFT, WIDTH - RIGHT)
    y = _upright(values, chart)
    parts = [
        svg.left_axis(y, LEFT, WIDTH - RIGHT),
        svg.bottom_axis(x, HEIGHT - BOTTOM + 18, WIDTH - RIGHT, unit=chart.axis.unit),
        *(_level(y(v), words) for v, words in chart.levels if y.low <= v <= y.high),
        *(_mark(x(mark.x), mark) for mark in chart.axis.marks if 0 <= mark.x <= chart.axis.end),
        *(_curve(line, x, y) for line in sorted(lines, key=lambda each: not each.faint)),
        svg.element("line", cls="cursor", x1=0, x2=0, y1=TOP, y2=HEIGHT - BOTTOM, hidden=""),
    ]
    shown = [line for line in lines if not line.faint and len(line.y)]
    ends = ", ".join(f"{line.name} {figure(line.y[-1])}" for line in shown)
    return template(Path(__file__).parent / "chart.html").render(
        chart=chart,
        shown=shown,
        unit=", ".join(filter(None, (chart.unit, "log scale" if chart.log else ""))),
        label=f"{chart.title} over {chart.axis.unit}{', logarithmic scale' if chart.log else ''}; at the end {ends}",
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        parts="".join(parts),
    )


def _finite(lines: Sequence[Line], log: bool) -> np.ndarray:
    return np.array([y for line in lines for y in line.y if math.isfinite(y) and (y > 0 or not log)])


def _upright(values: np.ndarray, chart: Chart) -> svg.Scale:
    """Return the scale of y."""
    levels = [v for v, _ in chart.levels if v > 0 or not chart.log]
    near = values if chart.log else values[within(values)]
    low, high = chart.bounds or (min([*near, *levels]), max([*near, *levels]))
    return svg.rounded(float(low), float(high), HEIGHT - BOTTOM, TOP, log=chart.log)


def within(values: np.ndarray) -> np.ndarray:
    """Return which values an axis must show: all except outliers."""
    low, high = np.percentile(values, (2, 98))
    slack = BEYOND * max(high - low, 1e-12 + 0.05 * abs(high))
    found: np.ndarray = (values >= low - slack) & (values <= high + slack)
    return found


def _level(y: float, words: str) -> str:
    line = svg.element("line", cls="level", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    return line + svg.text(WIDTH - RIGHT, y - 4 if y > TOP + 10 else y + 13, words, "tick end")


def _mark(x: float, mark: Mark) -> str:
    y = TOP - 4
    if mark.kind == "alarm" or mark.kind == "warning":
        sign = svg.element("path", cls=mark.kind, d=f"M{x:.1f} {y - 5}l5 5-5 5-5-5z")
    else:
        sign = svg.element("circle", cls=mark.kind, cx=x, cy=y, r=4)
    line = svg.element("line", cls=mark.kind, x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM)
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
            edges.append((x(a), b > y.high))
    faint = " faint" if line.faint else ""
    values: dict[str, str] = {}
    if not line.faint:  # for the page's script
        values = {
            "data_name": line.name,
            "data_x": " ".join(f"{v:g}" for v in line.x),
            "data_y": " ".join(map(figure, line.y)),
        }
    dot = ""
    if len(points) == 1:
        dot = " dot"
        points.append("l0.01 0")
    triangles = (
        svg.element(
            "path",
            cls=f"edge {line.who}{faint}",
            d=f"M{at:.1f} {TOP}l4 7h-8z" if up else f"M{at:.1f} {HEIGHT - BOTTOM}l4 -7h-8z",
        )
        for at, up in edges[:: max(1, math.ceil(len(edges) / MARKED))]
    )
    path = svg.element("path", cls=f"curve {line.who}{faint}{dot}", d="".join(points), **values)
    return path + "".join(triangles)

"""Draw the results of a study as static SVG: each seed is a dot, the range a line, the median a tick.

The SVG has no script and no fonts, and its colours survive printing. Text stays text, so that it can be searched.
"""

from collections.abc import Sequence
from typing import Any

from mulligan.output.pictures import svg
from mulligan.studies.table import Row, Spread, figure_of

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#b8860b", "#3d6b6b", "#9c3d5c", "#5a5a5a")
STYLE = ".rule{stroke:#000;opacity:.12}.end{text-anchor:end}.mid{text-anchor:middle}.title{font-weight:600}"
DECADES = 30.0
"""Ratio of largest to smallest value above which the axis is logarithmic."""
_LINE = 20  # pixels a row
_WIDTH = 760


def dots(rows: Sequence[Row], name: str) -> str:
    """Draw one figure of all variations, as an ``<svg>`` element; empty if no variation has the figure."""
    shown = [(row.name, row.figures[name]) for row in rows if name in row.figures]
    if not shown:
        return ""
    left, right = 16 + svg.LETTER * max(len(label) for label, _ in shown), _WIDTH - 24
    height = 44 + _LINE * len(shown)
    x = _scale([v for _, spread in shown for v in spread.values], left, right)
    parts = [svg.bottom_axis(x, height - 17, _WIDTH, rules=(8, height - 30))]
    for y, (label, spread) in zip(range(14 + _LINE // 2, height, _LINE), shown):
        parts += [svg.text(left - 10, y + 4, label, "tick end"), *_marks(spread, x, y)]
    parts.append(svg.text((left + right) / 2, height - 2, _caption(name), "title mid"))
    return _whole(height, f"{figure_of(name).label}, by variation", parts)


def curves(rows: Sequence[Row], name: str, *, log_x: bool = False) -> str:
    """Draw one figure over the steps, with a line through the medians of each variation.

    Returns an ``<svg>`` element; empty if nothing was measured before the end. With `log_x`, the axis of steps is
    logarithmic, from 1 on.
    """
    lines = [(row.name, points) for row in rows if len(points := _points(row, name)) > 1]
    if not lines:
        return ""
    left, right, bottom = 58, _WIDTH - 16 - svg.LETTER * max(len(label) for label, _ in lines), 272
    steps = [max(step, int(log_x)) for _, points in lines for step, _ in points]
    x = svg.Scale(min(steps), max(steps), left, right, log_x)
    y = _scale([spread.median for _, points in lines for _, spread in points], bottom, 12)
    parts = [svg.bottom_axis(x, bottom + 18, _WIDTH, rules=(12, bottom)), svg.left_axis(y, left, right)]
    ends: list[float] = []
    for i, (label, points) in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        at = [(x(max(step, int(log_x))), y(spread.median)) for step, spread in points]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
        dash = None if i < len(COLOURS) else "5 3"
        line: dict[str, Any] = {"stroke": colour, "stroke_width": "1.8", "stroke_dasharray": dash}
        parts.append(svg.element("polyline", points=path, fill="none", **line))
        ends.append(_apart(at[-1][1], ends))
        parts.append(svg.text(right + 6, ends[-1] + 4, label, fill=colour))
    parts.append(svg.text((left + right) / 2, 312, f"{_caption(name)} over the steps", "title mid"))
    return _whole(316, f"{figure_of(name).label}, over the steps", parts)


def _points(row: Row, name: str) -> list[tuple[int, Spread]]:
    found = [(step, figures[name]) for step, figures in row.measurements.items() if name in figures]
    if name in row.figures and row.steps not in row.measurements:
        found.append((row.steps, row.figures[name]))
    return found


def _scale(values: Sequence[float], start: float, end: float) -> svg.Scale:
    low, high = min(values), max(values)
    return svg.rounded(low, high, start, end, log=low > 0 and high / low > DECADES)


def _marks(spread: Spread, x: svg.Scale, y: int) -> list[str]:
    blue, red = COLOURS[:2]
    low, high, middle = x(spread.low), x(spread.high), x(spread.median)
    return [
        svg.element("line", x1=low, x2=high, y1=y, y2=y, stroke=blue, stroke_width="1.5"),
        *(svg.element("circle", cx=x(v), cy=y, r=3, fill=blue, opacity=".55") for v in spread.values),
        svg.element("line", x1=middle, x2=middle, y1=y - 7, y2=y + 7, stroke=red, stroke_width="2.5"),
    ]


def _apart(y: float, taken: list[float]) -> float:
    """Move a label down until it overlaps no other."""
    while any(abs(y - other) < 12 for other in taken):
        y += 3
    return y


def _caption(name: str) -> str:
    figure = figure_of(name)
    return figure.label + {"low": " (lower is better)", "high": " (higher is better)", "": ""}[figure.better]


def _whole(height: int, title: str, parts: Sequence[str]) -> str:
    """Return an SVG that works inside a page and as a file."""
    ground = svg.element("rect", width="100%", height="100%", fill="#fff")
    words = {"font_family": "system-ui, sans-serif", "font_size": 12, "fill": "#222", "role": "img"}
    return svg.element(
        "svg",
        "".join([svg.element("title", svg.escape(title)), svg.element("style", STYLE), ground, *parts]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        width=_WIDTH,
        **words,
    )

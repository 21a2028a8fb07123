"""Plots of a study as static SVG: every seed a dot, the range a line, the median a tick.

No script, no fonts, no colours that vanish in print; the text is text, so that it can be searched and read aloud.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mulligan.studies.table import figure_of, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulligan.studies.table import Row, Spread

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#b8860b", "#3d6b6b", "#9c3d5c", "#5a5a5a")
_LINE = 20  # pixels a row
_WIDTH = 760
DECADES = 30.0  # a ratio of largest to smallest from which on the axis is logarithmic


def dots(rows: Sequence[Row], name: str) -> str:
    """Draw one figure of all variations.

    Parameters
    ----------
    rows : sequence of Row
    name : str
        Of the figure.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    shown = [(row.name, row.figures[name]) for row in rows if name in row.figures]
    if not shown:
        return ""
    left = 16 + 6.6 * max(len(label) for label, _ in shown)
    scale = _Scale([v for _, spread in shown for v in spread.values], left, _WIDTH - 24)
    height = 44 + _LINE * len(shown)
    parts = [_open(height, f"{figure_of(name).words}, by variation"), *_axis(scale, height - 22)]
    for i, (label, spread) in enumerate(shown):
        y = 14 + _LINE * i + _LINE / 2
        parts.append(f'<text x="{left - 10:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
        parts += _marks(spread, scale, y)
    parts.append(_caption(name, (left + _WIDTH - 24) / 2, height - 2))
    return "".join([*parts, "</svg>"])


def curves(rows: Sequence[Row], name: str, *, log_x: bool = False) -> str:
    """Draw one figure over the steps, a line through the medians for each variation; empty without earlier looks.

    Parameters
    ----------
    rows : sequence of Row
    name : str
        Of the figure.
    log_x : bool
        Steps on a logarithmic axis (from 1 on).

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    lines = [(row.name, points) for row in rows if len(points := _points(row, name)) > 1]
    if not lines:
        return ""
    left, right, top, bottom = 64.0, _WIDTH - 16.0 - 6.2 * max(len(label) for label, _ in lines), 12.0, 272.0
    steps = [max(step, 1) if log_x else step for _, points in lines for step, _ in points]
    x = _Scale(steps, left, right, log=log_x)
    y = _Scale([s.median for _, points in lines for _, s in points], bottom, top)
    parts = [_open(316, f"{figure_of(name).words}, over the steps"), *_axis(x, bottom + 8), *_side(y, left - 6, right)]
    ends: list[float] = []
    for i, (label, points) in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        at = [(x(max(step, 1) if log_x else step), y(spread.median)) for step, spread in points]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
        dash = "" if i < len(COLOURS) else ' stroke-dasharray="5 3"'
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>')
        ends.append(_apart(at[-1][1], ends))
        parts.append(f'<text x="{right + 6:.1f}" y="{ends[-1] + 4:.1f}" fill="{colour}">{escape(label)}</text>')
    parts.append(_caption(name, (left + right) / 2, 312, " over the steps"))
    return "".join([*parts, "</svg>"])


def _points(row: Row, name: str) -> list[tuple[int, Spread]]:
    found = [(step, figures[name]) for step, figures in row.looks.items() if name in figures]
    if name in row.figures and row.steps not in row.looks:
        found.append((row.steps, row.figures[name]))
    return found


def _marks(spread: Spread, scale: _Scale, y: float) -> list[str]:
    a, b, m = scale(spread.low), scale(spread.high), scale(spread.median)
    found = [f'<line x1="{a:.1f}" x2="{b:.1f}" y1="{y}" y2="{y}" stroke="{COLOURS[0]}" stroke-width="1.5"/>']
    found += [f'<circle cx="{scale(v):.1f}" cy="{y}" r="3" fill="{COLOURS[0]}" opacity=".55"/>' for v in spread.values]
    found.append(
        f'<line x1="{m:.1f}" x2="{m:.1f}" y1="{y - 7}" y2="{y + 7}" stroke="{COLOURS[1]}" stroke-width="2.5"/>'
    )
    return found


def _apart(y: float, taken: list[float]) -> float:
    """Move a label down until it touches no other."""
    while any(abs(y - other) < 12 for other in taken):
        y += 3
    return y


class _Scale:
    """From values to pixels, logarithmic where the values span decades."""

    def __init__(self, values: Sequence[float], start: float, end: float, log: bool | None = None):
        low, high = min(values), max(values)
        self.log = (low > 0 and high / low > DECADES) if log is None else log
        if self.log:
            self.low, self.high = math.log10(low), math.log10(high)
        else:
            self.low, self.high = (0.0, high) if 0 <= low < 0.5 * high else (low, high)
        if self.high - self.low < 1e-12 * max(1.0, abs(self.high)):
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Give the pixel."""
        v = math.log10(max(value, 1e-300)) if self.log else value
        return self.start + (self.end - self.start) * (v - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Give round values inside, about five."""
        if self.log:
            first, last = math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9)
            if last - first >= 1:
                return [10.0**k for k in range(first, last + 1, max(1, (last - first) // 5))]
            return [10.0**self.low, 10.0**self.high]
        raw = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)
        return [step * k for k in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]


def _axis(scale: _Scale, y: float) -> list[str]:
    parts = []
    for value in scale.ticks():
        x = scale(value)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{y - 8:.1f}" stroke="#000" opacity="0.12"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle">{number(value)}</text>')
    return parts


def _side(scale: _Scale, x: float, right: float) -> list[str]:
    parts = []
    for value in scale.ticks():
        y = scale(value)
        parts.append(f'<line x1="{x:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#000" opacity="0.12"/>')
        parts.append(f'<text x="{x - 4:.1f}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    return parts


def _caption(name: str, x: float, y: float, more: str = "") -> str:
    figure = figure_of(name)
    better = {"low": " (lower is better)", "high": " (higher is better)", "": ""}[figure.better]
    words = f"{escape(figure.words)}{better}{more}"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-weight="600">{words}</text>'


def _open(height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#222"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>'
    )

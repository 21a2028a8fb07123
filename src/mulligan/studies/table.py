"""Build the table of a study, the median over the seeds with the range, and draw one figure of it as static SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from mulligan.doors.write import atomic_write
from mulligan.metrics import Metric
from mulligan.output.pictures import svg
from mulligan.studies.measures import FIGURES
from mulligan.studies.runner import StudyRun

USUAL = ("fd", "fd_pca", "coverage", "classes", "modes", "good", "distance", "d_real", "d_fake", "gradient")
"""Default columns, of those that were measured."""
SHOWN = 6
"""Maximum number of default columns."""

BLUE, RED = "#1b6ca8", "#c8553d"
STYLE = ".rule{stroke:#000;opacity:.12}.end{text-anchor:end}.mid{text-anchor:middle}.title{font-weight:600}"
DECADES = 30.0
"""Ratio of largest to smallest value above which the axis of the plot is logarithmic."""
_LINE = 20  # pixels a row
_WIDTH = 760


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds of a variation, in their order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value; of an even number, the mean of the two middle ones."""
        return float(median(self.values))

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)

    def __str__(self) -> str:
        middle, low, high = (number(v) for v in (self.median, self.low, self.high))
        return middle if low == high else f"{middle} ({low}…{high})"


@dataclass(frozen=True)
class StudyRow:
    """A variation in the table: how many of its cells have each status, and the figures of those that are done."""

    name: str
    steps: int
    done: int
    diverged: int
    failed: int
    figures: dict[str, Spread]
    measurements: dict[int, dict[str, Spread]]
    """The figures at earlier steps."""
    cpu: float
    """Median CPU-seconds of its steps."""


def rows_of(results: Iterable[dict[str, Any]]) -> list[StudyRow]:
    """Group the lines of ``results.jsonl`` by variation, in order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault(result["variation"], []).append(result)
    return [_row(name, group) for name, group in groups.items()]


def _row(name: str, group: list[dict[str, Any]]) -> StudyRow:
    done = [result for result in group if result["status"] == "done"]
    counted = {status: sum(r["status"] == status for r in group) for status in ("done", "diverged", "failed")}
    steps = sorted({each["step"] for result in done for each in result["measurements"]})
    measured = {
        step: _spreads([each["figures"] for r in done for each in r["measurements"] if each["step"] == step])
        for step in steps
    }
    cpu = median([result["clock"]["cpu"] for result in done]) if done else 0.0
    figures = _spreads([r["figures"] for r in done])
    return StudyRow(name, group[0]["steps"], **counted, figures=figures, measurements=measured, cpu=cpu)


def _spreads(all_figures: list[dict[str, float]]) -> dict[str, Spread]:
    names = dict.fromkeys(name for figures in all_figures for name in figures)
    return {name: Spread(tuple(f[name] for f in all_figures if name in f)) for name in names}


def columns_of(rows: Sequence[StudyRow], asked: Sequence[str] = ()) -> list[str]:
    """Choose the columns: those of the study, or the usual ones, if they were measured."""
    measured = list(dict.fromkeys(name for row in rows for name in row.figures))
    found = [name for name in asked if name in measured]
    usual = [name for name in USUAL if name in measured]
    return found or (usual or sorted(measured))[:SHOWN]


def figure_of(name: str) -> Metric:
    """Return the description of a figure. An unlisted figure is described by its name."""
    return FIGURES.get(name, Metric(name))


def text(rows: Sequence[StudyRow], columns: Sequence[str]) -> list[str]:
    """Write the table as lines."""
    head = ["", "steps", "seeds", *columns]
    cells = [head, *([row.name, f"{row.steps:,}", seeds(row), *_figures(row, columns)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in cells]
    legend = "; ".join(f"{name}: {figure_of(name).label}" for name in columns)
    return [*(line.rstrip() for line in lines), "", f"median (range) over the seeds. {legend}"]


def seeds(row: StudyRow) -> str:
    """Write how many cells are done, and how many diverged or failed."""
    lost = [f"{n} {word}" for n, word in ((row.diverged, "diverged"), (row.failed, "failed")) if n]
    return ", ".join([str(row.done), *lost])


def _figures(row: StudyRow, columns: Sequence[str]) -> list[str]:
    return [str(row.figures[name]) if name in row.figures else "–" for name in columns]


def number(value: float) -> str:
    """Write a figure with three digits."""
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.1e}"
    if float(value).is_integer() and abs(value) < 1000:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def dots(rows: Sequence[StudyRow], name: str) -> str:
    """Draw one figure of all variations, as an ``<svg>`` element; empty if no variation has the figure.

    Each seed is a dot, the range a line, the median a tick. Above a ratio of `DECADES`, the axis is logarithmic.
    """
    shown = [(row.name, row.figures[name]) for row in rows if name in row.figures]
    if not shown:
        return ""
    left, right = 16 + svg.LETTER * max(len(label) for label, _ in shown), _WIDTH - 24
    height = 44 + _LINE * len(shown)
    values = [value for _, spread in shown for value in spread.values]
    low, high = min(values), max(values)
    x = svg.rounded(low, high, left, right, log=low > 0 and high / low > DECADES)
    parts = [svg.bottom_axis(x, height - 17, _WIDTH, rules=(8, height - 30))]
    for y, (label, spread) in zip(range(14 + _LINE // 2, height, _LINE), shown):
        middle = x(spread.median)
        parts += [
            svg.text(left - 10, y + 4, label, "tick end"),
            svg.element("line", x1=x(spread.low), x2=x(spread.high), y1=y, y2=y, stroke=BLUE, stroke_width="1.5"),
            *(svg.element("circle", cx=x(v), cy=y, r=3, fill=BLUE, opacity=".55") for v in spread.values),
            svg.element("line", x1=middle, x2=middle, y1=y - 7, y2=y + 7, stroke=RED, stroke_width="2.5"),
        ]
    figure = figure_of(name)
    caption = figure.label + {"low": " (lower is better)", "high": " (higher is better)", "": ""}[figure.better]
    parts.append(svg.text((left + right) / 2, height - 2, caption, "title mid"))
    ground = svg.element("rect", width="100%", height="100%", fill="#fff")
    title = svg.element("title", svg.escape(f"{figure.label}, by variation"))
    return svg.element(
        "svg",
        "".join([title, svg.element("style", STYLE), ground, *parts]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        width=_WIDTH,
        font_family="system-ui, sans-serif",
        font_size=12,
        fill="#222",
        role="img",
    )


def write_table(run: StudyRun) -> list[str]:
    """Write ``table.txt`` and ``plot.svg``, of its first column, from the results so far; return the table's lines."""
    rows = rows_of(run.results.values())
    columns = columns_of(rows, run.study.columns)
    lines = text(rows, columns)
    atomic_write(run.folder / "table.txt", ("\n".join(lines) + "\n").encode())
    for name in columns[:1]:
        atomic_write(run.folder / "plot.svg", dots(rows, name).encode())
    return lines

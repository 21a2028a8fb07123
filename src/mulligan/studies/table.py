"""Build the table of a study, the median over the seeds with the range, and plot one figure of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any

from mulligan.doors.say import escape
from mulligan.doors.write import atomic_write
from mulligan.metrics import Metric
from mulligan.studies.measures import FIGURES
from mulligan.studies.runner import StudyRun

SHOWN = 6  # maximum number of columns of a study that names none
BLUE, RED = "#1b6ca8", "#c8553d"
DECADES = 30.0  # ratio of largest to smallest value above which the axis of the plot is logarithmic


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds of a variation, in their order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value; of an even number, the mean of the two middle ones."""
        return float(median(self.values))

    def __str__(self) -> str:
        middle, low, high = (number(v) for v in (self.median, min(self.values), max(self.values)))
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
    figures = _spreads([r["figures"] for r in done])
    return StudyRow(name, group[0]["steps"], **counted, figures=figures, measurements=measured)


def _spreads(all_figures: list[dict[str, float]]) -> dict[str, Spread]:
    names = dict.fromkeys(name for figures in all_figures for name in figures)
    return {name: Spread(tuple(f[name] for f in all_figures if name in f)) for name in names}


def columns_of(rows: Sequence[StudyRow], asked: Sequence[str] = ()) -> list[str]:
    """Choose the columns: those of the study that were measured, or the first figures."""
    measured = list(dict.fromkeys(name for row in rows for name in row.figures))
    return [name for name in asked if name in measured] or measured[:SHOWN]


def figure_of(name: str) -> Metric:
    """Return the description of a figure. An unlisted figure is described by its name."""
    return FIGURES.get(name, Metric(name))


def text(rows: Sequence[StudyRow], columns: Sequence[str]) -> list[str]:
    """Write the table as lines."""
    head = ["", "steps", "seeds", *columns]
    figures = ([str(row.figures.get(name, "–")) for name in columns] for row in rows)
    cells = [head, *([row.name, f"{row.steps:,}", seeds(row), *shown] for row, shown in zip(rows, figures))]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in cells]
    legend = "; ".join(f"{name}: {figure_of(name).label}" for name in columns)
    return [*(line.rstrip() for line in lines), "", f"median (range) over the seeds. {legend}"]


def seeds(row: StudyRow) -> str:
    """Write how many cells are done, and how many diverged or failed."""
    lost = [f"{n} {word}" for n, word in ((row.diverged, "diverged"), (row.failed, "failed")) if n]
    return ", ".join([str(row.done), *lost])


def number(value: float) -> str:
    """Write a figure with three digits."""
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.1e}"
    if float(value).is_integer() and abs(value) < 1000:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def plot(rows: Sequence[StudyRow], name: str) -> Any:
    """Draw one figure of all variations, as a ``matplotlib.figure.Figure``.

    Each seed is a dot, the range a line, the median a tick. Above a ratio of `DECADES`, the axis is logarithmic.
    """
    from matplotlib.figure import Figure

    spreads = {row.name: row.figures[name] for row in rows if name in row.figures}
    values = [value for spread in spreads.values() for value in spread.values]
    picture = Figure(figsize=(8, 0.6 + 0.25 * len(spreads)), layout="constrained")
    axes = picture.subplots()
    for y, spread in enumerate(spreads.values()):
        axes.plot(spread.values, [y] * len(spread.values), "o-", color=BLUE, alpha=0.6, markersize=4)
        axes.plot(spread.median, y, "|", color=RED, markersize=14, markeredgewidth=2.5)
    axes.set_yticks(range(len(spreads)), [escape(name)[:60].replace("$", r"\$") for name in spreads])  # no formulas
    axes.invert_yaxis()
    if values and min(values) > 0 and max(values) / min(values) > DECADES:
        axes.set_xscale("log")
    axes.grid(axis="x", alpha=0.3)
    metric = figure_of(name)
    axes.set_xlabel(metric.label + {"low": " (lower is better)", "high": " (higher is better)", "": ""}[metric.better])
    return picture


def write_table(run: StudyRun) -> list[str]:
    """Write ``table.txt`` and, if matplotlib is installed, ``plot.svg`` of its first column; return the lines."""
    rows = rows_of(run.results.values())
    columns = columns_of(rows, run.study.columns)
    lines = text(rows, columns)
    atomic_write(run.folder / "table.txt", ("\n".join(lines) + "\n").encode())
    if columns and find_spec("matplotlib"):
        picture = plot(rows, columns[0])
        atomic_write(run.folder / "plot.svg", lambda file: picture.savefig(file, format="svg"))
    return lines

"""Build the table of a study: the median over the seeds, with the range, for each variation and figure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from mulligan.metrics import Metric
from mulligan.studies.measures import FIGURES

USUAL = ("fd", "fd_pca", "coverage", "classes", "modes", "good", "distance", "d_real", "d_fake", "gradient")
"""Default columns, of those that were measured."""
SHOWN = 6
"""Maximum number of default columns."""


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
class Row:
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


def rows_of(results: Iterable[dict[str, Any]]) -> list[Row]:
    """Group the lines of ``results.jsonl`` by variation, in order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault(result["variation"], []).append(result)
    return [_row(name, group) for name, group in groups.items()]


def _row(name: str, group: list[dict[str, Any]]) -> Row:
    done = [result for result in group if result["status"] == "done"]
    counted = {status: sum(r["status"] == status for r in group) for status in ("done", "diverged", "failed")}
    steps = sorted({each["step"] for result in done for each in result["measurements"]})
    measured = {
        step: _spreads([each["figures"] for r in done for each in r["measurements"] if each["step"] == step])
        for step in steps
    }
    cpu = median([result["clock"]["cpu"] for result in done]) if done else 0.0
    figures = _spreads([r["figures"] for r in done])
    return Row(name, group[0]["steps"], **counted, figures=figures, measurements=measured, cpu=cpu)


def _spreads(all_figures: list[dict[str, float]]) -> dict[str, Spread]:
    names = dict.fromkeys(name for figures in all_figures for name in figures)
    return {name: Spread(tuple(f[name] for f in all_figures if name in f)) for name in names}


def columns_of(rows: Sequence[Row], asked: Sequence[str] = ()) -> list[str]:
    """Choose the columns: those of the study, or the usual ones, if they were measured."""
    measured = measured_in(rows)
    found = [name for name in asked if name in measured]
    usual = [name for name in USUAL if name in measured]
    return found or (usual or sorted(measured))[:SHOWN]


def measured_in(rows: Sequence[Row]) -> list[str]:
    """List the figures that any variation has."""
    return list(dict.fromkeys(name for row in rows for name in row.figures))


def figure_of(name: str) -> Metric:
    """Return the description of a figure. An unlisted figure is described by its name."""
    return FIGURES.get(name, Metric(name))


def text(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Write the table as lines."""
    head = ["", "steps", "seeds", *columns]
    cells = [head, *([row.name, f"{row.steps:,}", seeds(row), *_figures(row, columns)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in cells]
    legend = "; ".join(f"{name}: {figure_of(name).label}" for name in columns)
    return [*(line.rstrip() for line in lines), "", f"median (range) over the seeds. {legend}"]


def seeds(row: Row) -> str:
    """Write how many cells are done, and how many diverged or failed."""
    lost = [f"{n} {word}" for n, word in ((row.diverged, "diverged"), (row.failed, "failed")) if n]
    return ", ".join([str(row.done), *lost])


def _figures(row: Row, columns: Sequence[str]) -> list[str]:
    return [str(row.figures[name]) if name in row.figures else "–" for name in columns]


def number(value: float) -> str:
    """Write a figure with three digits."""
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.1e}"
    if float(value).is_integer() and abs(value) < 1000:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"

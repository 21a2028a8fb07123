"""Collect the curves of a run from its events or its log, and thin them for the page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import read_events

POINTS = 500
CURVES = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "penalty")
MEASUREMENTS = ("g_gradient", "d_gradient", "r2", "spread", "distance", "classes", "coverage")
DISTANCE = ("distance", "modes", "effective_modes", "gap")


class Columns:
    """Named columns of equal length, in the order of their steps; ``step`` is not among the names."""

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.step: list[int] = []
        self.values: dict[str, list[float | None]] = {name: [] for name in self.names}

    def add(self, step: int, values: dict[str, Any]) -> None:
        """Append a row. Rows from this step on are dropped first, because a resumed run repeats them."""
        while self.step and self.step[-1] >= step:
            self.step.pop()
            for column in self.values.values():
                column.pop()
        self.step.append(step)
        for name, column in self.values.items():
            column.append(significant(values.get(name)))

    def join(self, step: int, values: dict[str, Any]) -> None:
        """Add values to the last row if it has the same step; otherwise append a row."""
        if not self.step or self.step[-1] != step:
            self.add(step, values)
            return
        for name in self.values.keys() & values.keys():
            self.values[name][-1] = significant(values[name])

    def thinned(self, points: int = POINTS) -> dict[str, list[Any]]:
        """Return all rows, or `points` evenly chosen ones that include both ends."""
        count = len(self.step)
        rows = [*range(count)] if count <= points else [round(i * (count - 1) / (points - 1)) for i in range(points)]
        columns: dict[str, list[Any]] = {"step": self.step, **self.values}
        return {name: [column[i] for i in rows] for name, column in columns.items()}


@dataclass(eq=False)
class History:
    """Collects a try's curves, and the latest event of each kind."""

    curves: Columns = field(default_factory=lambda: Columns(CURVES))
    measurements: Columns = field(default_factory=lambda: Columns(MEASUREMENTS))
    distance: Columns = field(default_factory=lambda: Columns(DISTANCE))
    diagnoses: list[dict[str, Any]] = field(default_factory=list)
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, event: dict[str, Any]) -> None:
        kind, step = event["event"], event["step"]
        self.latest[kind] = event
        if kind == "stepped":
            self.curves.add(step, with_penalty(event["measures"]))
        elif kind == "measured":
            self.measurements.add(step, event["signals"])
            if "gap" in event["signals"]:
                self.distance.join(step, {"gap": event["signals"]["gap"]})
        elif kind == "evaluated":
            self.distance.join(step, {"distance": event["metrics"].get("kid"), **event["metrics"]})
        elif kind == "diagnosed":
            self.diagnoses.append(event)
        elif kind == "adjusted":
            self.adjustments.append(event)

    def thinned(self) -> dict[str, Any]:
        return {
            "curves": self.curves.thinned(),
            "measurements": self.measurements.thinned(),
            "distance": self.distance.thinned(),
        }


def significant(value: Any) -> float | None:
    """Round a number for a chart, to six significant digits; None for any other value."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def with_penalty(measures: dict[str, Any]) -> dict[str, Any]:
    """Add the sum of the penalties, which are all the measures that have no column."""
    others = [v for name, v in measures.items() if name not in CURVES and isinstance(v, (int, float))]
    return {**measures, "penalty": sum(others) if others else None}


def history_of(folder: Path) -> History:
    """Read a run folder's log. Lines that cannot be read are skipped."""
    history = History()
    for event in read_events(RunFolder(folder).events, strict=False):
        history.add(event)
    return history

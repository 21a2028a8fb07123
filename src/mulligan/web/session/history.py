"""Curves: collected while a run goes on, read back from its folder, and thinned so that a page can draw them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mulligan.training.store.folder import RunFolder
from mulligan.training.store.log import read_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

POINTS = 500
CURVES = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "penalty")
LOOKS = ("g_gradient", "d_gradient", "x_gradient", "spread", "distance", "classes", "coverage")
DISTANCE = ("kid", "modes", "effective_modes", "gap")


class Columns:
    """Named columns of equal length, in the order of their steps.

    Parameters
    ----------
    names : sequence of str
        Without ``step``, which is always there.
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.step: list[int] = []
        self.values: dict[str, list[float | None]] = {name: [] for name in self.names}

    def add(self, step: int, values: dict[str, Any]) -> None:
        """Append a row; a step that was there already begins anew from there."""
        while self.step and self.step[-1] >= step:
            self.step.pop()
            for column in self.values.values():
                column.pop()
        self.step.append(step)
        for name, column in self.values.items():
            column.append(number(values.get(name)))

    def join(self, step: int, values: dict[str, Any]) -> None:
        """Add values to the last row, where it is of the same step; else append one."""
        if not self.step or self.step[-1] != step:
            self.add(step, values)
            return
        for name in self.values.keys() & values.keys():
            self.values[name][-1] = number(values[name])

    def thinned(self, points: int = POINTS) -> dict[str, list[Any]]:
        """Return all rows, or evenly chosen ones where there are more than `points`; the ends are kept."""
        count = len(self.step)
        rows = [*range(count)] if count <= points else [round(i * (count - 1) / (points - 1)) for i in range(points)]
        found: dict[str, list[Any]] = {"step": [self.step[i] for i in rows]}
        return found | {name: [significant(column[i]) for i in rows] for name, column in self.values.items()}


@dataclass(eq=False)
class Story:
    """All curves of a try."""

    curves: Columns = field(default_factory=lambda: Columns(CURVES))
    looks: Columns = field(default_factory=lambda: Columns(LOOKS))
    distance: Columns = field(default_factory=lambda: Columns(DISTANCE))
    diagnoses: list[dict[str, Any]] = field(default_factory=list)
    adjustments: list[dict[str, Any]] = field(default_factory=list)

    def report(self, step: int, measures: dict[str, Any]) -> None:
        """Add what a report measured."""
        self.curves.add(step, measured(measures))

    def look(self, step: int, signals: dict[str, Any]) -> None:
        """Add what a look found."""
        self.looks.add(step, sloped(signals))
        if "gap" in signals:
            self.distance.join(step, {"gap": signals["gap"]})

    def evaluated(self, step: int, metrics: dict[str, Any]) -> None:
        """Add what an evaluation found."""
        self.distance.join(step, {name: value for name, value in metrics.items() if name in DISTANCE})

    def thinned(self) -> dict[str, Any]:
        """Return the three charts' columns."""
        return {
            "curves": self.curves.thinned(),
            "looks": self.looks.thinned(),
            "distance": self.distance.thinned(),
        }


def significant(value: Any) -> float | None:
    """Round to six significant digits, more than a chart can show; None for anything but a number."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def number(value: Any) -> float | None:
    """Return a figure that a file holds; None for what is none."""
    return float(value) if isinstance(value, (int, float)) else None


def sloped(signals: dict[str, Any]) -> dict[str, Any]:
    """Add the slope of D at the fakes, of which a look measures the square."""
    r2 = signals.get("r2")
    return signals | {"x_gradient": None if r2 is None else r2**0.5}


def measured(measures: dict[str, Any]) -> dict[str, Any]:
    """Put the penalties together: what is none of the other measures is one."""
    others = [v for name, v in measures.items() if name not in CURVES and isinstance(v, (int, float))]
    return {**measures, "penalty": sum(others) if others else None}


def story_of(folder: Path) -> Story:
    """Read the curves of a run folder; what cannot be read is left out."""
    story, here = Story(), RunFolder(folder)
    for words in read_events(here.events, strict=False):
        kind, step = words.get("event"), words["step"]
        if kind == "stepped":
            story.report(step, words["measures"])
        elif kind == "evaluated":
            story.evaluated(step, words["metrics"])
        elif kind == "looked":
            story.look(step, words["signals"])
        elif kind == "diagnosed":
            story.diagnoses.append(words)
        elif kind == "adjusted":
            story.adjustments.append(words)
    return story

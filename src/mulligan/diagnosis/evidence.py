"""What rules are made of: thresholds that test figures, cases that hold if all their evidence does, and findings."""

import math
from typing import NamedTuple, Self

from mulligan.diagnosis.measurements import Measurements


class Evidence(NamedTuple):
    """One figure against its threshold."""

    name: str
    value: float
    operator: str
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether the figure is beyond its threshold. A figure that could not be measured never is."""
        return self.value > self.threshold if self.operator == ">" else self.value < self.threshold


class Threshold(NamedTuple):
    """A figure, a side and a limit: the test of one figure."""

    figure: str
    operator: str
    value: float

    def at(self, value: float) -> Evidence:
        """Test a value."""
        return Evidence(self.figure, value, self.operator, self.value)

    def of(self, m: Measurements) -> Evidence:
        """Test the figure's value in the measurements so far."""
        return self.at(m.figure(self.figure))

    def where(self, asked: bool) -> Self | Evidence:
        """Return the test if `asked` is true, else evidence that never holds."""
        return self if asked else self.at(math.nan)


def over(figure: str, value: float) -> Threshold:
    """Test that a figure is above a value."""
    return Threshold(figure, ">", value)


def under(figure: str, value: float) -> Threshold:
    """Test that a figure is below a value."""
    return Threshold(figure, "<", value)


class Case(NamedTuple):
    """Evidence that together shows a failure."""

    evidence: tuple[Evidence, ...]
    severity: str = "alarm"

    @property
    def holds(self) -> bool:
        """Whether all evidence holds."""
        return all(e.holds for e in self.evidence)


class Finding(NamedTuple):
    """A state with the evidence that shows it."""

    state: str
    evidence: tuple[Evidence, ...] = ()
    severity: str = ""


def case(m: Measurements, *signs: Threshold | Evidence, severity: str = "alarm") -> Case:
    """Build a case: test the thresholds on the measurements."""
    return Case(tuple(sign.of(m) if isinstance(sign, Threshold) else sign for sign in signs), severity)

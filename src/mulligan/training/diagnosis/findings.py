"""What a look at a run finds: figures against thresholds, and the state that they name together."""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """One figure against its threshold."""

    name: str
    value: float
    operator: str
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether the figure is on the wrong side; one that could not be measured never is."""
        return self.value > self.threshold if self.operator == ">" else self.value < self.threshold


class Case(NamedTuple):
    """Evidence that, together, names a state."""

    evidence: tuple[Evidence, ...]
    severity: str = "alarm"

    @property
    def holds(self) -> bool:
        """Whether all of it holds."""
        return all(e.holds for e in self.evidence)


class Finding(NamedTuple):
    """What a look found."""

    state: str
    evidence: tuple[Evidence, ...] = ()
    severity: str = ""

"""What happens between measurements: how often they are taken, when two agree, and the path of the tracked z."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mulligan.diagnosis.failures import HEALTHY
from mulligan.diagnosis.rules import EVERY, Finding

OFTEN = 150
"""Minimum number of steps between two measurements. A measurement costs about as much as two or three steps."""
PARTS = 32
"""Number of measurements in a run of medium length; three fall into its first tenth."""


def cadence(steps: int) -> int:
    """Return the number of steps between two measurements: a 32nd of the run, from 150 to 250."""
    return min(EVERY, max(OFTEN, steps // PARTS))


def agreement(found: Sequence[Finding], before: Mapping[str, str], earlier: Mapping[str, str]) -> Finding | None:
    """Return the failure on which two measurements agree.

    Parameters
    ----------
    found : sequence of Finding
        All failures that show now, in order; empty if the run is healthy.
    before, earlier : mapping of str to str
        The failures at the last measurement and at the one before it, with severities (see `severities`).

    Returns
    -------
    Finding or None
        The first failure that shows now, if the last measurement showed it as well, or the one before with another
        failure between. It is an alarm if it was one both times. None if the first failure is new, even if a later one
        showed twice, because the first may be its cause. But a new warning does not hold back an alarm that showed
        twice.
    """
    first = found[0] if found else Finding(HEALTHY)
    if first.state not in before and HEALTHY not in (first.state, *before):
        before = {first.state: earlier[first.state]} if first.state in earlier else before
    if first.state not in before:
        lasting = (f for f in found if f.severity == before.get(f.state) == "alarm")
        return next(lasting, None) if first.severity == "warning" else None
    soft = "warning" in (first.severity, before[first.state])
    return first._replace(severity="warning") if soft else first


def severities(found: Sequence[Finding]) -> dict[str, str]:
    """Return the severity of each failure that shows, for the next measurements."""
    return {finding.state: finding.severity for finding in found} or {HEALTHY: ""}


class Gone(NamedTuple):
    """Path length and net distance of a coordinate of the tracked z, in ranges of the data: root mean squares."""

    length: float
    net: float


class Path:
    """Sums the path of the tracked z's samples, and compares it with the distance that they have covered."""

    def __init__(self) -> None:
        self._last: list[float] = []
        self._length = 0.0
        self._anchors: list[tuple[int, float, list[float]]] = []

    def go(self, point: list[float], since: int) -> None:
        """Add a point. `since` is the step of the point before it; the first point is the beginning."""
        if self._last:
            self._length += math.dist(self._last, point)
        else:
            self._anchors = [(since, 0.0, point)]
        self._last = point

    def gone(self, step: int, over: int) -> Gone | None:
        """Return path and distance over the last `over` steps, and store this step; None before step `over`."""
        old = [anchor for anchor in self._anchors if anchor[0] <= step - over]
        self._anchors = [*old[-1:], *(a for a in self._anchors if a[0] > step - over), (step, self._length, self._last)]
        if not old:
            return None
        net = math.dist(old[-1][2], self._last)
        return Gone((self._length - old[-1][1]) / self._ranges, net / self._ranges)

    @property
    def travelled(self) -> float:
        """Path length since the beginning."""
        return self._length / self._ranges

    @property
    def _ranges(self) -> float:
        return 2.0 * math.sqrt(len(self._last))  # the points are in half ranges

    def state(self) -> dict[str, Any]:
        """Return the path, ready for JSON."""
        return {"last": self._last, "length": self._length, "anchors": [list(a) for a in self._anchors]}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        self._last, self._length = list(state["last"]), state["length"]
        self._anchors = [(step, length, list(point)) for step, length, point in state["anchors"]]

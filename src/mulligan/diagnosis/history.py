"""Follow a GAN while it trains: measure regularly, and name a failure when two measurements agree on it.

Each report of the steps is added up. Every 250 steps, or more often in a short run, a probe also measures 256 fixed z
and 256 fixed reals. The first failure that shows (`FAILURES`) is the state of the GAN.
"""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from mulligan.diagnosis.failures import EVERY, HEALTHY, IGNORES_Z, NOT_FINITE, NOT_SET_OUT, matches, strays, weigh_scale
from mulligan.diagnosis.measurements import Evidence, Facts, Finding, Measurement, Measurements
from mulligan.diagnosis.probe import Probe
from mulligan.diagnosis.statistics import add_in_order

OFTEN = 150
"""Minimum number of steps between two measurements. A measurement costs about as much as two or three steps."""
PARTS = 32  # number of measurements in a run of medium length; three fall into its first tenth
KEPT = 9  # number of measurements to keep
_FEW = 1000
"""With up to this number of samples, every measurement looks for copies; with more, two of four in a row do."""
_COPIES_EVERY = 4
_PLAIN = "_before", "_earlier", "_sums", "_since", "_seen", "_lived", "clean"  # attributes that a checkpoint keeps


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

    def gone(self, step: int, over: int) -> tuple[float, float] | None:
        """Return path length and net distance over the last `over` steps, and store this step; None before `over`.

        Both are of a coordinate of the tracked z, in ranges of the data: root mean squares.
        """
        old = [anchor for anchor in self._anchors if anchor[0] <= step - over]
        self._anchors = [*old[-1:], *(a for a in self._anchors if a[0] > step - over), (step, self._length, self._last)]
        if not old:
            return None
        net = math.dist(old[-1][2], self._last)
        return (self._length - old[-1][1]) / self._ranges, net / self._ranges

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


class History:
    """All that a diagnosis remembers. It knows no framework: a `Probe` measures the GAN.

    Parameters
    ----------
    every : int, optional
        Steps between two measurements (default: `cadence`). A measurement is taken with the next report.

    Attributes
    ----------
    current : Finding
        The last reported state.
    clean : int
        The last step at which no failure showed; −1 before the first measurement.
    taken : list of Measurement
        The latest measurements.
    """

    def __init__(self, every: int | None = None):
        self.every = every or 0
        self.current = Finding(HEALTHY)
        self.clean = -1
        self.taken: list[Measurement] = []
        self.signals: dict[str, float] = {}  # what else is known, for the next measurement
        self._before: dict[str, str] = {}
        self._earlier: dict[str, str] = {}
        self._sums: dict[str, float] = {}
        self._since = 0  # steps in the sums
        self._seen = 0  # step of the last report
        self._lived = False
        self._path = Path()

    def is_due(self, step: int) -> bool:
        """Tell whether a report of this step will be measured."""
        return step // self.every > self._seen // self.every

    def report(
        self, probe: Probe, step: int, measures: Mapping[str, float]
    ) -> tuple[Measurement | None, Finding | None]:
        """Add what the steps reported; return the measurement, if one is due, and the state, if that is news."""
        self.every = self.every or cadence(probe.facts.steps)
        self._seen = max(self._seen, probe.begin)
        steps = max(step - self._seen, 1)
        for name, value in measures.items():
            self._sums[name] = self._sums.get(name, 0.0) + steps * value
        self._since += steps
        self._path.go(probe.track(), self._seen)
        due = self.is_due(step)
        self._seen = step
        if not due:
            return None, None
        measurement = self._measure(probe, step)
        self.taken = [*self.taken, measurement][-KEPT:]
        self._lived = self._lived or measurement.signals.get("spread", 1.0) >= IGNORES_Z.value
        return measurement, self._judge(self.measurements(probe.facts))

    def name_failure(self, probe: Probe) -> Finding:
        """Name why numbers are no longer finite: data whose range G's last layer lacks, or divergence."""
        ranges = Measurements([Measurement(self._seen, probe.compare_ranges(), [])], probe.facts, self._lived)
        cause = next((each.evidence for each in weigh_scale(ranges) if each.holds), ())
        self.current = Finding("wrong scale" if cause else "divergence", (*cause, NOT_FINITE.at(1.0)), "alarm")
        return self.current

    def measurements(self, facts: Facts) -> Measurements:
        """Return the measurements so far, at least one, for the rules."""
        return Measurements(self.taken, facts, self._lived)

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, in order. Subclasses may name more than `FAILURES`."""
        return matches(so_far)

    def _measure(self, probe: Probe, step: int) -> Measurement:
        signals, histogram = probe.measure()
        means = {name: total / self._since for name, total in self._sums.items()}
        self._sums, self._since = {}, 0
        signals |= {k: value for k, value in means.items() if k not in probe.penalties and math.isfinite(value)}
        signals["penalty"] = add_in_order(means.get(kind, 0.0) for kind in probe.penalties)
        signals["travelled"] = self._path.travelled
        gone = self._path.gone(step, 2 * self.every)
        if gone is not None:
            length, net = gone
            signals |= {"way": length, "pace": length / (2 * self.every / probe.facts.steps)}
            signals |= {"path": length / net} if net > 0 else {}
            if self._path.travelled < NOT_SET_OUT.value and probe.averaged:
                signals["lag"] = probe.lag()
        if probe.samples <= _FEW or step // self.every % _COPIES_EVERY in (1, 2):  # two in a row, to agree
            signals |= probe.copying()
        elif self.taken:
            last = self.taken[-1].signals
            signals |= {name: last[name] for name in ("ct_z", "authentic", "nearness") if name in last}
        return Measurement(step, signals | self.signals, histogram)

    def _judge(self, so_far: Measurements) -> Finding | None:
        """Return the state on which two measurements agree, if it is news."""
        findings = self.matches(so_far)
        lasts = not findings and bool(self.current.severity) and strays(so_far)  # no sign, but not recovered either
        if not findings and not lasts:
            self.clean = self._seen
        agreed = None if lasts else agreement(findings, self._before, self._earlier)
        self._before, self._earlier = {} if lasts else severities(findings), self._before
        if agreed is None or not self._is_news(agreed):
            return None
        self.current = agreed
        return agreed

    def _is_news(self, agreed: Finding) -> bool:
        """Tell whether this is another state or a worse one; a warning beside a lasting alarm is not."""
        alarmed = self.current.severity == "alarm"
        if agreed.severity == "warning" and alarmed and self._before.get(self.current.state) == "alarm":
            return False
        return agreed.state != self.current.state or (agreed.severity == "alarm" and not alarmed)

    def state(self) -> dict[str, Any]:
        """Return everything that the next measurement depends on, ready for JSON. Keys match older checkpoints."""
        current, looks = self.current._asdict(), [measurement._asdict() for measurement in self.taken]
        plain = {name.strip("_"): copy(getattr(self, name)) for name in _PLAIN}
        return {"current": current, "looks": looks, "way": self._path.state(), **plain}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        current = state["current"]
        self.current = Finding(current["state"], tuple(Evidence(*e) for e in current["evidence"]), current["severity"])
        self.taken = [Measurement(**each) for each in state["looks"]]
        for name in _PLAIN:
            setattr(self, name, copy(state[name.strip("_")]))
        self._path.restore(state["way"])


def cadence(steps: int) -> int:
    """Return the number of steps between two measurements: a 32nd of the run, from 150 to 250."""
    return min(EVERY, max(OFTEN, steps // PARTS))


def agreement(findings: Sequence[Finding], before: Mapping[str, str], earlier: Mapping[str, str]) -> Finding | None:
    """Return the failure on which measurements agree: `findings` now, and the severities `before` and `earlier`.

    It is the first failure that shows now, if the last measurement showed it as well, or the one before with another
    failure between. If the first is new, it may be the cause of a later one that showed twice: then None, unless the
    first is a warning and the later one an alarm.
    """
    first = findings[0] if findings else Finding(HEALTHY)
    if first.state not in before and HEALTHY not in (first.state, *before):
        before = {first.state: earlier[first.state]} if first.state in earlier else before
    if first.state not in before:
        lasting = (f for f in findings if f.severity == before.get(f.state) == "alarm")
        return next(lasting, None) if first.severity == "warning" else None
    soft = "warning" in (first.severity, before[first.state])
    return first._replace(severity="warning") if soft else first


def severities(findings: Sequence[Finding]) -> dict[str, str]:
    """Return the severity of each failure that shows, for the next measurements."""
    return {finding.state: finding.severity for finding in findings} or {HEALTHY: ""}

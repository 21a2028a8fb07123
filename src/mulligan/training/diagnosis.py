"""The diagnosis: an observer that names what goes wrong in a run, with its evidence.

It sums the measures of the steps. Every 250 steps, or more often in a short run, it also measures 256 fixed z and 256
fixed reals. The first failure that shows (`FAILURES`) is the state of the run. It is reported when two measurements
agree (see `agreement`). The diagnosis does not change the run, and every checkpoint holds its state, so that a resumed
run gets the same reports.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mulligan.config.change import adjustable
from mulligan.diagnosis.failures import HEALTHY, matches
from mulligan.diagnosis.history import Path, agreement, cadence, severities
from mulligan.diagnosis.measurements import Measurements
from mulligan.diagnosis.rules import IGNORES_Z, NOT_FINITE, NOT_SET_OUT, Evidence, Finding, astray
from mulligan.diagnosis.statistics import added
from mulligan.training.events import Diagnosed, Event, Failed, Measured, Stepped
from mulligan.training.probe import Probe
from mulligan.training.remedies import remedy_for
from mulligan.training.run import Run

KEPT = 9
"""Number of measurements to keep."""
_FEW = 1000
"""With up to this number of samples, every measurement looks for copies; with more, two of four in a row do."""
_COPIES_EVERY = 4


class Diagnosis:
    """Pass this to `train` as an observer to have failures named.

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
    taken : list of Measured
        The latest measurements.
    """

    name = "diagnosis"

    def __init__(self, every: int | None = None):
        self.every = every or 0
        self.current = Finding(HEALTHY)
        self.clean = -1
        self.taken: list[Measured] = []
        self._before: dict[str, str] = {}
        self._earlier: dict[str, str] = {}
        self._sums: dict[str, float] = {}
        self._since = 0  # steps in the sums
        self._seen = 0  # step of the last report
        self._listened = False
        self._path = Path()
        self._probe: Probe | None = None

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Sum reports. When a measurement is due, return it, and the diagnosis if the state has changed."""
        if isinstance(event, Failed):
            return [self._say(run, Finding("divergence", (NOT_FINITE.at(1.0),), "alarm"), event)]
        if not isinstance(event, Stepped):
            return []
        probe = self._probe_of(run)
        steps = event.step - self._seen if event.step > self._seen else 1
        for name, value in event.measures.items():
            self._sums[name] = self._sums.get(name, 0.0) + steps * value
        self._since += steps
        due = event.step // self.every > self._seen // self.every
        self._path.go(probe.track(), self._seen)
        self._seen = event.step
        return self._measure(run, probe, event) if due else []

    def _probe_of(self, run: Run) -> Probe:
        if self._probe is None or self._probe.run is not run:
            self._probe = Probe(run)
            self._seen = max(self._seen, run.begins)
            self.every = self.every or cadence(run.config.steps)
        return self._probe

    def _measure(self, run: Run, probe: Probe, event: Stepped) -> list[Event]:
        signals, histogram = probe.measure()
        means = {name: total / self._since for name, total in self._sums.items()}
        kinds = [penalty.name for penalty in run.config.penalties]
        signals |= {name: value for name, value in means.items() if name not in kinds and math.isfinite(value)}
        signals["penalty"] = added(means.get(kind, 0.0) for kind in kinds)
        self._sums, self._since = {}, 0
        signals["travelled"] = self._path.travelled
        gone = self._path.gone(event.step, 2 * self.every)
        if gone is not None:
            share = 2 * self.every / run.config.steps
            signals |= {"way": gone.length, "pace": gone.length / share}
            signals |= {"path": gone.length / gone.net} if gone.net > 0 else {}
            if self._path.travelled < NOT_SET_OUT.value and run.config.average is not None:
                signals["lag"] = probe.lag()
        signals |= self._copies(run, probe, event.step)
        told = Measured(event.step, signals, histogram, clock=event.clock)
        self.taken = [*self.taken, told][-KEPT:]
        self._listened = self._listened or signals.get("spread", 1.0) >= IGNORES_Z.value
        so_far = self.measurements(run)
        found = matches(so_far)
        lasts = not found and bool(self.current.severity) and astray(so_far)  # no sign, but not recovered either
        if not found and not lasts:
            self.clean = event.step
        agreed = None if lasts else agreement(found, self._before, self._earlier)
        self._before, self._earlier = {} if lasts else severities(found), self._before
        return [told, self._say(run, agreed, event)] if agreed is not None and self._news(agreed) else [told]

    def measurements(self, run: Run) -> Measurements:
        """Return the measurements so far, at least one, for the rules."""
        return Measurements(self.taken, self._probe_of(run).facts, self._listened)

    def _news(self, agreed: Finding) -> bool:
        """Tell whether this is another state or a worse one. A warning beside a lasting alarm is not."""
        alarmed = self.current.severity == "alarm"
        if agreed.severity == "warning" and alarmed and self._before.get(self.current.state) == "alarm":
            return False
        return agreed.state != self.current.state or (agreed.severity == "alarm" and not alarmed)

    def _copies(self, run: Run, probe: Probe, step: int) -> dict[str, float]:
        """Measure copying if that is due; otherwise return the last figures."""
        if len(run.data) <= _FEW or step // self.every % _COPIES_EVERY in (1, 2):  # two in a row, to agree
            return probe.copying()
        last = self.taken[-1].signals if self.taken else {}
        return {name: last[name] for name in ("ct_z", "authentic", "nearness") if name in last}

    def _say(self, run: Run, finding: Finding, event: Event) -> Diagnosed:
        self.current = finding
        found = remedy_for(finding, replace(run.current, classes=run.classes), run.data.shape)
        live = adjustable(run.current)
        adjusted = bool(run.adjusted) and all(change.path in live for change in found.changes)
        return Diagnosed(
            run.step,
            finding.state,
            {e.name: {"value": e.value, "operator": e.operator, "threshold": e.threshold} for e in finding.evidence},
            found.words,
            overrides=found.changes,
            severity=finding.severity,
            healthy_step=0 if found.restart and not adjusted else max(self.clean, run.begins),
            clock=event.clock,
        )

    # ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """Return everything that the next measurement depends on, ready for JSON. Keys match older checkpoints."""
        return {
            "current": _plain(self.current),
            "before": dict(self._before),
            "earlier": dict(self._earlier),
            "clean": self.clean,
            "looks": [{"step": t.step, "signals": t.signals, "histogram": t.histogram} for t in self.taken],
            "sums": dict(self._sums),
            "since": self._since,
            "seen": self._seen,
            "lived": self._listened,
            "way": self._path.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        self.current, self.clean = _finding(state["current"]), state["clean"]
        self._before, self._earlier = dict(state["before"]), dict(state["earlier"])
        self.taken = [Measured(**look) for look in state["looks"]]
        self._sums, self._since, self._seen = dict(state["sums"]), state["since"], state["seen"]
        self._listened = state["lived"]
        self._path.restore(state["way"])


def _plain(finding: Finding) -> dict[str, Any]:
    return {"state": finding.state, "evidence": [list(e) for e in finding.evidence], "severity": finding.severity}


def _finding(plain: dict[str, Any]) -> Finding:
    return Finding(plain["state"], tuple(Evidence(*e) for e in plain["evidence"]), plain["severity"])

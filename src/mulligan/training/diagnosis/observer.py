"""The diagnosis: an observer of the stream that names what goes wrong, with the figures that say so.

Between two looks it adds up what the steps measure anyway; every 250 steps, or more often in a short run, it looks at
256 fixed z and 256 fixed reals. The first rule that matches gives the state (`rules`), and is said
when it has matched a look ago, too (see `agreement`). It changes nothing in the run, and what it remembers is in every
checkpoint: a resumed run is told the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mulligan.training.diagnosis.changes import adjustable
from mulligan.training.diagnosis.findings import Evidence, Finding
from mulligan.training.diagnosis.measure import Probe
from mulligan.training.diagnosis.measurements import EVERY, LISTENS, RESTS, Facts, Look, View, facts_of
from mulligan.training.diagnosis.remedies import remedies_for
from mulligan.training.diagnosis.rules import HEALTHY, matches
from mulligan.training.diagnosis.statistics import added
from mulligan.training.events import Diagnosed, Event, Failed, Looked, Stepped

if TYPE_CHECKING:
    from mulligan.training.run import Run

OFTEN = 150
"""The fewest steps between two looks: a look costs about as much as two or three of them."""
PARTS = 32
"""Looks in a run whose length lies between: three fall into its first tenth."""
KEPT = 9
"""Looks that are remembered."""
_FEW = 1000
"""Samples among which copies are looked for at every look; among more, at two looks in a row of four."""
_COPIES_EVERY = 4


class Diagnosis:
    """Observes a run; see `mulligan.training.train`.

    Parameters
    ----------
    every : int, optional
        Steps between two looks; by default what `cadence` says. A look is taken with the next report.

    Attributes
    ----------
    current : Finding
        What has been said last.
    clean : int
        The last step at which nothing matched; −1 before the first look.
    looks : list of Look
        The latest ones.
    """

    name = "diagnosis"

    def __init__(self, every: int | None = None):
        self.every = every or 0
        self.current = Finding(HEALTHY)
        self.clean = -1
        self.looks: list[Look] = []
        self._before: dict[str, str] = {}
        self._earlier: dict[str, str] = {}
        self._sums: dict[str, float] = {}
        self._since = 0  # steps in the sums
        self._seen = 0  # step of the last report
        self._lived = False
        self._way = Way()
        self._probe: Probe | None = None
        self._facts: Facts | None = None

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Add up reports; where a look is due, look, tell what it measured, and say what has changed."""
        if isinstance(event, Failed):
            return [self._failed(run, event)]
        if not isinstance(event, Stepped):
            return []
        if self._probe is None or self._probe.run is not run:
            self._probe, self._facts = Probe(run), None
            self._seen = max(self._seen, run.begins)
            self.every = self.every or cadence(run.config.steps)
        steps = event.step - self._seen if event.step > self._seen else 1
        for name, value in event.measures.items():
            self._sums[name] = self._sums.get(name, 0.0) + steps * value
        self._since += steps
        due = event.step // self.every > self._seen // self.every
        self._way.go(self._probe.track(), self._seen)
        self._seen = event.step
        return self._look(run, event) if due else []

    def _look(self, run: Run, event: Stepped) -> list[Event]:
        assert self._probe is not None
        signals, histogram = self._probe.look()
        means = {name: total / self._since for name, total in self._sums.items()}
        kinds = [penalty.name for penalty in run.config.penalties]
        signals |= {name: value for name, value in means.items() if name not in kinds and math.isfinite(value)}
        signals["penalty"] = added(means.get(kind, 0.0) for kind in kinds)
        self._sums, self._since = {}, 0
        signals["travelled"] = self._way.travelled
        gone = self._way.gone(event.step, 2 * self.every)
        if gone is not None:
            share = 2 * self.every / run.config.steps
            signals |= {"way": gone.length, "pace": gone.length / share}
            signals |= {"path": gone.length / gone.net} if gone.net > 0 else {}
            if self._way.travelled < RESTS and run.config.average is not None:
                signals["lag"] = self._probe.lag()
        signals |= self._copies(run, event.step)
        self.looks = [*self.looks, Look(event.step, signals, histogram)][-KEPT:]
        self._lived = self._lived or signals.get("spread", 1.0) >= LISTENS
        view = self.view(run)
        found = matches(view)
        lasts = not found and bool(self.current.severity) and view.astray  # ill without a sign is not well again
        if not found and not lasts:
            self.clean = event.step
        agreed = None if lasts else agreement(found, self._before, self._earlier)
        self._before, self._earlier = {} if lasts else severities(found), self._before
        told = Looked(run.step, signals, histogram, clock=event.clock)
        return [told, self._say(run, agreed, event)] if agreed is not None and self._news(agreed) else [told]

    def view(self, run: Run) -> View:
        """Return the looks so far, one at least, as the rules ask for them."""
        if self._facts is None:
            self._facts = facts_of(run)
        return View(self.looks, self._facts, self._lived)

    def _news(self, agreed: Finding) -> bool:
        """Ask whether this is another state, or a worse one; not a warning beside an alarm that still holds."""
        alarmed = self.current.severity == "alarm"
        if agreed.severity == "warning" and alarmed and self._before.get(self.current.state) == "alarm":
            return False
        return agreed.state != self.current.state or (agreed.severity == "alarm" and not alarmed)

    def _copies(self, run: Run, step: int) -> dict[str, float]:
        """Measure copying where that is due; in between, what was measured last stands."""
        assert self._probe is not None
        if len(run.data) <= _FEW or step // self.every % _COPIES_EVERY in (1, 2):  # two looks in a row can agree
            return self._probe.copying()
        last = self.looks[-1].signals if self.looks else {}
        return {name: last[name] for name in ("ct_z", "authentic", "nearness") if name in last}

    def _failed(self, run: Run, event: Failed) -> Diagnosed:
        return self._say(run, Finding("divergence", (Evidence("not_finite", 1.0, ">", 0.0),), "alarm"), event)

    def _say(self, run: Run, finding: Finding, event: Event) -> Diagnosed:
        self.current = finding
        found = remedies_for(finding, replace(run.current, classes=run.classes), run.data.shape)
        knobs = adjustable(run.current)
        adjusted = bool(run.adjusted) and all(line.partition("=")[0] in knobs for line in found.overrides)
        return Diagnosed(
            run.step,
            finding.state,
            {e.name: {"value": e.value, "operator": e.operator, "threshold": e.threshold} for e in finding.evidence},
            found.words,
            overrides=found.overrides,
            severity=finding.severity,
            healthy_step=0 if found.restart and not adjusted else max(self.clean, run.begins),
            clock=event.clock,
        )

    # ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """Return all that the next look depends on, ready for JSON."""
        return {
            "current": _plain(self.current),
            "before": dict(self._before),
            "earlier": dict(self._earlier),
            "clean": self.clean,
            "looks": [asdict(look) for look in self.looks],
            "sums": dict(self._sums),
            "since": self._since,
            "seen": self._seen,
            "lived": self._lived,
            "way": self._way.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        self.current, self.clean = _finding(state["current"]), state["clean"]
        self._before, self._earlier = dict(state["before"]), dict(state["earlier"])
        self.looks = [Look(**look) for look in state["looks"]]
        self._sums, self._since, self._seen = dict(state["sums"]), state["since"], state["seen"]
        self._lived = state["lived"]
        self._way.restore(state["way"])


def cadence(steps: int) -> int:
    """Return how many steps of a run lie between two looks: a 32nd of it, from 150 to 250."""
    return min(EVERY, max(OFTEN, steps // PARTS))


def agreement(found: Sequence[Finding], before: Mapping[str, str], earlier: Mapping[str, str]) -> Finding | None:
    """Say what two looks agree on.

    Parameters
    ----------
    found : sequence of Finding
        All that matches now, in order; nothing for a healthy look.
    before, earlier : mapping of str to str
        What matched a look ago, and two looks ago, with its severity (see `severities`).

    Returns
    -------
    Finding or None
        The first that matches now, where it matched a look ago as well, or two looks ago with another illness between:
        an alarm where it was one both times. None where it is new, even if another one has matched twice: what comes
        first may be the cause of that. But a new warning does not hold back what was an alarm both times.
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
    """Return what matches, with its severity, for the looks to come."""
    return {finding.state: finding.severity for finding in found} or {HEALTHY: ""}


class Gone(NamedTuple):
    """How far a coordinate of the followed z went, in ranges of the data, and how far it got: root mean squares."""

    length: float
    net: float


class Way:
    """How far the followed z have gone, and how far they have got."""

    def __init__(self) -> None:
        self._last: list[float] = []
        self._length = 0.0
        self._anchors: list[tuple[int, float, list[float]]] = []

    def go(self, point: list[float], since: int) -> None:
        """Take one more point, `since` being the step of the one before; the first one stands for the beginning."""
        if self._last:
            self._length += math.dist(self._last, point)
        else:
            self._anchors = [(since, 0.0, point)]
        self._last = point

    def gone(self, step: int, over: int) -> Gone | None:
        """Return how far they went over the last `over` steps, and remember this step; None before so many."""
        old = [anchor for anchor in self._anchors if anchor[0] <= step - over]
        self._anchors = [*old[-1:], *(a for a in self._anchors if a[0] > step - over), (step, self._length, self._last)]
        if not old:
            return None
        net = math.dist(old[-1][2], self._last)
        return Gone((self._length - old[-1][1]) / self._ranges, net / self._ranges)

    @property
    def travelled(self) -> float:
        """How far they went since the beginning."""
        return self._length / self._ranges

    @property
    def _ranges(self) -> float:
        return 2.0 * math.sqrt(len(self._last))  # the points are in half ranges

    def state(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"last": self._last, "length": self._length, "anchors": [list(a) for a in self._anchors]}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        self._last, self._length = list(state["last"]), state["length"]
        self._anchors = [(step, length, list(point)) for step, length, point in state["anchors"]]


def _plain(finding: Finding) -> dict[str, Any]:
    return {"state": finding.state, "evidence": [list(e) for e in finding.evidence], "severity": finding.severity}


def _finding(plain: dict[str, Any]) -> Finding:
    return Finding(plain["state"], tuple(Evidence(*e) for e in plain["evidence"]), plain["severity"])

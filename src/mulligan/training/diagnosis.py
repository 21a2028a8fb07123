"""The diagnosis of a run: an observer that names what goes wrong, with its evidence and its remedy.

It does not change the run, and every checkpoint holds its state, so that a resumed run gets the same reports.
"""

from collections.abc import Iterable
from dataclasses import replace

from mulligan.config.change import adjustable
from mulligan.diagnosis.evidence import Finding
from mulligan.diagnosis.history import History
from mulligan.diagnosis.probe import Probe
from mulligan.training.events import Diagnosed, Event, Failed, Measured, Stepped
from mulligan.training.probe import probe_of
from mulligan.training.remedies import remedy_for
from mulligan.training.run import Run


class Diagnosis(History):
    """Pass this to `train` as an observer to have failures named.

    Parameters
    ----------
    every : int, optional
        Steps between two measurements (default: a 32nd of the run, from 150 to 250). A measurement is taken with the
        next report.

    It has the attributes of `mulligan.diagnosis.History`.
    """

    name = "diagnosis"
    _probed: tuple[Run, Probe] | None = None

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Add up reports. When a measurement is due, return it, and the diagnosis if the state has changed."""
        if isinstance(event, Failed):
            return [self._told(run, self.failed(), event)]
        if not isinstance(event, Stepped):
            return []
        if self._probed is None or self._probed[0] is not run:
            self._probed = run, probe_of(run)
        measurement, news = self.report(self._probed[1], event.step, event.measures)
        events: list[Event] = [] if measurement is None else [Measured(*measurement, clock=event.clock)]
        return events if news is None else [*events, self._told(run, news, event)]

    def _told(self, run: Run, finding: Finding, event: Event) -> Diagnosed:
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

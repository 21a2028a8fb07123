"""Read a run back: `read_run` of its folder. Page, report, list of runs, diagnosis and second try use it.

Bounds are here: a damaged line, JSON that is too deep, NaN, or a field of the wrong type is one `DataError` with file
and line, or is skipped where `strict` is false.
"""

import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from mulligan.config.change import changes_of
from mulligan.doors.read import find_json, parse_object, read_bytes
from mulligan.errors import ConfigError, DataError
from mulligan.nn.fields import Entries, Form, Scalar, Words, forms_of
from mulligan.training.events import Diagnosed, Event
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder

Series = list[tuple[int, dict[str, Any]]]
"""Numbers by step, in the order of the steps."""
LARGEST_LOG = 1 << 32  # most bytes of a log
_EVIDENCE = {"value": Scalar(float), "operator": Scalar(str), "threshold": Scalar(float)}
"""The form of each figure of the evidence."""
_SEVERITY, _TABLE = Words(("alarm", "warning", "")), Entries(Form(), kind=dict)


@dataclass(eq=False)
class RunHistory:
    """What the events of a run have said. `read_run` fills it from a folder; `add` goes on with a run that trains."""

    started: dict[str, Any] = field(default_factory=dict)  # the first event, as the log has it
    stepped: Series = field(default_factory=list)  # the measures of each report
    measured: Series = field(default_factory=list)  # the signals of each measurement of the diagnosis
    histogram: list[float] = field(default_factory=list)  # shares of the fakes' classes at the last one; may be empty
    evaluated: Series = field(default_factory=list)  # the metrics of the evaluators
    diagnosed: list[Diagnosed] = field(default_factory=list)
    adjusted: list[dict[str, Any]] = field(default_factory=list)  # the events, as the log has them
    failed: str = ""  # why the run could not go on; empty if it could
    finished: bool = False
    step: int = 0  # the last one in the events or of a checkpoint
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)  # the last event of each kind, as the log has it
    clock: dict[int, tuple[float, float]] = field(default_factory=dict)  # wall and CPU seconds, by step
    metrics: dict[str, Any] = field(default_factory=dict)  # the last evaluation; empty without one

    def add(self, event: dict[str, Any]) -> None:
        """Add what `Event.to_json` returns. It replaces reports from its step on, which a resumed run repeats."""
        kind, step = event["event"], event["step"]
        self.latest[kind] = event
        self.step = max(self.step, step)
        match kind:
            case "started":
                self.started = event
            case "stepped":
                _put(self.stepped, step, event["measures"])
                self.finished, self.failed = False, ""  # it was resumed
            case "measured":
                _put(self.measured, step, event["signals"])
                self.histogram = event["histogram"]
            case "evaluated":
                _put(self.evaluated, step, event["metrics"])
            case "diagnosed":
                self.diagnosed.append(Diagnosed.of(event))
            case "adjusted":
                self.adjusted.append(event)
            case "failed":
                self.failed = event["reason"]
            case "finished":
                self.finished = True

    @property
    def nearest(self) -> tuple[int, float]:
        """Step and value of the smallest distance to the reals, the first on a tie; (−1, ∞) if none was measured."""
        distances = ((step, distance_of(metrics)) for step, metrics in self.evaluated)
        pairs = [pair for pair in distances if math.isfinite(pair[1])]
        return min(pairs, key=lambda pair: pair[1], default=(-1, math.inf))

    @property
    def failure(self) -> Diagnosed | None:
        """The failure that the diagnosis named last, unless the run recovered from it."""
        return self.diagnosed[-1] if self.diagnosed and self.diagnosed[-1].severity else None


def _put(series: Series, step: int, values: dict[str, Any]) -> None:
    while series and series[-1][0] >= step:
        series.pop()
    series.append((step, values))


def read_run(folder: str | Path, *, strict: bool = True) -> RunHistory:
    """Read what a run folder tells: events, times, last evaluation. What is missing is empty.

    With `strict`, a damaged line raises `DataError`. Without, what cannot be read is skipped.
    """
    here, history = RunFolder(Path(folder)), RunHistory()
    for event in read_events(here.events, strict=strict):
        history.add(event)
    history.step = max([history.step, *map(step_of, checkpoints(here.checkpoints))])  # a stop saves between reports
    for line in _read_log(here.times, strict).splitlines():
        time = _parse_line(line)  # a kill cuts a line off, and the next session goes on in it
        if time is not None and all(type(time.get(key)) in (int, float) for key in ("step", "wall", "cpu")):
            history.clock[time["step"]] = time["wall"], time["cpu"]
    history.metrics = find_json(here.metrics) or {}
    return history


def read_events(path: Path, *, strict: bool = True) -> Iterator[dict[str, Any]]:
    """Read the events of a log, the oldest first. A log that does not exist yet has none.

    A last line that a kill cut off is skipped. A complete line that is no event, or lacks a field of it, raises
    `DataError`; without `strict` it is skipped, too.
    """
    for number, line in enumerate(_read_log(path, strict).splitlines(keepends=True), start=1):
        event = _parse_line(line)
        if event is not None and _is_whole(event):
            yield event
        elif strict and line.endswith(b"\n"):
            raise DataError(
                f"{path}, line {number}: {line[:40]!r} is not an event; the file was changed after it was written. "
                "Restore it, or delete that line."
            )


def distance_of(metrics: dict[str, Any]) -> float:
    """Return the distance to the reals; infinite if not measured."""
    value = metrics.get("distance")
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else math.inf


def _read_log(path: Path, strict: bool) -> bytes:
    """Return the content of a log; empty if it is missing or, without `strict`, cannot be read."""
    try:
        return read_bytes(path, largest=LARGEST_LOG) if path.exists() else b""
    except DataError:
        if strict:
            raise
        return b""


def _parse_line(line: bytes) -> dict[str, Any] | None:
    """Parse a line of JSON. None if it is no object, too deep, or holds NaN or infinity."""
    try:
        return parse_object(line, "the line")
    except DataError:
        return None


def _is_whole(event: dict[str, Any]) -> bool:
    """Tell whether an event of a log has all fields that `to_json` writes. An unknown kind needs only its step."""
    kind: Any = next((cls for cls in Event.__subclasses__() if cls.name == event.get("event")), Event)
    forms = {f.name: forms_of(kind)[f.name] for f in fields(kind) if f.name in event or f.default is MISSING}
    try:
        for name, form in forms.items():
            (_TABLE if form == Form() else form).plain(event[name])  # an array is written as a table
        changes_of(event.get("overrides", ()))
        if kind is Diagnosed:
            _SEVERITY.plain(event.get("severity", ""))
            for figure in event["evidence"].values():
                for name, form in _EVIDENCE.items():
                    form.plain(figure[name])
    except (ConfigError, ValueError, LookupError, TypeError):
        return False
    return isinstance(event.get("event"), str) and event["step"] >= 0

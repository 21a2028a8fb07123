"""What a run tells: one stream of events, the same for the terminal, the browser, the recorder and the tests.

The content of an event is a function of configuration, data, machine, NumPy build and number of threads: where these
are the same, a resumed run tells the same, byte for byte.
What the clock says is kept beside it, in `clock`, which no comparison and no JSON of the event includes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from mulligan.nn.memory import Array


@dataclass(frozen=True)
class Clock:
    """Time spent in steps, over all sessions of the run.

    Attributes
    ----------
    wall, cpu : float
        Seconds; `cpu` is of all threads together.
    steps_per_second : float
        Since the last report.
    """

    wall: float
    cpu: float
    steps_per_second: float


@dataclass(frozen=True)
class Event:
    """Something that happened after `step` steps."""

    step: int
    clock: Clock | None = field(default=None, compare=False, kw_only=True)
    name: ClassVar[str] = "event"

    def to_json(self) -> dict[str, Any]:
        """Return the exact content, ready for JSON; arrays by shape and digest, the clock left out."""
        content = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "clock"}
        return {"event": self.name, **content}

    def line(self) -> str:
        """Return the content as one line of JSON, with its newline; always the same text for the same content."""
        return json.dumps(self.to_json(), ensure_ascii=False, separators=(", ", ": ")) + "\n"


@dataclass(frozen=True)
class Started(Event):
    """The first event, once in the life of a run.

    Attributes
    ----------
    recipe, data : str
    steps, seed, threads, samples, classes : int
    shape : tuple of int
        Of one sample.
    parameters : dict
        Numbers of trained parameters, of ``generator`` and ``discriminator``.
    """

    name: ClassVar[str] = "started"
    recipe: str
    data: str
    steps: int
    seed: int
    threads: int
    samples: int
    classes: int
    shape: tuple[int, ...]
    parameters: dict[str, int]


@dataclass(frozen=True)
class Stepped(Event):
    """A report.

    Attributes
    ----------
    measures : dict of str to float
        Means, over the steps since the last report, of what `GAN.step` measures.
    """

    name: ClassVar[str] = "stepped"
    measures: dict[str, float]


@dataclass(frozen=True, eq=False)
class Sampled(Event):
    """What the averaged generator makes of the fixed z.

    Attributes
    ----------
    images : uint8 array (64, H, W, C), or float32 points (1024, d)
    """

    name: ClassVar[str] = "sampled"
    images: Array

    def __repr__(self) -> str:
        return f"Sampled(step={self.step}, images={self.images.dtype} of shape {self.images.shape})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sampled) and self.step == other.step and np.array_equal(self.images, other.images)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Evaluated(Event):
    """What the evaluators found.

    Attributes
    ----------
    metrics : dict
        JSON-able.
    """

    name: ClassVar[str] = "evaluated"
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Measured(Event):
    """What the diagnosis measured.

    Attributes
    ----------
    signals : dict of str to float
        By name; `mulligan.training.diagnosis.FIGURES` says what most of them are.
    histogram : list of float
        Shares of the fakes' classes; empty where nothing can tell them.
    """

    name: ClassVar[str] = "measured"
    signals: dict[str, float]
    histogram: list[float]


@dataclass(frozen=True)
class Diagnosed(Event):
    """The state of the run has changed.

    Attributes
    ----------
    state : str
        A key of `mulligan.training.diagnosis.FAILURES`, or "healthy" where an earlier state is over.
    evidence : dict
        The figures that say so, by name: ``{"value": …, "operator": ">" or "<", "threshold": …}``.
    remedies : tuple of str
        What to try, the likeliest first.
    overrides : tuple of str
        The same as changes of the configuration, ``path=value``: what a second try applies.
    severity : "alarm", "warning" or ""
    healthy_step : int
        The last step that showed nothing: where a second try goes back to. 0 where the remedy changes the nets, the
        start weights or the data.
    """

    name: ClassVar[str] = "diagnosed"
    state: str
    evidence: dict[str, Any]
    remedies: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    severity: str = ""
    healthy_step: int = 0

    @classmethod
    def of(cls, content: dict[str, Any]) -> Diagnosed:
        """Return the event whose `to_json` this is."""
        lists = ("remedies", "overrides")
        names = {f.name for f in fields(cls)}
        known: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in content.items() if k in names}
        return cls(**known)


@dataclass(frozen=True)
class Adjusted(Event):
    """Somebody has adjusted a setting in the middle of the run; it acts from the next step on.

    Attributes
    ----------
    overrides : tuple of str
        ``path=value``: learning rates, weights of penalties.
    """

    name: ClassVar[str] = "adjusted"
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint of this step was taken."""

    name: ClassVar[str] = "saved"


@dataclass(frozen=True)
class Failed(Event):
    """The last event of a run that cannot go on; the error follows.

    Attributes
    ----------
    reason : str
    """

    name: ClassVar[str] = "failed"
    reason: str


@dataclass(frozen=True)
class Finished(Event):
    """The last event: all steps are done."""

    name: ClassVar[str] = "finished"


_WRITTEN: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "dict": dict,
    "list": list,
    "tuple": list,
    "Array": dict,
}
"""What JSON makes of the fields' types, by their words."""
_FIGURE = {"value": "float", "operator": "str", "threshold": "float"}
"""A figure of the evidence."""
_SEVERITIES = ("alarm", "warning", "")


def is_whole(event: dict[str, Any]) -> bool:
    """Tell whether an event has what `to_json` writes; one of another's kind needs its step alone."""
    kind = next((cls for cls in Event.__subclasses__() if cls.name == event.get("event")), Event)
    written = all(
        _is_written(event[f.name], str(f.type)) if f.name in event else f.default is not MISSING
        for f in fields(kind)
        if f.name != "clock"
    )
    return written and (kind is not Diagnosed or _is_said(event))


def _is_written(value: Any, kind: str) -> bool:
    """Tell whether JSON makes such a value of a field's type, what it holds included."""
    outer, _, inner = kind.removesuffix("]").partition("[")
    fits = isinstance(value, _WRITTEN.get(outer, object))
    if not (fits and inner):
        return fits
    within = inner.removesuffix(", ...").rpartition(", ")[2]
    return all(_is_written(each, within) for each in (value.values() if outer == "dict" else value))


def _is_said(event: dict[str, Any]) -> bool:
    """Tell whether what a diagnosis says is among the words that it has, and its evidence whole."""
    return event.get("severity", "") in _SEVERITIES and all(map(_is_figure, event["evidence"].values()))


def _is_figure(found: Any) -> bool:
    return isinstance(found, dict) and all(_is_written(found.get(name), kind) for name, kind in _FIGURE.items())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return {"shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value

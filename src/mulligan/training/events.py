"""The events of a run, which terminal, page, recorder and tests all read.

The content of an event depends only on configuration, data, machine, NumPy build and number of threads. If these stay
the same, a resumed run yields the same bytes. Times are kept in `clock`, which comparisons and JSON ignore.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, ClassVar, Self

import numpy as np

from mulligan.config.change import Change, changes_of
from mulligan.nn.memory import Array


@dataclass(frozen=True)
class Clock:
    """Time spent in steps, over all sessions of the run."""

    wall: float
    cpu: float
    """Seconds, as `wall`; the sum over all threads."""
    steps_per_second: float
    """Since the last report."""


@dataclass(frozen=True)
class Event:
    """The base class of all events. `step` is the number of steps taken before it."""

    step: int
    clock: Clock | None = field(default=None, compare=False, kw_only=True)
    name: ClassVar[str] = "event"

    def to_json(self) -> dict[str, Any]:
        """Return the content, ready for JSON, without the clock. Arrays become their shape and digest."""
        content = {f.name: _to_plain(getattr(self, f.name)) for f in fields(self) if f.name != "clock"}
        return {"event": self.name, **content}

    def line(self) -> str:
        """Return the content as one line of JSON with a newline. The same content gives the same text."""
        return json.dumps(self.to_json(), ensure_ascii=False, separators=(", ", ": ")) + "\n"


@dataclass(frozen=True)
class Started(Event):
    """The first event, once for each run."""

    name: ClassVar[str] = "started"
    recipe: str
    data: str
    steps: int
    seed: int
    threads: int
    samples: int
    classes: int
    shape: tuple[int, ...]
    """Shape of one sample."""
    parameters: dict[str, int]
    """Numbers of trained parameters of ``generator`` and ``discriminator``."""


@dataclass(frozen=True)
class Stepped(Event):
    """A report, every ``report_every`` steps."""

    name: ClassVar[str] = "stepped"
    measures: dict[str, float]
    """What `GAN.step` measures, averaged over the steps since the last report."""


@dataclass(frozen=True, eq=False)
class Sampled(Event):
    """Samples of the averaged generator for the fixed z: uint8 (64, H, W, C), or float32 points (1024, d)."""

    name: ClassVar[str] = "sampled"
    images: Array

    def __repr__(self) -> str:
        return f"Sampled(step={self.step}, images={self.images.dtype} of shape {self.images.shape})"


@dataclass(frozen=True)
class Evaluated(Event):
    """The metrics of all evaluators."""

    name: ClassVar[str] = "evaluated"
    metrics: dict[str, Any]
    """Ready for JSON."""


@dataclass(frozen=True)
class Measured(Event):
    """The figures of one measurement of the diagnosis."""

    name: ClassVar[str] = "measured"
    signals: dict[str, float]
    """Figures by name; `mulligan.diagnosis.FIGURES` describes most of them."""
    histogram: list[float]
    """Shares of the fakes' classes; empty if the classes are unknown."""


@dataclass(frozen=True)
class Diagnosed(Event):
    """The state of the run has changed."""

    name: ClassVar[str] = "diagnosed"
    state: str
    """A key of `mulligan.diagnosis.FAILURES`, or "healthy" when an earlier state is over."""
    evidence: dict[str, Any]
    """The figures by name: ``{"value": …, "operator": ">" or "<", "threshold": …}``."""
    remedies: tuple[str, ...] = ()
    """What to try, in words, the most promising first."""
    overrides: tuple[Change, ...] = ()
    """The remedy as changes of the configuration, which a second try applies."""
    severity: str = ""
    healthy_step: int = 0
    """The last healthy step, to which a second try goes back. 0 if the remedy changes the networks, the start weights
    or the data."""

    def lines(self) -> list[str]:
        """Return a line for each figure of the evidence, with its threshold and meaning."""
        from mulligan.diagnosis.figures import figure_of  # late: most runs have nothing to tell
        from mulligan.output.figures import figure

        return [
            f"{figure(found['value'])} {found['operator']} {figure(found['threshold'])}  {figure_of(name).meaning}"
            for name, found in self.evidence.items()
        ]

    def _repr_html_(self) -> str:
        """Show the state, its evidence and what to try in a notebook."""
        from mulligan.diagnosis.failures import describe_state

        title, meaning = describe_state(self.state)
        lines = (meaning, *self.lines(), *(f"Try: {remedy}" for remedy in self.remedies))
        return f"<b>{escape(title)}</b> at step {self.step:,}{''.join(f'<div>{escape(line)}</div>' for line in lines)}"

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Build the event from what `to_json` returned."""
        names = {f.name for f in fields(cls)}
        known: dict[str, Any] = {k: v for k, v in content.items() if k in names}
        lists = {"remedies": tuple(known.get("remedies", ())), "overrides": changes_of(known.get("overrides", ()))}
        return cls(**known | lists)


@dataclass(frozen=True)
class Adjusted(Event):
    """A setting was adjusted during the run. It takes effect at the next step."""

    name: ClassVar[str] = "adjusted"
    overrides: tuple[Change, ...]
    """The new rates, penalty weights and probability of augmentation."""


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint of this step was saved."""

    name: ClassVar[str] = "saved"


@dataclass(frozen=True)
class Waiting(Event):
    """`stop` returned "wait" between two steps. Observers and the recorder do not see this event."""

    name: ClassVar[str] = "waiting"


@dataclass(frozen=True)
class Failed(Event):
    """The last event of a run that cannot go on. The error follows."""

    name: ClassVar[str] = "failed"
    reason: str


@dataclass(frozen=True)
class Finished(Event):
    """The last event of a run: all steps are done."""

    name: ClassVar[str] = "finished"


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return {"shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):  # JSON has neither NaN nor infinity
        return None if math.isnan(value) else math.copysign(sys.float_info.max, value)
    if isinstance(value, dict):
        return {k: _to_plain(v) for k, v in value.items()}
    return [_to_plain(v) for v in value] if isinstance(value, (list, tuple)) else value

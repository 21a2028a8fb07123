"""Hold the run as the page sees it: its status, the tries that led to it, and its measurements."""

import itertools
import json
from pathlib import Path
from typing import Any

from mulligan.training.store.folder import RunFolder
from mulligan.web.session.history import significant
from mulligan.web.session.tries import Try

UNFINISHED = ("training", "paused", "alarm")
"""States in which the worker holds an unfinished run."""
IN_HAND = ("loading", *UNFINISHED, "stopping")
"""States in which the worker reads, holds or saves a run."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "empty": ("start",),
    "loading": (),
    "training": ("pause", "stop", "adjust", "second-try"),
    "paused": ("resume", "step", "stop", "adjust", "second-try", "continue"),
    "alarm": ("resume", "step", "stop", "adjust", "second-try", "continue"),
    "stopping": (),
    "stopped": ("start", "resume", "second-try", "continue"),
    "finished": ("start", "resume", "second-try", "continue"),
    "failed": ("start", "resume", "second-try", "continue"),
}
"""Commands allowed in each state. All but loading and stopping also allow `start` with ``replace``."""


class State:
    """What a snapshot holds."""

    def __init__(self) -> None:
        self.name = "empty"
        self.text = ""
        self.tries: list[Try] = []
        self.number = 0
        self.serial = 0  # counts opened runs; a message with another number is out of date
        self.info: dict[str, Any] = {}
        self.settings: dict[str, Any] | None = None
        self.step = 0
        self.seconds = 0.0
        self.rate: float | None = None
        self.saved_step: int | None = None
        self.saved_samples: list[int] = []
        self.error: dict[str, Any] | None = None
        self.samples: bytes | None = None
        self.events: dict[str, dict[str, Any]] = {}  # the latest of each kind
        self.checked: dict[str, Any] | None = None
        self.advice: dict[str, Any] | None = None
        self.metrics: dict[str, Any] | None = None
        self.pending: list[bytes] = []  # reports not yet sent to the pages
        self._order = itertools.count()

    @property
    def current(self) -> Try | None:
        """The try that the worker holds."""
        return next((t for t in self.tries if t.number == self.number), None)

    @property
    def run(self) -> str | None:
        return None if self.current is None else self.current.run

    @property
    def can(self) -> list[str]:
        """The commands that are possible now. A second try needs a failure to repair."""
        ill = bool(self.events.get("diagnosed", {}).get("severity"))
        return [command for command in COMMANDS[self.name] if ill or command != "second-try"]

    def begin(self, tries: list[Try], number: int, text: str) -> None:
        self.serial += 1
        self.tries, self.number, self.text, self.name = tries, number, text, "loading"
        self.step, self.rate, self.error, self.info = 0, None, None, {}
        self.saved_step, self.saved_samples = None, []
        self.samples = self.checked = self.advice = self.metrics = None
        self.events, self.pending = {}, []

    def opened(self, words: dict[str, Any], runs: Path) -> None:
        self.info, self.name = words, "training"
        self.step, self.seconds = words["step"], words["seconds"]
        self.saved_step = words["step"] if words["step"] > words["begins"] else None
        self.saved_samples = [*RunFolder(runs / words["run"]).grids()]
        current = self.current
        if current is not None:
            current.state, current.recipe = "training", words["table"]["recipe"]
            current.from_step, current.step, current.steps = words["begins"], words["step"], words["steps"]
            history = current.history  # a killed run's log may be longer than its checkpoint
            history.adjustments = words["adjustments"]
            self.events = {kind: event for kind, event in history.latest.items() if event["step"] <= self.step}

    def moved(self, name: str, step: int | None = None) -> None:
        self.name = name
        if step is not None:
            self.step = step
        if name in ("stopped", "finished", "failed"):
            self.rate = None
        if self.current is not None:
            self.current.state, self.current.step = name, self.step

    def take(self, event: dict[str, Any]) -> None:
        kind, step, current = event["event"], event["step"], self.current
        self.events[kind] = event
        if current is not None:
            current.history.add(event)
        if kind == "stepped":
            self.moved(self.name, step)
        elif kind == "sampled" and step not in self.saved_samples:
            self.saved_samples.append(step)
        elif kind == "saved":
            self.saved_step = step
        elif kind == "evaluated":
            self.metrics = None  # they belong to an earlier checkpoint
        elif kind == "diagnosed" and event["severity"] == "alarm" and current is not None:
            current.alarm = {"state": event["state"], "step": step}

    def paced(self, words: dict[str, Any]) -> None:
        """Store the steps per second, smoothed so that the figure is readable."""
        self.rate = words["rate"] if self.rate is None else 0.7 * self.rate + 0.3 * words["rate"]
        self.moved(self.name, words["step"])

    def evaluated(self, run: str, metrics: dict[str, Any]) -> bool:
        """Store the evaluation of a checkpoint, unless it belongs to another run or is out of date."""
        current = self.current
        known = self.metrics or self.events.get("evaluated", metrics)
        if current is None or current.run != run or known["step"] > metrics["step"]:
            return False
        self.metrics = {**metrics, "try": self.number, "final": metrics["step"] == current.steps}
        return True

    def status(self) -> dict[str, Any]:
        info, settings = self.info if self.current is not None else {}, self.settings or {}
        steps = self.current.steps if self.current is not None else 0
        left = (steps - self.step) / self.rate if self.rate and self.name == "training" else None
        return {
            "state": self.name,
            "run": self.run,
            "try": self.number or None,
            "step": self.step,
            "steps": steps,
            "steps_per_second": significant(self.rate),
            "seconds_left": significant(left),
            "seconds": significant(self.seconds),
            **{name: settings.get(name) for name in ("recipe", "seed")},
            **{name: info.get(name) for name in ("data", "shape", "loss", "floor")},
            **{name: info.get(name, []) for name in ("class_names", "counted_classes")},
            "points": info.get("points", False),
            "classes": info.get("classes", 0),
            "text": self.text if self.name == "loading" else "",
            "error": self.error,
            "saved_step": self.saved_step,
            "can": self.can,
            "order": next(self._order),  # lets a page see which is newer: a command's answer or the stream
        }

    def snapshot(self) -> dict[str, Any]:
        charts: dict[str, Any] = {"curves": {}, "measurements": {}, "distance": {}}
        for each in self.tries:
            for name, columns in each.history.thinned().items():
                charts[name][str(each.number)] = columns
        kept = ("settings", "saved_samples", "events", "checked", "advice", "metrics")
        return {
            "status": self.status(),
            "tries": [each.content() for each in self.tries],
            **charts,
            **{name: getattr(self, name) for name in kept},
            "samples": None if self.samples is None else json.loads(self.samples),
        }

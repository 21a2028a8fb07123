"""The run as the page sees it: its status, the tries that led to it, and its curves.

Each try has the `RunHistory` of its folder, which goes on with the worker's events.
"""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mulligan.config import change
from mulligan.config.model import Config
from mulligan.config.toml import load_config
from mulligan.errors import MulliganError
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import RunHistory, read_run

UNFINISHED = ("training", "paused", "alarm")
"""States in which the worker holds an unfinished run."""
IN_HAND = ("loading", *UNFINISHED, "stopping")
"""States in which the worker reads, holds or saves a run."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "empty": ("start",),
    "loading": (),
    "training": ("pause", "stop", "adjust", "second-try"),
    "paused": ("resume", "step", "stop", "adjust", "second-try"),
    "alarm": ("resume", "step", "stop", "adjust", "second-try"),
    "stopping": (),
    "stopped": ("start", "resume", "second-try"),
    "finished": ("start", "resume", "second-try"),
    "failed": ("start", "resume", "second-try"),
}
"""Commands allowed in each state. All but loading and stopping also allow `start` with ``replace``."""
POINTS = 500
"""Maximum number of points of a curve that is sent to a page."""
CURVES = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "penalty")
DISTANCE = ("distance", "modes", "gap")


@dataclass(eq=False)
class Try:
    """One try: a run folder, and the try that it continues."""

    number: int
    run: str
    recipe: str = ""
    from_step: int = 0
    step: int = 0
    steps: int = 0
    state: str = "loading"
    parent: int | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    summary: str = ""
    history: RunHistory = field(default_factory=RunHistory)
    config: Config | None = None  # before any adjustment

    @property
    def alarm(self) -> dict[str, Any] | None:
        """The last alarm of the diagnosis."""
        alarms = [{"state": d.state, "step": d.step} for d in self.history.diagnosed if d.severity == "alarm"]
        return alarms[-1] if alarms else None

    def content(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in ("history", "config")} | {"alarm": self.alarm}

    def compare(self, before: Config) -> None:
        assert self.config is not None
        self.changes = change.list_changes(*(replace(each, parent=None) for each in (before, self.config)))
        self.summary = change.summarise(self.changes)


def chain(folder: Path) -> list[Try]:
    """Return the tries that led to a run folder, the oldest first, with their history.

    The chain begins after the last try whose folder is missing or cannot be read.
    """
    folders = [(folder, load_config(RunFolder(folder).config))]
    while (parent := folders[0][1].parent) is not None:
        path = folder.parent / Path(parent.run).name
        try:
            folders.insert(0, (path, load_config(RunFolder(path).config)))
        except MulliganError:
            break
    tries: list[Try] = []
    for number, (path, config) in enumerate(folders, start=1):
        history = read_run(path, strict=False)
        begin = 0 if config.parent is None else config.parent.step
        state = "finished" if history.step >= config.steps else "stopped"
        one = Try(number, path.name, config.recipe, begin, history.step, config.steps, state, number - 1 or None)
        one.history, one.config = history, config
        if tries:
            one.compare(folders[number - 2][1])
        tries.append(one)
    return tries


def round_off(value: Any) -> float | None:
    """Round a number for a chart, to six significant digits; None for any other value."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def curves_of(history: RunHistory) -> dict[str, dict[str, list[Any]]]:
    """Return a run's curves as columns, thinned for the page."""
    stepped = ((step, measures | {"penalty": _penalty(measures)}) for step, measures in history.stepped)
    rows = {step: {"gap": signals["gap"]} for step, signals in history.measured if "gap" in signals}
    for step, metrics in history.evaluated:
        rows[step] = rows.get(step, {}) | {"distance": metrics.get("kid"), **metrics}
    return {
        "curves": _columns(stepped, CURVES),
        "distance": _columns(sorted(rows.items()), DISTANCE),
    }


def _penalty(measures: dict[str, Any]) -> float | None:
    """Return the sum of the penalties, which are all the measures that have no column."""
    penalties = [v for name, v in measures.items() if name not in CURVES and isinstance(v, (int, float))]
    return sum(penalties) if penalties else None


def _columns(series: Iterable[tuple[int, dict[str, Any]]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Return all rows, or `POINTS` evenly chosen ones that include both ends, as columns."""
    rows = [*series]
    if len(rows) > POINTS:
        rows = [rows[round(i * (len(rows) - 1) / (POINTS - 1))] for i in range(POINTS)]
    columns: dict[str, list[Any]] = {"step": [step for step, _ in rows]}
    return columns | {name: [round_off(values.get(name)) for _, values in rows] for name in names}


class State:
    """What a snapshot holds."""

    def __init__(self) -> None:
        self.name = "empty"
        self.text = ""
        self.tries: list[Try] = []
        self.number = 0
        self.serial = 0  # counts opened runs; a message with another number is out of date
        self.info: dict[str, Any] = {}  # what the worker tells of a run that it has opened
        self.config: Config | None = None  # as it is now
        self.settings: dict[str, Any] | None = None
        self.step = 0
        self.seconds = 0.0
        self.rate: float | None = None
        self.saved_step: int | None = None
        self.saved_samples: list[int] = []
        self.error: dict[str, Any] | None = None
        self.samples: bytes | None = None
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
    def events(self) -> dict[str, dict[str, Any]]:
        """The latest event of each kind."""
        return self.current.history.latest if self.current is not None and self.name != "loading" else {}

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
        self.step, self.rate, self.error, self.info, self.config = 0, None, None, {}, None
        self.saved_step, self.saved_samples = None, []
        self.samples = self.checked = self.advice = self.metrics = None
        self.pending = []

    def open(self, info: dict[str, Any], runs: Path) -> None:
        self.info, self.config, self.name = info, info.pop("config"), "training"
        self.step, self.seconds = info["step"], info["seconds"]
        self.saved_step = info["step"] if info["step"] > info["begins"] else None
        self.saved_samples = [*RunFolder(runs / info["run"]).grids()]
        if (current := self.current) is not None and self.config is not None:
            current.state, current.recipe = "training", self.config.recipe
            current.from_step, current.step, current.steps = info["begins"], info["step"], info["steps"]
            history = current.history  # a killed run's log may be longer than its checkpoint
            history.adjusted = info["adjusted"]
            history.latest = {kind: event for kind, event in history.latest.items() if event["step"] <= self.step}

    def move(self, name: str, step: int | None = None) -> None:
        self.name = name
        if step is not None:
            self.step = step
        if name in ("stopped", "finished", "failed"):
            self.rate = None
        if self.current is not None:
            self.current.state, self.current.step = name, self.step

    def take(self, event: dict[str, Any]) -> None:
        kind, step = event["event"], event["step"]
        if self.current is not None:
            self.current.history.add(event)
        if kind == "stepped":
            self.move(self.name, step)
        elif kind == "sampled" and step not in self.saved_samples:
            self.saved_samples.append(step)
        elif kind == "saved":
            self.saved_step = step
        elif kind == "evaluated":
            self.metrics = None  # they belong to an earlier checkpoint

    def evaluate(self, run: str, metrics: dict[str, Any]) -> bool:
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
            "steps_per_second": round_off(self.rate),
            "seconds_left": round_off(left),
            "seconds": round_off(self.seconds),
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
        charts: dict[str, Any] = {"curves": {}, "distance": {}}
        for each in self.tries:
            for name, columns in curves_of(each.history).items():
                charts[name][str(each.number)] = columns
        more = ("settings", "saved_samples", "events", "checked", "advice", "metrics")
        return {
            "status": self.status(),
            "tries": [each.content() for each in self.tries],
            **charts,
            **{name: getattr(self, name) for name in more},
            "samples": None if self.samples is None else json.loads(self.samples),
        }

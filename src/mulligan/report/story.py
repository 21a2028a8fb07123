"""Read a run folder back, as far as its files are there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mulligan.config.change import differences
from mulligan.config.model import Config
from mulligan.config.serialization import to_table
from mulligan.config.toml import load_config
from mulligan.errors import MulliganError
from mulligan.output.files import read_json
from mulligan.training.events import Diagnosed
from mulligan.training.store.checkpoint import WORDS, checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.log import read_times

Series = list[tuple[int, dict[str, Any]]]

ANCESTORS = 8
"""Maximum number of tries in one line."""


@dataclass(eq=False)
class Story:
    """The content of a run folder. Lists are in the order of the steps."""

    folder: RunFolder
    config: Config
    started: dict[str, Any] = field(default_factory=dict)
    """The first event, or the parent's; empty if neither log has one."""
    stepped: Series = field(default_factory=list)
    measured: Series = field(default_factory=list)
    evaluated: Series = field(default_factory=list)
    histogram: list[float] = field(default_factory=list)
    """Shares of the fakes' classes at the last measurement; may be empty."""
    diagnosed: list[Diagnosed] = field(default_factory=list)
    diverged: str = ""
    """Why the run could not go on; empty if it could."""
    finished: bool = False
    step: int = 0
    """The last step in the log or in a checkpoint."""
    clock: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Wall and CPU seconds, by step."""
    metrics: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    """The versions in the newest checkpoint."""
    samples: list[tuple[int, Path]] = field(default_factory=list)
    best: int = -1
    """The step of ``best.safetensors``; −1 without one."""
    parent: Story | None = None
    """The try before, if its folder still exists."""
    changed: str = ""
    """A warning that the log or the metrics were changed; empty if they were not."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.path.resolve().name

    @property
    def begins(self) -> int:
        """The step at which this try began."""
        return 0 if self.config.parent is None else self.config.parent.step

    @property
    def tries(self) -> list[Story]:
        """The run and the earlier tries that still exist, the oldest first."""
        return [*([] if self.parent is None else self.parent.tries), self]

    @property
    def number(self) -> int:
        """The number of this try. If its parent is missing, it comes from the folder's name."""
        if self.parent is not None:
            return self.parent.number + 1
        if self.config.parent is None:
            return 1
        found = re.search(r"-try-(\d+)$", self.name)
        return int(found[1]) if found else 2

    @property
    def failure(self) -> Diagnosed | None:
        """The failure that the diagnosis named at the end, or None."""
        last = self.diagnosed[-1] if self.diagnosed else None
        return last if last is not None and last.severity else None

    @property
    def changes(self) -> list[str]:
        """The changes of the second try, ``path: old → new``; empty if the parent is missing."""
        if self.parent is None:
            return []
        old, new = to_table(self.parent.config), to_table(self.config)
        return [line for line in differences(old, new) if not line.startswith(("parent", "steps:"))]

    @property
    def measured_before(self) -> int | None:
        """The step of the metrics if the run has continued since; None if they were measured at its end."""
        step = (self.metrics or {}).get("step", self.step)
        return None if step == self.step else step

    def seconds(self, step: int) -> tuple[float, float] | None:
        """Return wall and CPU seconds at a step, or at the report before it."""
        known = [s for s in self.clock if s <= step]
        return self.clock[max(known)] if known else None


def read(folder: str | Path, *, ancestors: int = ANCESTORS) -> Story:
    """Read a run folder, and at most `ancestors` earlier tries as well.

    Raises `ConfigError` when the folder holds no run, `CheckpointError` when its log is damaged.
    """
    here = RunFolder.of(folder)
    story = Story(here, load_config(here.config))
    events, story.changed = here.read_log()
    for event in events:
        _hear(story, event)
    story.clock = {told["step"]: (float(told["wall"]), float(told["cpu"])) for told in read_times(here.times)}
    metrics, changed = here.read_metrics()
    story.metrics, story.changed = _measured(metrics), f"{story.changed} {changed}".strip()
    saved = checkpoints(here.checkpoints)
    story.step = max([story.step, *map(step_of, saved)])  # a stop saves between two reports
    words = read_json(saved[-1] / WORDS) if saved else None
    if words is not None and isinstance(words.get("versions"), dict):
        story.versions = words["versions"]
    clock = words.get("clock") if words is not None else None
    if story.clock and isinstance(clock, dict) and {"wall", "cpu"} <= clock.keys():
        story.clock.setdefault(step_of(saved[-1]), (float(clock["wall"]), float(clock["cpu"])))
    story.samples = [*here.grids().items()]
    story.best = here.best_step()
    above = story.config.parent
    if above is not None and ancestors > 0:
        try:
            story.parent = read(above.run, ancestors=ancestors - 1)
        except MulliganError:  # moved or deleted: the configuration still names it
            story.parent = None
    if story.parent is not None and not story.started:  # a second try from a checkpoint has its parent's networks
        story.started = story.parent.started
    return story


def _measured(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """Return the metrics; None if another program wrote a file of that name."""
    needed = {"n": int, "n_real": int, "data": str}
    return metrics if all(isinstance(metrics.get(key), kind) for key, kind in needed.items()) else None


def _hear(story: Story, event: dict[str, Any]) -> None:
    """Add one event to the story."""
    name, step = event.get("event"), event.get("step", 0)
    story.step = max(story.step, step)
    if name == "started":
        story.started = event
    elif name == "stepped":
        story.stepped.append((step, event["measures"]))
    elif name == "measured":
        story.measured.append((step, event["signals"]))
        story.histogram = event["histogram"]
    elif name == "evaluated":
        story.evaluated.append((step, event["metrics"]))
    elif name == "diagnosed":
        story.diagnosed.append(Diagnosed.of(event))
    elif name == "failed":
        story.diverged = str(event["reason"])
    elif name == "finished":
        story.finished = True

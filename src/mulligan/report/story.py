"""Read a run folder back, as far as its files are there."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mulligan.config.change import differences
from mulligan.config.model import Config, load_config
from mulligan.config.serialization import to_table
from mulligan.doors.read import find_json
from mulligan.errors import MulliganError
from mulligan.training.store.checkpoint import WORDS, checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import RunHistory, read_run


@dataclass(eq=False)
class Story(RunHistory):
    """The content of a run folder. Lists are in the order of the steps."""

    folder: RunFolder = field(kw_only=True)
    config: Config = field(kw_only=True)
    versions: dict[str, str] = field(default_factory=dict)
    """The versions in the newest checkpoint."""
    samples: list[tuple[int, Path]] = field(default_factory=list)
    best: int = -1
    """The step of ``best.safetensors``; −1 without one."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.path.resolve().name

    @property
    def number(self) -> int:
        """The number of this try, by the folder's name."""
        match = re.search(r"-try-(\d+)$", self.name)
        return 1 if self.config.parent is None else int(match[1]) if match else 2

    @property
    def changes(self) -> list[str]:
        """The changes of a second try, ``path: old → new``; empty if the run before is missing."""
        try:
            old = load_config(RunFolder.of(self.config.parent.run).config) if self.config.parent else self.config
        except MulliganError:  # moved or deleted
            return []
        lines = differences(to_table(old), to_table(self.config))
        return [line for line in lines if not line.startswith(("parent", "steps:"))]

    @property
    def measured_before(self) -> int | None:
        """The step of the metrics if the run has continued since; None if they were measured at its end."""
        step = self.metrics.get("step", self.step)
        return None if step == self.step else step

    def seconds(self, step: int) -> tuple[float, float] | None:
        """Return wall and CPU seconds at a step, or at the report before it."""
        known = [s for s in self.clock if s <= step]
        return self.clock[max(known)] if known else None


def read(folder: str | Path) -> Story:
    """Read a run folder. Raises `ConfigError` when it holds no run, `DataError` when its log is damaged."""
    here = RunFolder.of(folder)
    story = Story(folder=here, config=load_config(here.config), **vars(read_run(here.path)))
    story.metrics = _own_metrics(story.metrics)
    saved = checkpoints(here.checkpoints)
    record = (find_json(saved[-1] / WORDS) if saved else None) or {}
    versions, clock = record.get("versions"), record.get("clock")
    if isinstance(versions, dict):
        story.versions = {name: version for name, version in versions.items() if isinstance(version, str)}
    if story.clock and isinstance(clock, dict) and type(clock.get("wall")) is type(clock.get("cpu")) is float:
        story.clock.setdefault(step_of(saved[-1]), (clock["wall"], clock["cpu"]))
    story.samples = [*here.grids().items()]
    story.best = here.best_step()
    return story


def _own_metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics; nothing if another program wrote a file of that name."""
    kinds = {"n": int, "n_real": int, "data": str, "seeds": list, "step": int, "classes": dict}
    known = {"seeds": [], "step": 0, "classes": {}, **metrics}
    whole = all(isinstance(known.get(key), kind) for key, kind in kinds.items())
    return metrics if whole and isinstance(known["classes"].get("histogram", []), list) else {}

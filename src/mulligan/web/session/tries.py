"""Find the tries that led to a run. Each is a run folder, and may begin at a checkpoint of the one before."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mulligan.config import labels
from mulligan.config.model import Config
from mulligan.config.serialization import to_table
from mulligan.config.toml import load_config
from mulligan.errors import MulliganError
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.web.session.history import History, history_of


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
    alarm: dict[str, Any] | None = None
    history: History = field(default_factory=History)
    config: Config | None = None  # before any adjustment

    def content(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("history", "config")}

    def compare(self, before: Config) -> None:
        assert self.config is not None
        self.changes = labels.labelled(*(to_table(replace(each, parent=None)) for each in (before, self.config)))
        self.summary = labels.summary(self.changes)


def chain(folder: Path) -> list[Try]:
    """Return the tries that led to a run folder, the oldest first, with their history.

    The chain begins after the last try whose folder is missing or cannot be read.
    """
    found = [(folder, load_config(RunFolder(folder).config))]
    while (parent := found[0][1].parent) is not None:
        path = folder.parent / Path(parent.run).name
        try:
            found.insert(0, (path, load_config(RunFolder(path).config)))
        except MulliganError:
            break
    before = [None, *(config for _, config in found)]
    return [_read(path, config, old, n) for n, ((path, config), old) in enumerate(zip(found, before), start=1)]


def _read(folder: Path, config: Config, before: Config | None, number: int) -> Try:
    history = history_of(folder)
    saved = (step_of(path) for path in checkpoints(RunFolder(folder).checkpoints))
    last = max([0, *saved, *history.curves.step[-1:]])
    begin = 0 if config.parent is None else config.parent.step
    found = Try(number, folder.name, config.recipe, begin, last, config.steps, "stopped", number - 1 or None)
    found.history, found.config = history, config
    if last >= config.steps:
        found.state = "finished"
    if before is not None:
        found.compare(before)
    alarms = [d for d in history.diagnoses if d.get("severity") == "alarm"]
    if alarms:
        found.alarm = {"state": alarms[-1]["state"], "step": alarms[-1]["step"]}
    return found

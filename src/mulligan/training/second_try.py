"""Start a second try: a new run that goes back to the last healthy checkpoint and applies the remedy.

Weights, average, sampler and random streams come from the checkpoint. If the loss, the penalties or an optimiser have
changed, both optimisers begin with fresh moments. A remedy that changes networks, initial weights or data begins at
step 0.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mulligan.config.change import apply_overrides, differences, with_overrides
from mulligan.config.model import Config, Parent
from mulligan.config.serialization import to_table
from mulligan.data import Dataset
from mulligan.errors import ConfigError, quote
from mulligan.training.events import Diagnosed
from mulligan.training.run import Run
from mulligan.training.store.checkpoint import Checkpoint
from mulligan.training.store.folder import RunFolder, own_config
from mulligan.training.store.history import read_run


@dataclass(frozen=True, eq=False)
class SecondTry:
    """A planned second try. Read it to see what will change, then call `run`."""

    config: Config
    """The configuration with the remedy applied and `parent` set."""
    changes: list[str]
    """``path: old → new``, where old is the run's last value, adjustments included."""
    checkpoint: Checkpoint | None
    """The checkpoint from which it continues; None to begin at step 0."""
    dropped: list[str] = field(default_factory=list)
    """A sentence for each change of kind that drops fields."""
    keep_moments: bool = False
    """Keep the optimisers' moments even if the loss, the penalties or an optimiser's settings have changed."""

    @property
    def step(self) -> int:
        """The step from which the second try continues."""
        return 0 if self.checkpoint is None else self.checkpoint.step

    def run(self, *, data: Dataset | None = None) -> Run:
        """Build the run, ready for `Recorder.record` in a new folder. `data` is for a run on the caller's arrays."""
        start, run = self.checkpoint, Run(self.config, data=data, begin=self.checkpoint is None)
        if start is None:
            return run
        run.seek(start.state)
        now, then = (
            (config.loss, config.penalties, config.generator.optimizer, config.discriminator.optimizer)
            for config in (run.config, start.current)
        )
        for name, array in run.gan.arrays().items():
            fresh = name not in start.arrays or (now != then and not self.keep_moments)  # moments depend on them
            if ".optimizer." in name and fresh:
                continue
            np.copyto(array, start.arrays["g.theta" if name == "average" and name not in start.arrays else name])
        run.wall, run.cpu = float(start.clock["wall"]), float(start.clock["cpu"])
        return run


def plan(folder: str | Path, diagnosed: Diagnosed | None = None) -> SecondTry:
    """Plan the second try of a run folder, with the remedy of one of its diagnoses (default: the last one)."""
    here = RunFolder.of(folder)
    config = own_config(here)
    history = read_run(here.path)
    diagnosed = history.failure if diagnosed is None else diagnosed
    if diagnosed is None or not diagnosed.severity:
        raise ConfigError(
            f"the diagnosis has found nothing to repair in {folder}. Go on with it (mulligan resume {quote(folder)})."
        )
    if not diagnosed.overrides:
        raise ConfigError(
            f"no further change of settings repairs '{diagnosed.state}' in {folder}. "
            f"What may help: {'; '.join(diagnosed.remedies)}."
        )
    last = with_overrides(config, [change for event in history.adjusted for change in event["overrides"]])
    start = here.newest(diagnosed.healthy_step)
    if start is not None:  # rates and weights of that step, and the data's present path
        config = replace(start.current, steps=config.steps, data=replace(start.current.data, name=config.data.name))
    new, dropped = apply_overrides(config, diagnosed.overrides)
    parent = Parent(str(here.path.resolve()), 0 if start is None else start.step)
    return SecondTry(replace(new, parent=parent), differences(to_table(last), to_table(new)), start, dropped)


def next_folder(path: Path) -> Path:
    """Return the first free name for a second try: ``runs/quick-1-try-2``, then ``-try-3``, and so on."""
    stem, _, number = path.name.rpartition("-try-")
    name, count = (stem, int(number) + 1) if stem and number.isdecimal() else (path.name, 2)
    while (path.parent / f"{name}-try-{count}").exists():
        count += 1
    return path.parent / f"{name}-try-{count}"

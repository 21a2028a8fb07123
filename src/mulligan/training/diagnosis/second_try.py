"""The second try: back to where a run was last healthy, with the remedy in its configuration, in a run of its own.

Weights, average, sampler and random streams come from the checkpoint. Where the loss, the penalties or an optimiser
have changed, both optimisers begin with fresh moments. A remedy that changes the nets, the start weights or the data
begins at step 0.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.data import Dataset
from mulligan.errors import CheckpointError, ConfigError, typed
from mulligan.serialization import to_table
from mulligan.training.config import Config, Parent, load_config
from mulligan.training.events import Adjusted, Diagnosed
from mulligan.training.overrides import apply_overrides, differences, with_overrides
from mulligan.training.run import Run
from mulligan.training.store.checkpoint import Checkpoint
from mulligan.training.store.folder import RunFolder


@dataclass(frozen=True, eq=False)
class SecondTry:
    """What a second try is going to be, before it begins.

    Attributes
    ----------
    config : Config
        With the remedy in it, and `parent` set.
    changes : list of str
        ``path: old → new``; old is how it stood in the end, with what was adjusted.
    checkpoint : Checkpoint or None
        Where it goes on from; None for the very beginning.
    dropped : list of str
        What a change of kind has dropped, a sentence each.
    keep_moments : bool
        Go on with the optimisers' moments even where the loss, the penalties or an optimiser's settings have changed.
    """

    config: Config
    changes: list[str]
    checkpoint: Checkpoint | None
    dropped: list[str] = field(default_factory=list)
    keep_moments: bool = False

    @property
    def step(self) -> int:
        """The step that it goes back to."""
        return 0 if self.checkpoint is None else self.checkpoint.step

    def run(self, *, data: Dataset | None = None) -> Run:
        """Build the run, ready for `Recorder.record` in a new folder.

        Parameters
        ----------
        data : Dataset, optional
            For a run on the caller's arrays.

        Raises
        ------
        CheckpointError
            When the checkpoint does not fit the configuration or the data.
        """
        run = Run(self.config, data=data, begin=self.checkpoint is None)
        if self.checkpoint is not None:
            _go_on(run, self.checkpoint, self.keep_moments)
        return run


def diagnoses(folder: str | Path) -> list[Diagnosed]:
    """Read what has been said about a run, the oldest first.

    Raises
    ------
    ConfigError
        When this is not a run folder.
    CheckpointError
        When its log was damaged.
    """
    return [Diagnosed.of(words) for words in RunFolder.of(folder).read_log()[0] if words.get("event") == Diagnosed.name]


def plan(folder: str | Path, diagnosed: Diagnosed | None = None) -> SecondTry:
    """Plan the second try of a run.

    Parameters
    ----------
    folder : str or Path
        The run folder.
    diagnosed : Diagnosed, optional
        Whose remedy; by default what was said last.

    Raises
    ------
    ConfigError
        When this is not a run folder, nothing is known that would have to be repaired, or the remedy is nothing that a
        configuration could change.
    CheckpointError
        When there are checkpoints of healthy steps, and none can be trusted.
    """
    if diagnosed is None:
        said = diagnoses(folder)
        diagnosed = said[-1] if said else None
    if diagnosed is None or not diagnosed.severity:
        raise ConfigError(
            f"no state of {folder} is known that would have to be repaired. Go on with it (mulligan resume "
            f"{typed(folder)})."
        )
    here = RunFolder.of(folder)
    config = load_config(here.config)
    if not diagnosed.overrides:
        raise ConfigError(
            f"no setting that could still be changed repairs '{diagnosed.state}' in {folder}. "
            f"What may help: {'; '.join(diagnosed.remedies)}."
        )
    log, _ = here.read_log()
    stood = with_overrides(config, [line for e in log if e.get("event") == Adjusted.name for line in e["overrides"]])
    found = here.newest(diagnosed.healthy_step)
    if found is not None:  # with rates and weights as they stood there, and the data where it is now
        config = replace(found.current, steps=config.steps, data=replace(found.current.data, name=config.data.name))
    changed, dropped = apply_overrides(config, diagnosed.overrides)
    parent = Parent(str(here.path.resolve()), 0 if found is None else found.step)
    return SecondTry(replace(changed, parent=parent), differences(to_table(stood), to_table(changed)), found, dropped)


def next_folder(folder: str | Path) -> Path:
    """Return the first free name for a second try: ``runs/quick-1-try-2``, then ``-try-3``, and so on."""
    path = Path(folder)
    stem, _, number = path.name.rpartition("-try-")
    name, count = (stem, int(number) + 1) if stem and number.isdecimal() else (path.name, 2)
    while (path.parent / f"{name}-try-{count}").exists():
        count += 1
    return path.parent / f"{name}-try-{count}"


def _go_on(run: Run, found: Checkpoint, keep_moments: bool) -> None:
    """Put a run with a changed configuration where a checkpoint of its parent stood."""
    state = found.state
    if state["data"] != run.fingerprint:
        raise CheckpointError(f"{found.path} was trained on other data than {run.data.name} is now. Restore the data.")
    fresh = not keep_moments and _moments(run.config) != _moments(found.current)
    for name, array in run.gan.arrays().items():
        if ".optimizer." in name and (fresh or name not in found.arrays):
            continue
        kept = found.arrays.get(name, found.arrays["g.theta"] if name == "average" else None)
        if kept is None or kept.shape != array.shape:
            raise CheckpointError(
                f"{found.path} does not fit the changed nets: it has no {name} of shape {array.shape}. Begin at step 0."
            )
        np.copyto(array, kept)
    run.seek(state)
    run.wall, run.cpu = float(found.clock["wall"]), float(found.clock["cpu"])


def _moments(config: Config) -> Any:
    """Return all that an optimiser's moments are moments of."""
    return config.loss, config.penalties, config.generator.optimizer, config.discriminator.optimizer
